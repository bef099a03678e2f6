"""The windows of ten seconds in which a file is looked up."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ritornello.audio.fingerprint.evidence import Heard, hear
from ritornello.audio.fingerprint.peaks import FRAMES_PER_SECOND, Peaks

WINDOW_FRAMES = 10 * FRAMES_PER_SECOND
HEARD_AT_ONCE = 32  # windows prepared for evidence; a file of twelve hours would otherwise take half a gigabyte


@dataclass(frozen=True)
class Window:
    """Frames `first` up to `last` of a file, their peaks, counted from `first` on, and how evidence sees them."""

    number: int
    first: int
    last: int
    peaks: Peaks
    _hear: Callable[[int], Heard]

    @property
    def heard(self) -> Heard:
        return self._hear(self.number)


def cut(peaks: Peaks) -> list[Window]:
    """Windows one after another; what is left at the end, if shorter than half of one, belongs to the last."""
    count = max(1, round(peaks.length / WINDOW_FRAMES)) if peaks.length else 0
    starts = [number * WINDOW_FRAMES for number in range(count)] + [peaks.length]
    parts = [peaks.between(starts[number], starts[number + 1]) for number in range(count)]
    hear_part = lru_cache(HEARD_AT_ONCE)(lambda number: hear(parts[number]))
    return [Window(number, starts[number], starts[number + 1], parts[number], hear_part) for number in range(count)]
