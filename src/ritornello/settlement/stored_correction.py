"""A correction by an engine: what stands goes in as an integer table, and the changes stay where the engine wrote them.

The same lines and differences as `correct.amend` makes; memory holds the catalogue, not the lines.
"""

from collections.abc import Mapping, Sequence
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
from ritornello.settlement.standing import CHANGES, STANDING
from ritornello.settlement.stored_lines import Ranked, bring, rank, write_ranked
from ritornello.settlement.stored_rows import StoredRows

LARGEST_UNITS = 10**18  # sums of units stay within 64 bits below it


@dataclass(frozen=True)
class StoredStanding(StoredRows[StandingLine]):
    """What stands before a correction."""

    largest_numerator: int
    COLUMNS = tuple(STANDING)

    def make(self, key: tuple[str, str, str], numbers: Sequence[Any]) -> StandingLine:
        numerator, units = map(int, numbers)
        return StandingLine(*key, numerator, units)


@dataclass(frozen=True)
class StoredDeltas(StoredRows[Delta]):
    """Differences where an engine wrote them."""

    settlement_id: str
    COLUMNS = tuple(CHANGES)

    def make(self, key: tuple[str, str, str], numbers: Sequence[Any]) -> Delta:
        return Delta(*key, name_line(self.settlement_id, *key), *map(int, numbers))


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
    return Amended(allocation, kept, StoredDeltas(deltas, ranked.pools, ranked.payees, ranked.recordings, period.settlement_id))


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
    with pq.ParquetWriter(path, pq.read_schema(stands.files[0])) as writer:
        for batch in stands.batches():
            ranks = [table.take(column) for table, column in zip(places, batch.columns[:3], strict=True)]
            writer.write_batch(pa.record_batch([*ranks, *batch.columns[3:]], schema=batch.schema))
