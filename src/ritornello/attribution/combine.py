"""One output's shares from what is heard in it, what influenced it, and what training read: `c·evidence + (1 − c)·[a·influence + (1 − a)·exposure]`.

What is heard counts first, since a passage can be listened to. The rest of the output, 1 − c, follows the influence scores as far as an audit has shown that they can
be believed, `a`, and exposure in training for the remainder; whoever shows the shares shows these three parts. Nothing is forced to 100 %: sound that was found in
something else, and outputs about which the scores say nothing, stay `unattributed`.

Scores may come from any method; only their signs and proportions are used. Two rules keep them from being farmed (docs/attribution.md, "From scores to shares"):
copies of one sound count as the one of them with the highest score, which is divided inside the cluster, so that nobody earns twice; and a recording whose influence
on itself is far above the usual, as an outlier made to draw influence has it, counts no more than the usual.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median

from ritornello.attribution.shares import UNATTRIBUTED, WHOLE_PPM, Shares, divide_cluster
from ritornello.domain.money import apportion

SCALE = 10**12  # a score becomes a whole number of this part of the largest one
SELF_INFLUENCE_LIMIT = 5.0


@dataclass(frozen=True, slots=True)
class Blend:
    """`weights`: ppm of each recording that has any, and of `unattributed`; they total 1,000,000.

    `evidence_ppm`, `influence_ppm` and `exposure_ppm` say where the attributed part comes from; with `unattributed` they total 1,000,000.
    `leak_ppm` is the part of all positive score that fell on recordings that are not eligible: it was struck out.
    """

    weights: dict[str, int]
    evidence_ppm: int
    influence_ppm: int
    exposure_ppm: int
    leak_ppm: int


def blend(
    heard: Shares,
    scores: Mapping[str, float],
    exposure: Mapping[str, int],
    *,
    a_ppm: int,
    clusters: Sequence[Sequence[str]] = (),
    self_influence: Mapping[str, float] | None = None,
) -> Blend:
    """Return the shares of one output.

    `heard` are its shares by evidence (`shares.to_weights`); `scores` the influence of recordings on it, in any unit, positive where training on the recording made the
    output more likely; `exposure` what training read of each eligible recording (any whole unit, above 0): nobody else can earn. `a_ppm` is how far scores are believed.
    `clusters` are recordings of one and the same sound. `self_influence`, of each scored recording on itself, switches the outlier gate on.
    Integer arithmetic from the scores on: the result does not depend on the order of anything. Raises `ValueError` for scores that are not finite, an `a_ppm` outside
    0 to 1,000,000, or no exposure.
    """
    if not 0 <= a_ppm <= WHOLE_PPM:
        raise ValueError("a_ppm lies between 0 and 1,000,000")
    if not exposure or min(exposure.values()) <= 0:
        raise ValueError("there are eligible recordings, and each was read")
    if not all(map(isfinite, (*scores.values(), *(self_influence or {}).values()))):
        raise ValueError("every score is a finite number")
    influence, leak_ppm = _divide_influence(_gate(scores, self_influence or {}, exposure), exposure, clusters)
    rest = heard.weights[UNATTRIBUTED] - heard.leak_ppm if influence else 0
    by_influence = apportion(rest * a_ppm // WHOLE_PPM, influence) if influence else {}
    by_exposure = apportion(rest - sum(by_influence.values()), exposure)
    weights = {name: weight for name, weight in heard.weights.items() if name != UNATTRIBUTED}
    for part in (by_influence, by_exposure):
        for name, weight in part.items():
            weights[name] = weights.get(name, 0) + weight
    weights = {name: weight for name, weight in weights.items() if weight} | {UNATTRIBUTED: heard.weights[UNATTRIBUTED] - rest}
    assert sum(weights.values()) == WHOLE_PPM
    evidence_ppm = WHOLE_PPM - heard.weights[UNATTRIBUTED]
    return Blend(weights, evidence_ppm, sum(by_influence.values()), sum(by_exposure.values()), leak_ppm)


def _gate(scores: Mapping[str, float], self_influence: Mapping[str, float], eligible: Mapping[str, int]) -> Mapping[str, float]:
    """Scores of recordings whose influence on themselves is above five times the median of the eligible, scaled down to that limit."""
    usual = median([self_influence[name] for name in eligible if name in self_influence] or [0.0])
    if usual <= 0:
        return scores
    limit = SELF_INFLUENCE_LIMIT
    return {name: score * (limit / max(limit, self_influence.get(name, 0.0) / usual)) for name, score in scores.items()}


def _divide_influence(
    scores: Mapping[str, float], exposure: Mapping[str, int], clusters: Sequence[Sequence[str]]
) -> tuple[dict[str, int], int]:
    """Weights of eligible recordings (none where no score is positive), and the part in ppm of what others would have got."""
    members = {name: tuple(cluster) for cluster in clusters for name in cluster}
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(scores):
        groups.setdefault(members.get(name, (name,)), []).append(name)
    best = {group: max(scores[name] for name in names) for group, names in groups.items()}
    highest = max(best.values(), default=0.0)
    if highest <= 0:
        return {}, 0
    weights: dict[str, int] = {}
    leak = total = 0
    for group, score in best.items():
        weight = round(score / highest * SCALE) if score > 0 else 0
        earning = [name for name in group if name in exposure]
        total += weight
        leak += 0 if earning else weight
        if weight and earning:
            weights |= divide_cluster(weight, earning, exposure)
    return weights, leak * WHOLE_PPM // total
