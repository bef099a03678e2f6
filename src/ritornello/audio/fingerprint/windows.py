"""The windows of ten seconds in which a file is looked up."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ritornello.audio.fingerprint.evidence import Heard, hear
from ritornello.audio.fingerprint.peaks import FRAMES_PER_SECOND, Peaks

WINDOW_FRAMES = 10 * FRAMES_PER_SECOND


@dataclass(frozen=True)
class Window:
    """Frames `first` up to `last` of a file."""

    number: int
    first: int
    last: int
    of_file: Callable[[], Peaks]

    @cached_property
    def peaks(self) -> Peaks:
        return self.of_file().between(self.first, self.last)

    @cached_property
    def heard(self) -> Heard:
        return hear(self.peaks)


def cut(peaks: Peaks) -> list[Window]:
    """Windows one after another; what is left at the end, if shorter than half of one, belongs to the last."""
    count = max(1, round(peaks.length / WINDOW_FRAMES))
    starts = [number * WINDOW_FRAMES for number in range(count)] + [peaks.length]
    return [Window(number, starts[number], starts[number + 1], lambda: peaks) for number in range(count)] if peaks.length else []
