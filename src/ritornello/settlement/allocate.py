"""Who gets what of each pool through which recording: steps 4 and 6 of docs/formats/settlement.md."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.money import apportion
from ritornello.domain.period import Period
from ritornello.domain.splits import RESERVE, SplitSet
from ritornello.settlement import engine
from ritornello.settlement.engine import rank
from ritornello.settlement.pools import Pool
from ritornello.settlement.split_sets import SplitKey, compile_splits
from ritornello.settlement.weights import weigh


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


def allocate(period: Period, pools: Sequence[Pool]) -> Allocation:
    """Divide every pool exactly. Raises BadInput when a pool has nothing to be divided by."""
    backend = engine.connect()
    weights = weigh(period, pools, backend)
    raise_if_any(
        [
            Problem(
                "exposure.jsonl",
                None,
                "exposure_ms",
                f"the pool {pool.name} has no recording with any exposure",
                "register the run with what it read",
            )
            for pool in pools
            if pool.basis != "unattributed-reserve" and not weights[pool.name]
        ]
    )
    wanted = {(recording_id, pool.lane, pool.territory) for pool in pools for recording_id in weights[pool.name]}
    splits = compile_splits(period, wanted)
    numerators = _numerators(pools, weights, splits, backend)
    lines = [line for pool in pools for line in _divide(period.settlement_id, pool, numerators[pool.name])]
    denominators = {pool.name: sum(weights[pool.name].values()) * WHOLE_E8 if weights[pool.name] else WHOLE_E8 for pool in pools}
    return Allocation(lines, denominators, splits)


def _numerators(
    pools: Sequence[Pool],
    weights: Mapping[str, Mapping[str, int]],
    splits: Mapping[SplitKey, SplitSet],
    backend: engine.Backend,
) -> dict[str, list[tuple[str, str, int, int, int]]]:
    """Pool name → (payee, recording, weight, share_e8, numerator), ascending."""
    keys, recordings = sorted(splits), sorted({recording_id for recording_id, _, _ in splits})
    payees = sorted({share.payee for split in splits.values() for share in split.shares})
    split_rank, recording_rank, payee_rank = rank(keys), rank(recordings), rank(payees)
    entries = [
        (number, pool, recording_id, weight) for number, pool in enumerate(pools) for recording_id, weight in weights[pool.name].items()
    ]
    engine.prove_bounds([weight for *_, weight in entries], WHOLE_E8)
    shares = [(split_rank[key], payee_rank[share.payee], share.share_e8) for key in keys for share in splits[key].shares]
    rows = engine.multiply_lines(
        backend,
        {
            "pool": [number for number, *_ in entries],
            "split": [split_rank[recording_id, pool.lane, pool.territory] for _, pool, recording_id, _ in entries],
            "recording": [recording_rank[recording_id] for _, _, recording_id, _ in entries],
            "weight": [weight for *_, weight in entries],
        },
        {
            "split": [split for split, _, _ in shares],
            "payee": [payee for _, payee, _ in shares],
            "share_e8": [share for _, _, share in shares],
        },
    )
    found: dict[str, list[tuple[str, str, int, int, int]]] = {
        pool.name: [(RESERVE, "", 1, WHOLE_E8, WHOLE_E8)] if pool.basis == "unattributed-reserve" else [] for pool in pools
    }
    for pool_number, payee, recording, weight, share, numerator in rows:
        found[pools[pool_number].name].append((payees[payee], recordings[recording], weight, share, numerator))
    return found


def _divide(settlement_id: str, pool: Pool, rows: Sequence[tuple[str, str, int, int, int]]) -> list[Line]:
    """Round once per (pool, payee), then lay the rounded amount out over the payee's lines."""
    by_payee = {payee: list(group) for payee, group in groupby(rows, key=lambda row: row[0])}
    amounts = apportion(pool.units, {payee: sum(row[4] for row in group) for payee, group in by_payee.items()})
    lines = []
    for payee, group in by_payee.items():
        units = apportion(amounts[payee], {recording_id: numerator for _, recording_id, _, _, numerator in group})
        for _, recording_id, weight, share_e8, numerator in group:
            line_id = name_line(settlement_id, pool.name, payee, recording_id)
            lines.append(Line(line_id, pool.name, payee, recording_id, weight, share_e8, numerator, units[recording_id]))
    return lines


def name_line(settlement_id: str, pool: str, payee: str, recording_id: str) -> str:
    """The line's name: 16 hex digits that stay the same whenever the settlement is recomputed."""
    return hashlib.sha256("\n".join((settlement_id, pool, payee, recording_id)).encode()).hexdigest()[:16]
