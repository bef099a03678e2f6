"""What stands before a correction (previous_allocations.jsonl), read by DuckDB instead of row by row: docs/formats/period-folder.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.formats.canonical import Fingerprint
from ritornello.formats.schema import PERIOD_TABLES
from ritornello.formats.stored_table import StoredTables, fingerprint_file, open_tables, quoted

TABLE = "previous_allocations"
_UNITS_DIGITS = 18  # what 64 bits hold


@dataclass(frozen=True, slots=True)
class StandingRows:
    """The table as Parquet of ranks: pool, payee, recording, numerator, units, ascending; and what the ranks stand for."""

    file: Path | None  # None: an amount has more digits than 64 bits hold
    pools: Sequence[str]
    payees: Sequence[str]
    recordings: Sequence[str]
    largest_numerator: int
    fingerprints: Mapping[str, Fingerprint]


def read_standing(folder: Path, work: Path, pool_units: Mapping[str, int] | None, memory_bytes: int) -> StandingRows:
    """Check and store the table in `work`. `pool_units`: of previous_pools.jsonl; None: nothing is corrected, so no row may stand here.

    Raises BadInput with the problems of this file.
    """
    with open_tables(folder, work, memory_bytes) as tables:
        fingerprint = fingerprint_file(folder / f"{TABLE}.jsonl")
        if pool_units is None and fingerprint.rows:
            what = "has rows although period.json corrects nothing"
            tables.problems.append(Problem(f"{TABLE}.jsonl", None, "corrects", what, "name what is corrected, or empty the table"))
        tables.load(TABLE, PERIOD_TABLES[TABLE], fingerprint.rows or 0)
        raise_if_any(tables.problems)
        fits = not tables.count(TABLE, f"length(amount_units) > {_UNITS_DIGITS}")
        if fits and pool_units is not None:
            _check(tables, pool_units)
            raise_if_any(tables.problems)
        return _store(tables, work, fits, {f"{TABLE}.jsonl": fingerprint})


def _check(tables: StoredTables, pool_units: Mapping[str, int]) -> None:
    tables.note(
        TABLE,
        "amount_units",
        f"SELECT place, pool FROM {TABLE} WHERE amount_units LIKE '-%' OR numerator LIKE '-%'",
        lambda _: "is below zero",
        "correct it",
    )
    found = tables.sql.execute(f"SELECT pool, sum(amount_units::HUGEINT) FROM {TABLE} GROUP BY pool").fetchall()
    if {pool: int(units) for pool, units in found} != dict(pool_units):
        what = "do not sum to previous_pools.jsonl"
        todo = "take both from the settlement's result"
        tables.problems.append(Problem(f"{TABLE}.jsonl", None, "amount_units", what, todo))


def _store(tables: StoredTables, work: Path, fits: bool, fingerprints: Mapping[str, Fingerprint]) -> StandingRows:
    names = []
    for rank, column in (("pool", "pool"), ("payee", "payee"), ("recording", "recording_id")):
        found = sorted(name for (name,) in tables.sql.execute(f"SELECT DISTINCT {column} FROM {TABLE}").fetchall())
        ranks = pa.table({rank: pa.array(range(len(found)), pa.int32()), "name": pa.array(found, pa.string())})
        tables.sql.register(f"{rank}_names", ranks)
        names.append(found)
    (largest,) = tables.sql.execute(f"SELECT coalesce(max(numerator::DECIMAL(38, 0)), 0) FROM {TABLE}").fetchone() or (0,)
    file = work / "standing.parquet"
    if fits:
        tables.sql.execute(
            f"""COPY (SELECT p.pool, y.payee, r.recording, s.numerator::DECIMAL(38, 0) AS numerator, s.amount_units::BIGINT AS units
            FROM {TABLE} s JOIN pool_names p ON p.name = s.pool JOIN payee_names y ON y.name = s.payee
            JOIN recording_names r ON r.name = s.recording_id ORDER BY ALL) TO '{quoted(file)}'"""
        )
    return StandingRows(file if fits else None, names[0], names[1], names[2], int(largest), fingerprints)
