"""Allocation by an engine: weights and split sets go out as integer tables, and the lines stay where the engine wrote them.

The same lines as `allocate.allocate` makes, byte for byte; memory holds the catalogue, not the lines.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.period import Period
from ritornello.domain.splits import RESERVE, SplitSet
from ritornello.settlement.allocate import Allocation, Line, name_line
from ritornello.settlement.backends import DuckDB
from ritornello.settlement.bulk import LINE_KEY, LINES, PoolRow, Run, prove, write_pools
from ritornello.settlement.division import Bounds
from ritornello.settlement.pools import Pool
from ritornello.settlement.split_sets import SplitKey, compile_splits
from ritornello.settlement.stored_rows import StoredRows

NOBODY = ""  # the recording of a pool that is kept in reserve
_KINDS = {"int32": pa.int32(), "int64": pa.int64()}


@dataclass(frozen=True)
class StoredLines(StoredRows[Line]):
    """Lines where an engine wrote them."""

    settlement_id: str
    COLUMNS = tuple(LINES)

    def make(self, key: tuple[str, str, str], numbers: Sequence[int]) -> Line:
        weight, share_e8, units = numbers
        return Line(name_line(self.settlement_id, *key), *key, weight, share_e8, weight * share_e8, units)


def allocate_stored(
    period: Period, pools: Sequence[Pool], weights: Mapping[str, Mapping[str, int]], run: Run, work: Path, local: DuckDB
) -> Allocation:
    """`allocate.allocate` by an engine; `local` puts a cluster's lines in order. Raises BeyondBounds where only plain integers will do."""
    ranked = rank(period, pools, weights)
    _, files = run.divide(*write_ranked(ranked, run, work), ranked.bounds)
    return ranked.take(bring(files, run, work, local, "lines", LINES))


@dataclass(frozen=True, slots=True)
class Ranked:
    """A division in integers: what is divided, and what the ranks stand for."""

    settlement_id: str
    pools: Sequence[str]
    payees: Sequence[str]
    recordings: Sequence[str]
    rows: Sequence[PoolRow]
    totals: Mapping[int, int]  # cell → Σ weight
    bounds: Bounds
    weights: Callable[[], Iterator[tuple[int, ...]]]  # cell, recording, weight
    shares: Callable[[], Iterator[tuple[int, ...]]]  # lane, recording, payee, share_e8
    denominators: Mapping[str, int]
    splits: Mapping[SplitKey, SplitSet]

    def take(self, files: Sequence[Path]) -> Allocation:
        """The allocation whose lines lie in these files."""
        lines = StoredLines(files, self.pools, self.payees, self.recordings, self.settlement_id)
        return Allocation(lines, self.denominators, self.splits)


def rank(
    period: Period,
    pools: Sequence[Pool],
    weights: Mapping[str, Mapping[str, int]],
    beside: tuple[Iterable[str], Iterable[str], Iterable[str]] = ((), (), ()),
) -> Ranked:
    """Ranks for everything that is divided; `beside`: pools, payees and recordings that need a rank too. Raises BeyondBounds."""
    splits = compile_splits(period, {(name, pool.lane, pool.territory) for pool in pools for name in weights[pool.name]})
    reserve = {NOBODY: 1}
    of_pool = [weights[pool.name] or reserve for pool in pools]
    cells = {id(one): one for one in of_pool}
    cell_rank = {key: place for place, key in enumerate(cells)}
    lanes = sorted({(pool.lane, pool.territory) for pool in pools if weights[pool.name]})
    lane_rank = {lane: place for place, lane in enumerate(lanes)}
    nobody = len(lanes)  # the lane of pools that are kept in reserve
    is_reserved = any(not weights[pool.name] for pool in pools)
    names = sorted({pool.name for pool in pools} | set(beside[0]))
    payees = sorted(
        {share.payee for split in splits.values() for share in split.shares} | ({RESERVE} if is_reserved else set()) | set(beside[1])
    )
    recordings = sorted({name for one in cells.values() for name in one} | set(beside[2]))
    pool_rank, payee_rank, recording_rank = ({name: place for place, name in enumerate(one)} for one in (names, payees, recordings))
    rows = [
        PoolRow(
            pool_rank[pool.name],
            cell_rank[id(of_pool[place])],
            lane_rank[pool.lane, pool.territory] if weights[pool.name] else nobody,
            pool.units,
        )
        for place, pool in enumerate(pools)
    ]
    totals = {cell_rank[key]: sum(one.values()) for key, one in cells.items()}

    def list_weights() -> Iterator[tuple[int, ...]]:
        return ((cell_rank[key], recording_rank[name], weight) for key, one in cells.items() for name, weight in one.items())

    def list_shares() -> Iterator[tuple[int, ...]]:
        if is_reserved:
            yield nobody, recording_rank[NOBODY], payee_rank[RESERVE], WHOLE_E8
        for (name, lane, territory), split in splits.items():
            for share in split.shares:
                yield lane_rank[lane, territory], recording_rank[name], payee_rank[share.payee], share.share_e8

    denominators = {pool.name: sum(one.values()) * WHOLE_E8 for pool, one in zip(pools, of_pool, strict=True)}
    bounds = prove(rows, totals, len(payees))
    return Ranked(period.settlement_id, names, payees, recordings, rows, totals, bounds, list_weights, list_shares, denominators, splits)


def write_ranked(ranked: Ranked, run: Run, work: Path) -> tuple[str, str, str]:
    """The paths of pools, weights and splits where the backend reads them."""
    write_pools(work / "pools.parquet", ranked.rows, ranked.totals)
    write_integers(work / "weights.parquet", {"cell": "int32", "recording": "int32", "weight": "int64"}, ranked.weights())
    write_integers(work / "splits.parquet", dict.fromkeys(("lane", "recording", "payee", "share_e8"), "int32"), ranked.shares())
    pools, weights, splits = (run.take(work / f"{name}.parquet") for name in ("pools", "weights", "splits"))
    return pools, weights, splits


def bring(files: Sequence[str], run: Run, work: Path, local: DuckDB, name: str, schema: Mapping[str, str]) -> list[Path]:
    """Files that the backend wrote, here and ascending by LINE_KEY."""
    found = run.give(files, work / "fetched" / name)
    if not run.backend.is_distributed:
        return found
    local.write(local.read(str(work / "fetched" / name / "*" / "*.parquet")), str(work / f"{name}.parquet"), schema, LINE_KEY)
    return [work / f"{name}.parquet"]


def write_integers(path: Path, kinds: Mapping[str, str], rows: Any) -> None:
    """Rows as Parquet, a million at a time."""
    schema = pa.schema([(name, _KINDS[kind]) for name, kind in kinds.items()])
    source = iter(rows)
    with pq.ParquetWriter(path, schema) as writer:
        while part := [row for _, row in zip(range(1 << 20), source, strict=False)]:
            writer.write_table(
                pa.table(
                    [pa.array(column, field.type) for column, field in zip(zip(*part, strict=True), schema, strict=True)], schema=schema
                )
            )
