"""How much each recording counts in each pool: step 4 of docs/formats/settlement.md."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.money import apportion
from ritornello.domain.period import Member, Period
from ritornello.domain.programme import HEARD
from ritornello.settlement.heard import Heard
from ritornello.settlement.pools import Pool, income_of
from ritornello.settlement.receipts import ANY_MODEL, Part

Weights = Mapping[str, int]  # recording → weight above 0
PARTS = 1_000_000  # of a recording that counts once, so that copies can share it


def weigh(period: Period, pools: Sequence[Pool], parts: Iterable[Part], heard: Heard) -> dict[str, Weights]:
    """Pool name → recording → weight. Raises BadInput when a pool has nothing to be divided by."""
    own = {(part.income, part.model_version, part.currency, part.territory): part for part in parts if not part.upstream}
    trained: dict[tuple[str, str, int], Weights] = {}
    found: dict[str, Weights] = {}
    for pool in pools:
        if pool.rule in HEARD:
            part = own[pool.income, pool.model_version, pool.currency, pool.territory]
            found[pool.name] = heard.weights(income_of(period, pool), part)
        else:
            rule = period.programme.held.reserve if pool.rule == "reserve" and period.is_released and period.programme.held else None
            key = (rule or pool.rule, pool.model_version, pool.terms_version if pool.rule == "points" else 0)
            if key not in trained:
                trained[key] = _count_copies_once(period, key[0], _of_training(period, *key))
            found[pool.name] = trained[key]
    raise_if_any([_nothing_to_divide_by(pool) for pool in pools if pool.rule != "reserve" and not found[pool.name]])
    return found


def _of_training(period: Period, rule: str, model_version: str, terms_version: int) -> Weights:
    """Weights by what a model version (or any) was trained on, and by points of the tiers that the terms have."""
    if rule == "reserve":
        return {}
    if rule == "points":
        tiers = period.find_terms(terms_version).tiers_e6
        return {row.recording_id: row.points * tiers[row.tier] for row in period.points if row.tier in tiers}
    weights: dict[str, int] = defaultdict(int)
    if rule == "exposure":
        for row in period.exposures:
            if model_version in {ANY_MODEL, row.model_version}:
                weights[row.recording_id] += row.exposure_ms
    else:
        for member in _members(period, model_version):
            weights[member.recording_id] += member.duration_ms
        if rule != "seconds":
            weights = dict.fromkeys(weights, 1)
        if rule == "works":
            weights = _one_each_work(period, weights)
    return {recording_id: weight for recording_id, weight in weights.items() if weight}


def _count_copies_once(period: Period, rule: str, weights: Weights) -> Weights:
    """Recordings of one sound count together as the largest of them, each by its own part of their sum."""
    clusters: dict[str, dict[str, int]] = defaultdict(dict)
    for recording_id in weights.keys() & period.cluster_of.keys():
        clusters[period.cluster_of[recording_id]][recording_id] = weights[recording_id]
    copied = [members for members in clusters.values() if len(members) > 1]
    if not copied:
        return weights
    parts = PARTS if rule in {"count", "works"} else 1
    found = {recording_id: weight * parts for recording_id, weight in weights.items()}
    for members in copied:
        found |= apportion(max(members.values()) * parts, members)
    return {recording_id: weight for recording_id, weight in found.items() if weight}


def _members(period: Period, model_version: str) -> list[Member]:
    """The assets that a model version (or any) was trained on, each once."""
    runs = period.runs.values() if model_version == ANY_MODEL else [period.runs[model_version]]
    snapshots = {snapshot_id for run in runs for snapshot_id in run.snapshot_ids}
    return list({member.asset_id: member for member in period.members if member.snapshot_id in snapshots}.values())


def _one_each_work(period: Period, recordings: Iterable[str]) -> dict[str, int]:
    """1 for the first recording of each work, and for each without a work."""
    first: dict[str, str] = {}
    for recording_id in sorted(recordings):
        first.setdefault(period.recordings[recording_id].work_id or f"\n{recording_id}", recording_id)
    return dict.fromkeys(first.values(), 1)


def _nothing_to_divide_by(pool: Pool) -> Problem:
    what = f"the pool {pool.name} has no recording to be divided over by {pool.rule}"
    if pool.rule == "exposure":
        return Problem("exposure.jsonl", None, "exposure_ms", what, "register the run with what it read")
    if pool.rule == "points":
        return Problem("points.jsonl", None, "points", what, "import the period's points: ritornello points import")
    return Problem("manifest.jsonl", None, "recording_id", what, "register a run of this programme with its snapshot")
