"""How much each recording counts by what models were trained on, and by points: step 4 of docs/formats/settlement.md."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ritornello.domain.money import apportion
from ritornello.domain.period import Member, Period
from ritornello.settlement.receipts import ANY_MODEL

Weights = Mapping[str, int]  # recording → weight above 0
PARTS = 1_000_000  # of a recording that counts once, so that copies can share it


@dataclass(slots=True)
class Trained:
    """Weights by training and points, each worked out once."""

    period: Period
    _kept: dict[tuple[str, str, int], Weights] = field(default_factory=dict)

    def weights(self, rule: str, model_version: str, terms_version: int) -> Weights:
        """What recordings count under a rule for a model version (or any), copies once; `terms_version`: whose tiers points are weighed by."""
        key = (rule, model_version, terms_version if rule == "points" else 0)
        if key not in self._kept:
            self._kept[key] = _count_copies_once(self.period, rule, _of_training(self.period, *key))
        return self._kept[key]


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
