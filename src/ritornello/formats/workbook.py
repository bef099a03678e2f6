"""Excel workbooks (.xlsx) as rows of text, read without trusting them: sizes are bounded before anything is unpacked, entities are refused."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_PARTS = 5_000
_HEAD_BYTES = 4096
MAX_ROWS, MAX_COLUMNS = 1_100_000, 1_000


class UnreadableWorkbook(Exception):
    """Why a workbook can't be read, and what to do."""

    def __init__(self, what: str, todo: str, row: int | None = None) -> None:
        self.what, self.todo, self.row = what, todo, row
        super().__init__(what)


def read_workbook(path: Path, sheet_name: str | None = None) -> tuple[str, list[tuple[int, list[str]]]]:
    """The name of the sheet that was read, and its rows that aren't blank, numbered as Excel does.

    Without a name, the only visible sheet with anything in it is meant. Formulas count as the results that Excel stored. Raises UnreadableWorkbook.
    """
    _check_parts(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl raises whatever the broken part made it stumble over
        raise UnreadableWorkbook(f"is not an Excel workbook that can be read ({type(error).__name__})", "save it as CSV (UTF-8)") from None
    try:
        sheets = {sheet.title: sheet for sheet in book.worksheets if sheet.sheet_state == "visible"}
        found = {name: list(_rows(sheet)) for name, sheet in sheets.items() if sheet_name in (None, name)}
    except UnreadableWorkbook:
        raise
    except Exception as error:
        raise UnreadableWorkbook(f"has a sheet that can't be read ({type(error).__name__})", "save it as CSV (UTF-8)") from None
    finally:
        book.close()
    filled = [name for name, rows in found.items() if rows]
    if sheet_name is not None and sheet_name not in found:
        raise UnreadableWorkbook(f"has no visible sheet {sheet_name!r}", f"name one of: {', '.join(sheets)}")
    if len(filled) > 1:
        raise UnreadableWorkbook(
            f"has several sheets with rows ({', '.join(filled)})",
            'name one: --sheet for a preview, [file] sheet = "…" in a mapping; or save it as CSV',
        )
    return (filled[0], found[filled[0]]) if filled else ("", [])


def _check_parts(path: Path) -> None:
    """Refuse what would grow beyond bounds. What a part unpacks to is checked against its own entry by zipfile when it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            heads = [archive.open(part).read(_HEAD_BYTES) for part in parts[:MAX_PARTS] if part.filename.endswith((".xml", ".rels"))]
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, zlib.error):  # broken, encrypted, or packed in a foreign way
        raise UnreadableWorkbook("is a broken or foreign archive, no Excel workbook", "save it as CSV (UTF-8)") from None
    if any(b"<!DOCTYPE" in head.replace(b"\0", b"") for head in heads):
        raise UnreadableWorkbook("has a document type in it, with which a file can grow without end", "save it as CSV (UTF-8)")
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise UnreadableWorkbook(
            f"unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB or {MAX_PARTS} parts", "save the sheet as CSV (UTF-8), in several files"
        )


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    sheet.reset_dimensions()  # what a file says of its own size is not to be relied on
    for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), 1):
        if number > MAX_ROWS:
            raise UnreadableWorkbook(f"has more than {MAX_ROWS} rows", "split the table into several files", number)
        cells = list(_texts(row))
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield number, cells


def _texts(row: Iterable[Any]) -> Iterator[str]:
    for cell in row:
        yield _text(cell.value, getattr(cell, "number_format", None) or "")


def _text(value: Any, number_format: str) -> str:
    """What the cell holds, not how it is shown: whole numbers without a point, days as YYYY-MM-DD, percentages with their sign."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value, "%" in number_format)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time | timedelta):
        return str(value)
    return str(value)


def _number(value: int | float, percentage: bool) -> str:
    shown = Decimal(repr(value)) * (100 if percentage else 1)
    if not shown.is_finite():
        return str(value)
    text = format(shown.normalize(), "f")
    return f"{text}%" if percentage else text
