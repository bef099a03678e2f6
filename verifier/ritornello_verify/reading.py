"""Rows of tables and documents, read strictly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ritornello_verify.canonical import DECODER, DOCUMENT_LIMIT, LINE_LIMIT, NotCanonical, parse
from ritornello_verify.folder import Folder
from ritornello_verify.kinds import Kind
from ritornello_verify.report import Malformed, show
from ritornello_verify.tables import TABLES, Table

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its number from 1, its bytes without the line end, and its columns."""

    number: int
    line: bytes
    values: Values


def read_lines(folder: Folder, path: str) -> Iterator[bytes]:
    """The lines of a file without their ends; every line must have one."""
    with folder.open(path) as file:
        number = 0
        while line := read_line(file, path):
            number += 1
            if not line.endswith(b"\n"):
                long = len(line) >= LINE_LIMIT
                raise Malformed(path, f"the line has more than {LINE_LIMIT:,} bytes" if long else "the last line has no line end", number)
            yield line[:-1]


def read_line(file: BinaryIO, path: str) -> bytes:
    try:
        return file.readline(LINE_LIMIT)
    except OSError as error:
        raise Malformed(path, f"cannot be read: {error.strerror}") from None


def read_row(line: bytes, path: str, number: int) -> Row:
    """Check one line against its table: canonical bytes, exactly the columns, each of its kind."""
    table = TABLES[path]
    try:
        values = parse(line)
    except NotCanonical as error:
        raise Malformed(path, str(error), number) from None
    if type(values) is not dict:
        raise Malformed(path, "not an object", number)
    wrong = find_wrong_column(values, table.columns, table.lacking)
    if wrong:
        raise Malformed(path, wrong, number, identify(values, table))
    return Row(number, line, values)


def reread_rows(folder: Folder, path: str) -> Iterator[Row]:
    """The rows of a table that `read_row` has already found well formed."""
    for number, line in enumerate(read_lines(folder, path), 1):
        yield Row(number, line, DECODER.decode(line.decode()))


def read_document(folder: Folder, path: str, columns: Mapping[str, Kind]) -> Values:
    """One canonical object with exactly these members and one line end."""
    return parse_document(folder.read(path, DOCUMENT_LIMIT), path, columns)


def parse_document(data: bytes, path: str, columns: Mapping[str, Kind]) -> Values:
    """The same of bytes that are read already."""
    if not data.endswith(b"\n"):
        raise Malformed(path, "has no line end")
    try:
        values = parse(data[:-1])
    except NotCanonical as error:
        raise Malformed(path, str(error)) from None
    if type(values) is not dict:
        raise Malformed(path, "not an object")
    wrong = find_wrong_column(values, columns)
    if wrong:
        raise Malformed(path, wrong)
    return values


def find_wrong_column(values: Values, columns: Mapping[str, Kind], lacking: frozenset[str] = frozenset()) -> str | None:
    missing, unknown = sorted(columns.keys() - values.keys() - lacking), sorted(values.keys() - columns.keys())
    if missing or unknown:
        parts = [f"{word} {', '.join(map(show, names))}" for word, names in (("missing", missing), ("unknown", unknown)) if names]
        return f"the columns differ: {'; '.join(parts)}"
    for name, kind in columns.items():
        if name in values and not kind.accepts(values[name]):
            return f"{name} is {show(values[name])}, not {kind.description}"
    return None


def find_key(values: Values, table: Table) -> tuple[Any, ...]:
    return tuple(values[name] for name in table.key)


def identify(values: Values, table: Table) -> str:
    """The words that point to a row: its `line_id`, or else its key."""
    names = ("line_id",) if "line_id" in values and "payee" in values else table.key
    shown = {name: values[name] for name in names if name in values}
    return ", ".join(f"{name} {value if isinstance(value, str) else show(value)}" for name, value in shown.items())
