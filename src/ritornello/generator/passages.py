"""What an output is made of: the truth that only its generator knows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ritornello.domain.money import apportion

WHOLE_PPM = 1_000_000
UNATTRIBUTED = "unattributed"


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of an output taken from one recording, or, with `recording_id` None, from the generator's own voice.

    `start_ms` to `end_ms` is where it is heard, its fades included; `source_start_ms` is where in the recording it begins.
    """

    recording_id: str | None
    start_ms: int
    end_ms: int
    source_start_ms: int


def truth_ppm(passages: Sequence[Passage]) -> dict[str, int]:
    """Return the share of time of each recording, in ppm, with the generator's own voice under `unattributed`.

    `passages` are in order of time and only neighbours overlap; the time of an overlap is halved between the two. The shares
    total exactly 1,000,000: by largest remainder, ties by identifier. No passages: all is unattributed.
    """
    half_ms: Counter[str] = Counter()
    for place, passage in enumerate(passages):
        earlier = passages[place - 1] if place > 0 else None
        later = passages[place + 1] if place + 1 < len(passages) else None
        shared = _overlap_ms(earlier, passage) + _overlap_ms(passage, later)
        half_ms[passage.recording_id or UNATTRIBUTED] += 2 * (passage.end_ms - passage.start_ms) - shared
    if sum(half_ms.values()) == 0:
        return {UNATTRIBUTED: WHOLE_PPM}
    shares = apportion(WHOLE_PPM, half_ms)
    shares.setdefault(UNATTRIBUTED, 0)
    assert sum(shares.values()) == WHOLE_PPM
    return dict(sorted(shares.items()))


def _overlap_ms(earlier: Passage | None, later: Passage | None) -> int:
    if earlier is None or later is None:
        return 0
    return max(0, earlier.end_ms - later.start_ms)
