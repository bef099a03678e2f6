"""Allocation by an engine: weights and split sets go out as integer tables, and the lines stay where the engine wrote them.

The same lines as `allocate.allocate` makes, byte for byte; memory holds the catalogue, not the lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.period import Period
from ritornello.domain.splits import RESERVE
from ritornello.settlement.allocate import Allocation, Line, name_line
from ritornello.settlement.backends import DuckDB
from ritornello.settlement.bulk import LINE_KEY, LINES, PoolRow, Run, prove, write_pools
from ritornello.settlement.pools import Pool
from ritornello.settlement.split_sets import compile_splits

BATCH_ROWS = 1 << 16
NOBODY = ""  # the recording of a pool that is kept in reserve
_KINDS = {"int32": pa.int32(), "int64": pa.int64()}


@dataclass(frozen=True, slots=True)
class StoredLines(Sequence[Line]):
    """Lines in Parquet files, ascending, read as often as somebody asks."""

    settlement_id: str
    files: Sequence[Path]
    pools: Sequence[str]
    payees: Sequence[str]
    recordings: Sequence[str]

    def __len__(self) -> int:
        return sum(pq.read_metadata(path).num_rows for path in self.files)

    def __getitem__(self, place: Any) -> Any:
        raise TypeError("stored lines are read from the first to the last")

    def __iter__(self) -> Iterator[Line]:
        for batch in self.batches():
            for pool, payee, recording, weight, share_e8, units in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                names = self.pools[pool], self.payees[payee], self.recordings[recording]
                yield Line(name_line(self.settlement_id, *names), *names, weight, share_e8, weight * share_e8, units)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The lines as integer columns (LINES of `bulk`)."""
        for path in self.files:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(batch_size=BATCH_ROWS, columns=list(LINES))


def allocate_stored(
    period: Period, pools: Sequence[Pool], weights: Mapping[str, Mapping[str, int]], run: Run, work: Path, local: DuckDB
) -> Allocation:
    """`allocate.allocate` by an engine; `local` puts a cluster's lines in order. Raises BeyondBounds where only plain integers will do."""
    splits = compile_splits(period, {(name, pool.lane, pool.territory) for pool in pools for name in weights[pool.name]})
    reserve = {NOBODY: 1}
    of_pool = [weights[pool.name] or reserve for pool in pools]
    cells = {id(one): one for one in of_pool}
    cell_rank = {key: place for place, key in enumerate(cells)}
    lanes = sorted({(pool.lane, pool.territory) for pool in pools if weights[pool.name]})
    lane_rank = {lane: place for place, lane in enumerate(lanes)}
    nobody = len(lanes)  # the lane of pools that are kept in reserve
    recordings = sorted({name for one in cells.values() for name in one})
    payees = sorted(
        {share.payee for split in splits.values() for share in split.shares} | ({RESERVE} if NOBODY in recordings[:1] else set())
    )
    recording_rank, payee_rank = ({name: place for place, name in enumerate(names)} for names in (recordings, payees))
    rows = [
        PoolRow(place, cell_rank[id(of_pool[place])], lane_rank[pool.lane, pool.territory] if weights[pool.name] else nobody, pool.units)
        for place, pool in enumerate(pools)
    ]
    totals = {cell_rank[key]: sum(one.values()) for key, one in cells.items()}
    bounds = prove(rows, totals, len(payees))
    write_pools(work / "pools.parquet", rows, totals)
    weighed = ((cell_rank[key], recording_rank[name], weight) for key, one in cells.items() for name, weight in one.items())
    _write(work / "weights.parquet", {"cell": "int32", "recording": "int32", "weight": "int64"}, weighed)
    shares = (
        (lane_rank[lane, territory], recording_rank[name], payee_rank[share.payee], share.share_e8)
        for (name, lane, territory), split in splits.items()
        for share in split.shares
    )
    kept = [(nobody, recording_rank[NOBODY], payee_rank[RESERVE], WHOLE_E8)] if NOBODY in recording_rank else []
    _write(work / "splits.parquet", dict.fromkeys(("lane", "recording", "payee", "share_e8"), "int32"), (*kept, *shares))
    given = [run.take(work / f"{name}.parquet") for name in ("pools", "weights", "splits")]
    _, files = run.divide(given[0], given[1], given[2], bounds)
    found = run.give(files, work / "fetched")
    if run.backend.is_distributed:
        local.write(local.read(str(work / "fetched" / "*" / "*.parquet")), str(work / "lines.parquet"), LINES, LINE_KEY)
        found = [work / "lines.parquet"]
    lines = StoredLines(period.settlement_id, found, [pool.name for pool in pools], payees, recordings)
    denominators = {pool.name: sum(one.values()) * WHOLE_E8 for pool, one in zip(pools, of_pool, strict=True)}
    return Allocation(lines, denominators, splits)


def _write(path: Path, kinds: Mapping[str, str], rows: Any) -> None:
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
