"""Held money comes to an end: whom it goes to once a period is released (docs/formats/settlement.md, Release)."""

from collections.abc import Mapping, Sequence

from ritornello.domain.period import Period
from ritornello.settlement.pools import Pool
from ritornello.settlement.split_sets import compile_splits

Weights = Mapping[str, int]


def drop_unclaimed(period: Period, pools: Sequence[Pool], weights: Mapping[str, Weights]) -> Mapping[str, Weights]:
    """In a released period, recordings that nobody claims count for nothing where others are claimed; else nothing changes."""
    if not period.is_released:
        return weights
    wanted = {(recording_id, pool.lane, pool.territory) for pool in pools for recording_id in weights[pool.name]}
    claimed = {key for key, split in compile_splits(period, wanted).items() if split.status != "unclaimed"}
    found = {}
    for pool in pools:
        own = weights[pool.name]
        left = {name: weight for name, weight in own.items() if (name, pool.lane, pool.territory) in claimed}
        found[pool.name] = left or own
    return found
