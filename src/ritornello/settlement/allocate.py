"""Who gets what of each pool through which recording: steps 4 and 6 of docs/formats/settlement.md."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.money import apportion
from ritornello.domain.period import Period
from ritornello.domain.splits import RESERVE, SplitSet
from ritornello.settlement.pools import Pool
from ritornello.settlement.split_sets import SplitKey, compile_splits


@dataclass(frozen=True, slots=True)
class Line:
    """One allocation: a payee's part of a pool through one recording."""

    line_id: str
    pool: str
    payee: str
    recording_id: str
    weight: int
    share_e8: int
    numerator: int
    units: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """All lines, ascending by pool, payee and recording, with each pool's denominator and the split sets used."""

    lines: Sequence[Line]
    denominators: Mapping[str, int]
    splits: Mapping[SplitKey, SplitSet]


def allocate(period: Period, pools: Sequence[Pool], weights: Mapping[str, Mapping[str, int]]) -> Allocation:
    """Divide every pool exactly by its weights (recording → weight above 0, by pool name)."""
    wanted = {(recording_id, pool.lane, pool.territory) for pool in pools for recording_id in weights[pool.name]}
    splits = compile_splits(period, wanted)
    lines = [line for pool in pools for line in _divide(period.settlement_id, pool, weights[pool.name], splits)]
    denominators = {pool.name: sum(weights[pool.name].values()) * WHOLE_E8 if weights[pool.name] else WHOLE_E8 for pool in pools}
    return Allocation(lines, denominators, splits)


def _divide(settlement_id: str, pool: Pool, weights: Mapping[str, int], splits: Mapping[SplitKey, SplitSet]) -> Iterator[Line]:
    """Round once per payee, then lay the rounded amount out over the payee's lines; ascending by payee and recording."""
    shares: dict[str, dict[str, tuple[int, int]]] = {RESERVE: {"": (1, WHOLE_E8)}} if not weights else defaultdict(dict)
    for recording_id, weight in weights.items():
        for share in splits[recording_id, pool.lane, pool.territory].shares:
            shares[share.payee][recording_id] = (weight, share.share_e8)
    numerators = {payee: {name: weight * share for name, (weight, share) in parts.items()} for payee, parts in shares.items()}
    amounts = apportion(pool.units, {payee: sum(parts.values()) for payee, parts in numerators.items()})
    for payee in sorted(shares):
        units = apportion(amounts[payee], numerators[payee])
        for recording_id in sorted(shares[payee]):
            weight, share_e8 = shares[payee][recording_id]
            line_id = name_line(settlement_id, pool.name, payee, recording_id)
            yield Line(line_id, pool.name, payee, recording_id, weight, share_e8, weight * share_e8, units[recording_id])


def name_line(settlement_id: str, pool: str, payee: str, recording_id: str) -> str:
    """The line's name: 16 hex digits that stay the same whenever the settlement is recomputed."""
    return hashlib.sha256("\n".join((settlement_id, pool, payee, recording_id)).encode()).hexdigest()[:16]
