"""From matched passages to weights on the integer simplex."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import lcm

from ritornello.attribution.similarity import Match
from ritornello.domain.money import apportion

WHOLE_PPM = 1_000_000
UNATTRIBUTED = "unattributed"


@dataclass(frozen=True, slots=True)
class Shares:
    """`weights`: ppm of each recording that has any, and of `unattributed`; they total 1,000,000.

    `leak_ppm` is the part of `unattributed` whose sound was found in recordings that are not eligible: the error the
    method is known to make where those are controls, which no model was trained on.
    """

    weights: dict[str, int]
    leak_ppm: int


def to_weights(matches: Iterable[Match], output_ms: int, *, eligible: frozenset[str]) -> Shares:
    """Return the share of an output's time of each recording in `eligible`, in ppm, by largest remainder, ties by identifier.

    Time where several recordings match is divided equally between them; a recording that matches twice at once counts once.
    Time without a match, or matched with a recording that is not eligible, is `unattributed`. Matches reaching beyond
    0 to `output_ms` are cut off there. Raises `ValueError` for an output of no length.
    """
    if output_ms <= 0:
        raise ValueError("an output has a positive length")
    if UNATTRIBUTED in eligible:
        raise ValueError(f"no recording may be called {UNATTRIBUTED}")
    heard = _divide_time(tuple(matches), output_ms)
    eligible_parts = Counter({name: part for name, part in heard.items() if name in eligible})
    leak = sum(part for name, part in heard.items() if name not in eligible and name != UNATTRIBUTED)
    parts = {**eligible_parts, UNATTRIBUTED: heard[UNATTRIBUTED] + leak}
    weights = apportion(WHOLE_PPM, parts)
    return Shares(weights, leak * WHOLE_PPM // sum(parts.values()))


def _divide_time(matches: tuple[Match, ...], output_ms: int) -> Counter[str]:
    """The time of each recording and of nobody, in fractions of a millisecond small enough to be whole numbers."""
    edges = sorted({0, output_ms} | {min(max(time, 0), output_ms) for match in matches for time in (match.start_ms, match.end_ms)})
    stretches = []
    for first, last in pairwise(edges):
        names = {match.recording_id for match in matches if match.start_ms <= first and match.end_ms >= last}
        stretches.append((last - first, names or {UNATTRIBUTED}))
    unit = lcm(*(len(names) for _, names in stretches))
    heard: Counter[str] = Counter()
    for length, names in stretches:
        for name in names:
            heard[name] += length * unit // len(names)
    return heard
