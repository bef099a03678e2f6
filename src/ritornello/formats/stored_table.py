"""A table of a period folder read by DuckDB instead of row by row, within the memory it is given.

Each line is taken apart and written anew from its columns; when that gives the same text, it was canonical and typed as it should be. Whatever does not
pass goes to the reader of small folders (`schema.check_row`), whose verdict counts.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from ritornello.domain import merkle
from ritornello.domain.errors import Problem
from ritornello.formats.canonical import Fingerprint
from ritornello.formats.schema import BIG, COUNT, DAY, HASH, MAX_PROBLEMS, Table, check_row

_BLOCK = 1 << 22
_LONGEST_LINE = 1 << 20


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


@contextmanager
def open_tables(folder: Path, work: Path, memory_bytes: int) -> Iterator["StoredTables"]:
    """Tables of a period folder in a database of their own in `work`, gone afterwards."""
    work.mkdir(parents=True, exist_ok=True)
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_bytes}B",
        "temp_directory": str(work / "spill"),
        "max_temp_directory_size": "64GB",
    }
    connection = duckdb.connect(str(work / "tables.duckdb"), config=limits)
    try:
        yield StoredTables(connection, folder)
    finally:
        connection.close()
        for name in ("tables.duckdb", "tables.duckdb.wal"):
            (work / name).unlink(missing_ok=True)


class StoredTables:
    """Loads tables and collects what is wrong with them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.sql, self.folder = connection, folder
        self.problems: list[Problem] = []

    def load(self, name: str, table: Table, rows: int) -> None:
        """The table `name` with a column `place` (0, 1, … in file order), its rows checked one by one and in their order."""
        columns = {column.removesuffix("?"): kind for column, kind in table.columns.items()}
        types = {column: "BIGINT" if kind == COUNT else "VARCHAR" for column, kind in columns.items()}
        shape = json.dumps(types)
        parts = [f"""'"{column}":' || coalesce(to_json(parsed.{column})::VARCHAR, 'null')""" for column in sorted(columns)]
        written = "'{' || " + " || ',' || ".join(parts) + " || '}'"
        lines = f"""read_csv('{quoted(self.folder / f"{name}.jsonl")}', columns = {{'text': 'VARCHAR'}}, auto_detect = false, header = false,
            delim = '\x01', quote = '', escape = '', comment = '', new_line = '\\n', max_line_size = {_LONGEST_LINE}, parallel = true)"""
        parsed = f"SELECT row_number() OVER () - 1 AS place, text, json_transform(try_cast(text AS JSON), '{shape}') AS parsed FROM {lines}"
        plain = f"coalesce(text = {written} AND NOT ({_out_of_kind(table)}), false)"
        doubtful = f"CASE WHEN NOT {plain} THEN coalesce(text, '') END"
        try:
            self.sql.execute(f"CREATE TABLE {name} AS SELECT place, unnest(parsed), {doubtful} AS doubtful FROM ({parsed})")
        except duckdb.Error as error:
            what = f"can't be read: {str(error).splitlines()[0][:200]}"
            self.problems.append(Problem(f"{name}.jsonl", None, None, what, "write it as RFC 8785 canonical JSON"))
            return
        if self.count(name, "true") != rows:
            self.problems.append(Problem(f"{name}.jsonl", None, None, "has empty lines or breaks off", "get the whole file"))
            return
        found_doubtful = self.sql.execute(f"SELECT place, doubtful FROM {name} WHERE doubtful IS NOT NULL ORDER BY place")
        while (found := found_doubtful.fetchmany(MAX_PROBLEMS)) and len(self.problems) < MAX_PROBLEMS:
            for place, line in found:
                check_row(f"{name}.jsonl", place + 1, line.encode(), table, self.problems)
        key = ", ".join(table.key)
        before = f"SELECT place, {key}, lag(({key})) OVER (ORDER BY place) AS before FROM {name}"
        self.note(
            name,
            table.key[0],
            f"SELECT place, {table.key[0]} FROM ({before}) WHERE ({key}) <= before",
            lambda value: f"{value} is not in ascending order of {key}, or stands twice",
            "sort the rows and keep each key once",
        )

    def note(self, name: str, field: str, query: str, what: Any, todo: str) -> None:
        for place, value in self.sql.execute(f"{query} ORDER BY 1 LIMIT {MAX_PROBLEMS}").fetchall():
            self.problems.append(Problem(f"{name}.jsonl", place + 1, field, what(value), todo))

    def count(self, name: str, condition: str) -> int:
        (count,) = self.sql.execute(f"SELECT count(*) FROM {name} WHERE {condition}").fetchone() or (0,)
        return int(count)


def _out_of_kind(table: Table) -> str:
    """True for rows whose text may be canonical and still of the wrong kind."""
    tests = {
        COUNT: f"{{}} NOT BETWEEN 0 AND {2**53 - 1}",
        BIG: "NOT regexp_full_match({}, '-?[1-9][0-9]{{0,37}}|0')",
        HASH: "NOT regexp_full_match({}, '[0-9a-f]{{64}}')",
        DAY: "(try_cast({0} AS DATE) IS NULL OR length({0}) <> 10)",
    }
    missing = [f"parsed.{column} IS NULL" for column in table.columns if not column.endswith("?")]
    wrong = {column.removesuffix("?"): tests[kind] for column, kind in table.columns.items() if kind in tests}
    return " OR ".join([*missing, *(f"coalesce({test.format(f'parsed.{column}')}, false)" for column, test in wrong.items())])


def quoted(path: Path) -> str:
    return str(path).replace("'", "''")
