"""The tables of a period folder that grow with use (outputs, usage, attribution), read by DuckDB instead of row by row: docs/formats/period-folder.md.

Each line is taken apart and written anew from its columns; when that gives the same text, it was canonical and typed as it should be. Whatever does not
pass goes to the reader of small folders (`schema.read_row`), whose verdict counts. Text keys become ranks (their place in their own table).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ritornello.domain import merkle
from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.period import UNATTRIBUTED
from ritornello.domain.programme import WHOLE_PPM
from ritornello.formats.canonical import Fingerprint
from ritornello.formats.schema import COUNT, DAY, HASH, MAX_PROBLEMS, PERIOD_TABLES, Table, check_row

TABLES = ("outputs", "usage", "attribution")
_BLOCK = 1 << 22
_LONGEST_LINE = 1 << 20
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
    work.mkdir(parents=True, exist_ok=True)
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_bytes}B",
        "temp_directory": str(work / "spill"),
        "max_temp_directory_size": "64GB",
    }
    connection = duckdb.connect(str(work / "use.duckdb"), config=limits)
    try:
        return _Reader(connection, folder, work).read(known)
    finally:
        connection.close()
        for name in ("use.duckdb", "use.duckdb.wal"):
            (work / name).unlink(missing_ok=True)


def fingerprint_file(path: Path) -> Fingerprint:
    """The fingerprint of a table on disk, holding a block of it at a time."""
    tree, rows, rest = merkle.Growing(), 0, b""
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            tree.add([hashlib.sha256(b"\x00" + line).digest() for line in lines])
            rows += len(lines)
    return Fingerprint(tree.root().hex(), rows)


class _Reader:
    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, work: Path) -> None:
        self._sql, self._folder, self._work = connection, folder, work
        self._problems: list[Problem] = []

    def read(self, known: Known) -> StoredUse:
        fingerprints = {f"{name}.jsonl": fingerprint_file(self._folder / f"{name}.jsonl") for name in TABLES}
        for name in TABLES:
            self._load(name, PERIOD_TABLES[name], fingerprints[f"{name}.jsonl"].rows or 0)
        raise_if_any(self._problems)
        pairs = list(known.exposed)
        self._register("models", {"model_version": list(known.models)})
        self._register("recordings", {"recording": list(range(len(known.recordings))), "recording_id": list(known.recordings)})
        self._register("exposed", {"model_version": [model for model, _ in pairs], "recording_id": [name for _, name in pairs]})
        self._check()
        raise_if_any(self._problems)
        return self._store(fingerprints)

    def _register(self, name: str, columns: Mapping[str, Any]) -> None:
        kinds = {"recording": pa.int32()}
        table = pa.table({column: pa.array(values, kinds.get(column, pa.string())) for column, values in columns.items()})
        self._sql.register(f"given_{name}", table)
        self._sql.execute(f"CREATE TABLE {name} AS FROM given_{name}")
        self._sql.unregister(f"given_{name}")

    def _load(self, name: str, table: Table, rows: int) -> None:
        """The table `name` with a column `place` (0, 1, … in file order), its rows checked one by one and in their order."""
        columns = {column.removesuffix("?"): kind for column, kind in table.columns.items()}
        types = {column: "BIGINT" if kind == COUNT else "VARCHAR" for column, kind in columns.items()}
        shape = json.dumps(types)
        parts = [f"""'"{column}":' || coalesce(to_json(parsed.{column})::VARCHAR, 'null')""" for column in sorted(columns)]
        written = "'{' || " + " || ',' || ".join(parts) + " || '}'"
        lines = f"""read_csv('{_quoted(self._folder / f"{name}.jsonl")}', columns = {{'text': 'VARCHAR'}}, auto_detect = false, header = false,
            delim = '\x01', quote = '', escape = '', comment = '', new_line = '\\n', max_line_size = {_LONGEST_LINE}, parallel = true)"""
        parsed = f"SELECT row_number() OVER () - 1 AS place, text, json_transform(try_cast(text AS JSON), '{shape}') AS parsed FROM {lines}"
        plain = f"coalesce(text = {written} AND NOT ({_out_of_kind(table)}), false)"
        doubtful = f"CASE WHEN NOT {plain} THEN coalesce(text, '') END"
        try:
            self._sql.execute(f"CREATE TABLE {name} AS SELECT place, unnest(parsed), {doubtful} AS doubtful FROM ({parsed})")
        except duckdb.Error as error:
            what = f"can't be read: {str(error).splitlines()[0][:200]}"
            self._problems.append(Problem(f"{name}.jsonl", None, None, what, "write it as RFC 8785 canonical JSON"))
            return
        if self._count(name, "true") != rows:
            self._problems.append(Problem(f"{name}.jsonl", None, None, "has empty lines or breaks off", "get the whole file"))
            return
        found_doubtful = self._sql.execute(f"SELECT place, doubtful FROM {name} WHERE doubtful IS NOT NULL ORDER BY place")
        while (found := found_doubtful.fetchmany(MAX_PROBLEMS)) and len(self._problems) < MAX_PROBLEMS:
            for place, line in found:
                check_row(f"{name}.jsonl", place + 1, line.encode(), table, self._problems)
        key = ", ".join(table.key)
        before = f"SELECT place, {key}, lag(({key})) OVER (ORDER BY place) AS before FROM {name}"
        self._note(
            name,
            table.key[0],
            f"SELECT place, {table.key[0]} FROM ({before}) WHERE ({key}) <= before",
            lambda value: f"{value} is not in ascending order of {key}, or stands twice",
            "sort the rows and keep each key once",
        )

    def _check(self) -> None:
        """References between tables, and sums."""
        self._note(
            "outputs",
            "model_version",
            "SELECT place, model_version FROM outputs ANTI JOIN models USING (model_version)",
            lambda value: f"{value!r} is not a model version of runs.jsonl",
            "correct it or add what it names",
        )
        self._note(
            "usage",
            "output_id",
            "SELECT place, output_id FROM usage ANTI JOIN outputs USING (output_id)",
            lambda value: f"{value!r} is not an output of outputs.jsonl",
            "correct it or add what it names",
        )
        self._note("usage", "uses", "SELECT place, uses FROM usage WHERE uses < 1", lambda _: "is not at least 1", "leave the row out")
        self._note(
            "attribution",
            "output_id",
            "SELECT place, output_id FROM attribution ANTI JOIN outputs USING (output_id)",
            lambda value: f"{value!r} is not an output of outputs.jsonl",
            "correct it or add what it names",
        )
        self._note(
            "attribution",
            "recording_id",
            f"""SELECT place, recording_id FROM (SELECT a.place, a.recording_id, o.model_version FROM attribution a JOIN outputs o USING (output_id)
            WHERE recording_id <> '{UNATTRIBUTED}') ANTI JOIN exposed USING (model_version, recording_id)""",
            lambda value: f"the model version was never trained on {value}",
            "give that weight to unattributed",
        )
        self._note(
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
            JOIN cells c USING (model_version, territory)) TO '{_quoted(usage)}'"""
        )
        run(
            f"""COPY (SELECT o.place::INTEGER AS output, r.recording, a.weight_ppm::INTEGER AS weight_ppm FROM attribution a
            JOIN outputs o USING (output_id) JOIN recordings r USING (recording_id) WHERE a.weight_ppm > 0) TO '{_quoted(attribution)}'"""
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

    def _note(self, name: str, field: str, query: str, what: Any, todo: str) -> None:
        for place, value in self._sql.execute(f"{query} ORDER BY 1 LIMIT {MAX_PROBLEMS}").fetchall():
            self._problems.append(Problem(f"{name}.jsonl", place + 1, field, what(value), todo))

    def _count(self, name: str, condition: str) -> int:
        (count,) = self._sql.execute(f"SELECT count(*) FROM {name} WHERE {condition}").fetchone() or (0,)
        return int(count)


def _out_of_kind(table: Table) -> str:
    """True for rows whose text may be canonical and still of the wrong kind."""
    tests = {
        COUNT: f"{{}} NOT BETWEEN 0 AND {2**53 - 1}",
        HASH: "NOT regexp_full_match({}, '[0-9a-f]{{64}}')",
        DAY: "(try_cast({0} AS DATE) IS NULL OR length({0}) <> 10)",
    }
    missing = [f"parsed.{column} IS NULL" for column in table.columns if not column.endswith("?")]
    wrong = {column.removesuffix("?"): tests[kind] for column, kind in table.columns.items() if kind in tests}
    return " OR ".join([*missing, *(f"coalesce({test.format(f'parsed.{column}')}, false)" for column, test in wrong.items())])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
