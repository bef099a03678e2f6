"""From matched passages to weights on the integer simplex."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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


def to_weights(
    matches: Iterable[Match],
    output_ms: int,
    *,
    eligible: frozenset[str],
    clusters: Sequence[Sequence[str]] = (),
    exposure: Mapping[str, int] | None = None,
) -> Shares:
    """Return the share of an output's time of each recording in `eligible`, in ppm, by largest remainder, ties by identifier.

    Time where several recordings match is divided equally between them; a recording that matches twice at once counts once.
    Time without a match, or matched with a recording that is not eligible, is `unattributed`. Matches reaching beyond
    0 to `output_ms` are cut off there. `clusters` are recordings of one and the same sound: each counts as one recording, eligible
    if any of them is, and its weight is divided between those that are by `exposure` (any whole unit above 0), equally where it
    is not known for all of them. Raises `ValueError` for an output of no length.
    """
    if output_ms <= 0:
        raise ValueError("an output has a positive length")
    if UNATTRIBUTED in eligible:
        raise ValueError(f"no recording may be called {UNATTRIBUTED}")
    members = {name: tuple(cluster) for cluster in clusters for name in cluster}
    heard = _divide_time(tuple(matches), output_ms, {name: cluster[0] for name, cluster in members.items()})
    earning = {name: [one for one in members.get(name, (name,)) if one in eligible] for name in heard if name != UNATTRIBUTED}
    eligible_parts = Counter({name: heard[name] for name, names in earning.items() if names})
    leak = sum(heard[name] for name, names in earning.items() if not names)
    parts = {**eligible_parts, UNATTRIBUTED: heard[UNATTRIBUTED] + leak}
    weights: dict[str, int] = {}
    for name, weight in apportion(WHOLE_PPM, parts).items():
        weights |= divide_cluster(weight, earning[name], exposure or {}) if name != UNATTRIBUTED else {name: weight}
    return Shares(weights, leak * WHOLE_PPM // sum(parts.values()))


def divide_cluster(weight: int, names: Sequence[str], exposure: Mapping[str, int]) -> dict[str, int]:
    """Divide the weight of a cluster between its eligible recordings by exposure, equally where it is not known for all of them."""
    by_exposure = {name: exposure.get(name, 0) for name in names}
    return apportion(weight, by_exposure if all(by_exposure.values()) else dict.fromkeys(names, 1))


def _divide_time(matches: tuple[Match, ...], output_ms: int, one_of: Mapping[str, str]) -> Counter[str]:
    """The time of each recording (or cluster, by the one that stands for it) and of nobody, in fractions of a millisecond small enough to be whole numbers."""
    edges = sorted({0, output_ms} | {min(max(time, 0), output_ms) for match in matches for time in (match.start_ms, match.end_ms)})
    stretches = []
    for first, last in pairwise(edges):
        sounding = [match.recording_id for match in matches if match.start_ms <= first and match.end_ms >= last]
        stretches.append((last - first, {one_of.get(name, name) for name in sounding} or {UNATTRIBUTED}))
    unit = lcm(*(len(names) for _, names in stretches))
    heard: Counter[str] = Counter()
    for length, names in stretches:
        for name in names:
            heard[name] += length * unit // len(names)
    return heard
