"""A table as somebody saved it, before anyone knows what its columns mean: CSV, TSV or an Excel workbook becomes numbered rows of text."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ritornello.domain.errors import Problem
from ritornello.formats.workbook import UnreadableWorkbook, read_workbook

MAX_BYTES = 256 * 1024 * 1024
DELIMITERS = ",;\t|"
_SAMPLE_LINES = 20
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(slots=True)
class RawTable:
    """Rows as (number as a spreadsheet counts, cells). With a problem there are no rows."""

    file: str
    form: str = ""  # how it is written, for people: "CSV, ';' between cells, utf-8"
    delimiter: str = ","
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, row: int | None, what: str, todo: str) -> None:
        self.problems.append(Problem(self.file, row, None, what, todo))


def read_raw(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet_name: str | None = None,
    choose: Callable[[str], str] | None = None,
) -> RawTable:
    """Read a table. What isn't given is found out; `choose` may pick the delimiter from the first line. Blank rows are left out, their numbers too."""
    table = RawTable(path.name)
    data = _read_bytes(path, table)
    if data is None:
        return table
    if data.startswith(_OLE):
        table.problem(None, "is an old Excel file (.xls), or one with a password", "save it as .xlsx without a password, or as CSV (UTF-8)")
    elif data.startswith(_ZIP):
        _read_workbook(path, sheet_name, table)
    else:
        _read_text(data, table, delimiter, encoding, choose)
    if not table.rows and not table.problems:
        table.problem(None, "is empty", "add a header row and rows")
    return table


def _read_bytes(path: Path, table: RawTable) -> bytes | None:
    if not path.is_file():
        table.problem(None, "there is no such file (or it is a folder)", "check the path")
        return None
    if path.stat().st_size > MAX_BYTES:
        table.problem(None, f"is larger than {MAX_BYTES >> 20} MiB", "split the table into several files")
        return None
    return path.read_bytes()


def _read_workbook(path: Path, sheet_name: str | None, table: RawTable) -> None:
    try:
        name, rows = read_workbook(path, sheet_name)
    except UnreadableWorkbook as error:
        table.problem(error.row, error.what, error.todo)
        return
    table.delimiter, table.form, table.rows = "\t", f"Excel, sheet {name!r}", rows


def _read_text(data: bytes, table: RawTable, delimiter: str | None, encoding: str | None, choose: Callable[[str], str] | None) -> None:
    decoded = _decode(data, encoding)
    if decoded is None:
        tried = encoding or "UTF-8, UTF-16 or Windows-1252"
        table.problem(None, f"is not text in {tried}", "save it as CSV (UTF-8)")
        return
    text, used = decoded
    if not text.strip():
        return
    table.delimiter = delimiter or (choose(text.split("\n", 1)[0]) if choose else _guess_delimiter(text))
    between = {"\t": "tabs"}.get(table.delimiter, repr(table.delimiter))
    table.form = f"CSV, {between} between cells, {used}"
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if any(cell.strip() for cell in cells):
                table.rows.append((number, cells))
    except csv.Error as error:
        table.rows.clear()
        table.problem(reader.line_num, f"the file breaks off or has broken quoting here ({error})", "save the table as CSV again")


def _decode(data: bytes, encoding: str | None) -> tuple[str, str] | None:
    """The text and its encoding; None when it is in none of these."""
    if encoding:
        tries = [encoding]
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        tries = ["utf-16"]
    else:
        tries = ["utf-8-sig", "cp1252"]
    for name in tries:
        try:
            text = data.decode(name).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError):
            continue
        return None if "\x00" in text else (text, "utf-8" if name == "utf-8-sig" else name)
    return None


def _guess_delimiter(text: str) -> str:
    """The mark that cuts most of the first lines into the same number of cells, more than one."""
    lines = [line for line in text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES] if line.strip()]

    def steadiness(mark: str) -> tuple[int, int]:
        counts = Counter(len(cells) for cells in _cut(lines, mark) if len(cells) > 1)
        return max(((times, width) for width, times in counts.items()), default=(0, 0))

    return max(DELIMITERS, key=steadiness)


def _cut(lines: list[str], mark: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=mark)
    except csv.Error:
        return
