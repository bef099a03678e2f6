"""A correction by an engine: what stands goes in as an integer table, and the changes stay where the engine wrote them.

The same lines and differences as `correct.amend` makes; memory holds the catalogue, not the lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ritornello.domain.period import Period, StandingLine
from ritornello.settlement.allocate import name_line
from ritornello.settlement.backends import DuckDB
from ritornello.settlement.bulk import LINES, BeyondBounds, Run
from ritornello.settlement.correct import Amended, Delta
from ritornello.settlement.pools import Pool
from ritornello.settlement.standing import CHANGES
from ritornello.settlement.stored_lines import BATCH_ROWS, Ranked, bring, rank, write_ranked

LARGEST_UNITS = 10**18  # sums of units stay within 64 bits below it


@dataclass(frozen=True, slots=True)
class StoredStanding(Sequence[StandingLine]):
    """What stands before a correction, in a Parquet file of ranks (`standing` of standing.py); read as often as somebody asks."""

    file: Path
    pools: Sequence[str]
    payees: Sequence[str]
    recordings: Sequence[str]
    largest_numerator: int

    def __len__(self) -> int:
        return int(pq.read_metadata(self.file).num_rows)

    def __getitem__(self, place: Any) -> Any:
        raise TypeError("stored lines are read from the first to the last")

    def __iter__(self) -> Iterator[StandingLine]:
        for batch in self.batches():
            for pool, payee, recording, numerator, units in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield StandingLine(self.pools[pool], self.payees[payee], self.recordings[recording], int(numerator), units)

    def batches(self) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self.file) as file:
            yield from file.iter_batches(batch_size=BATCH_ROWS)


@dataclass(frozen=True, slots=True)
class StoredDeltas(Sequence[Delta]):
    """Differences in Parquet files, ascending, read as often as somebody asks."""

    settlement_id: str
    files: Sequence[Path]
    pools: Sequence[str]
    payees: Sequence[str]
    recordings: Sequence[str]

    def __len__(self) -> int:
        return sum(pq.read_metadata(path).num_rows for path in self.files)

    def __getitem__(self, place: Any) -> Any:
        raise TypeError("stored differences are read from the first to the last")

    def __iter__(self) -> Iterator[Delta]:
        for batch in self.batches():
            for pool, payee, recording, *numbers in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                key = self.pools[pool], self.payees[payee], self.recordings[recording]
                yield Delta(*key, name_line(self.settlement_id, *key), *map(int, numbers))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The differences as integer columns (CHANGES of `standing`)."""
        for path in self.files:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(batch_size=BATCH_ROWS, columns=list(CHANGES))


def amend_stored(
    period: Period,
    pools: Sequence[Pool],
    weights: Mapping[str, Mapping[str, int]],
    stands: StoredStanding,
    run: Run,
    work: Path,
    local: DuckDB,
) -> Amended:
    """`correct.amend` by an engine. Raises BeyondBounds where only plain integers will do."""
    units = [*(pool.units for pool in pools), *(pool.units for pool in period.previous_pools)]
    if sum(units) >= LARGEST_UNITS or stands.largest_numerator * max(len(stands), 1) >= 10**38:
        raise BeyondBounds("what stands is more than 10^18 units, or its numerators are more than 10^38")
    ranked = rank(period, pools, weights, (stands.pools, stands.payees, stands.recordings))
    divided, weighed, shared = write_ranked(ranked, run, work)
    kept = _write_kept(period, pools, ranked, work)
    _write_standing(stands, ranked, work / "standing.parquet")
    before = run.take(work / "standing.parquet")
    files, changes = run.amend(divided, run.take(work / "kept.parquet"), weighed, shared, before, ranked.bounds)
    allocation = ranked.take(bring(files, run, work, local, "lines", LINES))
    deltas = bring([changes], run, work, local, "changes", CHANGES)
    return Amended(allocation, kept, StoredDeltas(period.settlement_id, deltas, ranked.pools, ranked.payees, ranked.recordings))


def _write_kept(period: Period, pools: Sequence[Pool], ranked: Ranked, work: Path) -> frozenset[str]:
    """Write the pools that stand with the same units and denominator; their names."""
    before = {pool.pool: (pool.units, pool.denominator) for pool in period.previous_pools}
    kept = [pool for pool in pools if before.get(pool.name) == (pool.units, ranked.denominators[pool.name])]
    places = {name: place for place, name in enumerate(ranked.pools)}
    columns = {
        "pool": pa.array([places[pool.name] for pool in kept], pa.int32()),
        "units": pa.array([pool.units for pool in kept], pa.int64()),
        "denominator": pa.array([ranked.denominators[pool.name] for pool in kept], pa.decimal128(38, 0)),
    }
    pq.write_table(pa.table(columns), work / "kept.parquet")
    return frozenset(pool.name for pool in kept)


def _write_standing(stands: StoredStanding, ranked: Ranked, path: Path) -> None:
    """What stands, in the ranks of this division."""
    names = ((stands.pools, ranked.pools), (stands.payees, ranked.payees), (stands.recordings, ranked.recordings))
    places = []
    for old, new in names:
        of_name = {name: place for place, name in enumerate(new)}
        places.append(pa.array([of_name[name] for name in old], pa.int32()))
    with pq.ParquetWriter(path, pq.read_schema(stands.file)) as writer:
        for batch in stands.batches():
            ranks = [table.take(column) for table, column in zip(places, batch.columns[:3], strict=True)]
            writer.write_batch(pa.record_batch([*ranks, *batch.columns[3:]], schema=batch.schema))
