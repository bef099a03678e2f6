"""The tables of a period folder that grow with use (outputs, usage, attribution), read by DuckDB instead of row by row: docs/formats/period-folder.md.

Text keys become ranks (their place in their own table).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ritornello.domain.errors import raise_if_any
from ritornello.domain.period import UNATTRIBUTED
from ritornello.domain.programme import WHOLE_PPM
from ritornello.formats.canonical import Fingerprint
from ritornello.formats.schema import PERIOD_TABLES
from ritornello.formats.stored_table import StoredTables, fingerprint_file, open_tables, quoted

TABLES = ("outputs", "usage", "attribution")
Cell = tuple[str, str]  # model version, territory


@dataclass(frozen=True, slots=True)
class StoredUse:
    """Use and attribution as Parquet of ranks; the sums that pools are formed from; the fingerprints of the three files."""

    usage: Path  # cell, output, uses
    attribution: Path  # output, recording, weight_ppm: without unattributed rows and zeros
    cells: Sequence[Cell]  # by rank
    sums: Mapping[Cell, tuple[int, int]]  # Σ uses × ppm that recordings explain, and that none explains, over attributed outputs
    total_uses: int
    fingerprints: Mapping[str, Fingerprint]


@dataclass(frozen=True, slots=True)
class Known:
    """What the three tables may name."""

    models: Iterable[str]
    exposed: Iterable[tuple[str, str]]  # (model version, recording): what may be attributed
    recordings: Sequence[str]  # ascending


def read_use(folder: Path, work: Path, known: Known, memory_bytes: int) -> StoredUse:
    """Check and store the three tables in `work`.

    Raises BadInput with the problems of these files.
    """
    with open_tables(folder, work, memory_bytes) as tables:
        return _Reader(tables, work).read(known)


class _Reader:
    def __init__(self, tables: StoredTables, work: Path) -> None:
        self._tables, self._sql, self._work = tables, tables.sql, work

    def read(self, known: Known) -> StoredUse:
        fingerprints = {f"{name}.jsonl": fingerprint_file(self._tables.folder / f"{name}.jsonl") for name in TABLES}
        for name in TABLES:
            self._tables.load(name, PERIOD_TABLES[name], fingerprints[f"{name}.jsonl"].rows or 0)
        raise_if_any(self._tables.problems)
        pairs = list(known.exposed)
        self._register("models", {"model_version": list(known.models)})
        self._register("recordings", {"recording": list(range(len(known.recordings))), "recording_id": list(known.recordings)})
        self._register("exposed", {"model_version": [model for model, _ in pairs], "recording_id": [name for _, name in pairs]})
        self._check()
        raise_if_any(self._tables.problems)
        return self._store(fingerprints)

    def _register(self, name: str, columns: Mapping[str, Any]) -> None:
        kinds = {"recording": pa.int32()}
        table = pa.table({column: pa.array(values, kinds.get(column, pa.string())) for column, values in columns.items()})
        self._sql.register(f"given_{name}", table)
        self._sql.execute(f"CREATE TABLE {name} AS FROM given_{name}")
        self._sql.unregister(f"given_{name}")

    def _check(self) -> None:
        """References between tables, and sums."""
        self._tables.note(
            "outputs",
            "model_version",
            "SELECT place, model_version FROM outputs ANTI JOIN models USING (model_version)",
            lambda value: f"{value!r} is not a model version of runs.jsonl",
            "correct it or add what it names",
        )
        self._tables.note(
            "usage",
            "output_id",
            "SELECT place, output_id FROM usage ANTI JOIN outputs USING (output_id)",
            lambda value: f"{value!r} is not an output of outputs.jsonl",
            "correct it or add what it names",
        )
        self._tables.note(
            "usage", "uses", "SELECT place, uses FROM usage WHERE uses < 1", lambda _: "is not at least 1", "leave the row out"
        )
        self._tables.note(
            "attribution",
            "output_id",
            "SELECT place, output_id FROM attribution ANTI JOIN outputs USING (output_id)",
            lambda value: f"{value!r} is not an output of outputs.jsonl",
            "correct it or add what it names",
        )
        self._tables.note(
            "attribution",
            "recording_id",
            f"""SELECT place, recording_id FROM (SELECT a.place, a.recording_id, o.model_version FROM attribution a JOIN outputs o USING (output_id)
            WHERE recording_id <> '{UNATTRIBUTED}') ANTI JOIN exposed USING (model_version, recording_id)""",
            lambda value: f"the model version was never trained on {value}",
            "give that weight to unattributed",
        )
        self._tables.note(
            "attribution",
            "weight_ppm",
            f"""SELECT min(place), output_id FROM attribution GROUP BY output_id
            HAVING sum(weight_ppm) <> {WHOLE_PPM} OR count(*) FILTER (recording_id = '{UNATTRIBUTED}') = 0""",
            lambda value: f"the weights of {value} don't total 1,000,000 ppm with an unattributed row",
            "let them total 1,000,000 with an unattributed row, 0 if need be",
        )

    def _store(self, fingerprints: Mapping[str, Fingerprint]) -> StoredUse:
        run = self._sql.execute
        run(
            """CREATE TABLE cells AS SELECT (row_number() OVER (ORDER BY model_version, territory) - 1)::INTEGER AS cell, model_version, territory
            FROM (SELECT DISTINCT model_version, territory FROM usage JOIN outputs USING (output_id))"""
        )
        usage, attribution = self._work / "usage.parquet", self._work / "attribution.parquet"
        run(
            f"""COPY (SELECT c.cell, o.place::INTEGER AS output, u.uses FROM usage u JOIN outputs o USING (output_id)
            JOIN cells c USING (model_version, territory)) TO '{quoted(usage)}'"""
        )
        run(
            f"""COPY (SELECT o.place::INTEGER AS output, r.recording, a.weight_ppm::INTEGER AS weight_ppm FROM attribution a
            JOIN outputs o USING (output_id) JOIN recordings r USING (recording_id) WHERE a.weight_ppm > 0) TO '{quoted(attribution)}'"""
        )
        sums = run(
            f"""SELECT model_version, territory, sum(uses::HUGEINT * ({WHOLE_PPM} - weight_ppm)), sum(uses::HUGEINT * weight_ppm)
            FROM usage JOIN outputs USING (output_id) JOIN (FROM attribution WHERE recording_id = '{UNATTRIBUTED}') USING (output_id)
            GROUP BY ALL"""
        ).fetchall()
        cells = [(model, territory) for model, territory in run("SELECT model_version, territory FROM cells ORDER BY cell").fetchall()]
        (total,) = run("SELECT coalesce(sum(uses), 0) FROM usage").fetchone() or (0,)
        found = {(model, territory): (int(explained), int(unexplained)) for model, territory, explained, unexplained in sums}
        return StoredUse(usage, attribution, cells, found, int(total), fingerprints)
