"""Spreadsheets as people really save them: separators, encodings and decimal commas are found out, doubtful ones refused.

What is accepted is written down in docs/formats/spreadsheets.md.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ritornello.domain.errors import Problem
from ritornello.domain.money import parse_decimal
from ritornello.formats.raw_table import read_raw

MAX_FIELD_CHARACTERS = 10_000
T = TypeVar("T")
_MAY_BE_THOUSANDS = re.compile(r"-?[0-9]{1,3}[.,][0-9]{3}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(slots=True)
class Sheet:
    """One table as text, with a list that collects its problems while it is being read."""

    file: str
    columns: tuple[str, ...]
    rows: list["Cells"]
    delimiter: str
    decimal_marks: dict[str, str]
    problems: list[Problem] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)  # our column → where a mapping takes it from

    def problem(self, row: int | None, column: str | None, what: str, todo: str) -> None:
        label = self.labels.get(column or "")
        self.problems.append(Problem(self.file, row, f"{column} (from {label})" if label else column, what, todo))


@dataclass(slots=True)
class Cells:
    """One row: reading a cell either gives its value or notes a problem and gives None."""

    sheet: Sheet
    number: int
    texts: dict[str, str]
    bad: frozenset[str] = frozenset()  # columns whose problem is noted already: they are empty, and nobody needs to say so

    def text(self, column: str, *, limit: int = 500) -> str | None:
        """The cell's text without surrounding space; None when empty."""
        text = self.texts.get(column, "").strip()
        if len(text) > limit or any(ord(character) < 32 or character == "\x7f" for character in text):
            self.problem(column, f"the text is longer than {limit} characters or has control characters in it", "shorten or clean it")
            return None
        return text or None

    def required(self, column: str, parse: Callable[[str], T]) -> T | None:
        """The parsed cell; an empty one is a problem."""
        if not self.texts.get(column, "").strip():
            if column not in self.bad:
                self.problem(column, "is empty", f"fill in {column}")
            return None
        return self.optional(column, parse)

    def optional(self, column: str, parse: Callable[[str], T]) -> T | None:
        """The parsed cell, or None when it is empty or (noted) wrong."""
        text = self.text(column)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.problem(column, str(error), "correct the cell")
            return None

    def choice(self, column: str, options: Sequence[str], default: str | None = None) -> str | None:
        text = self.text(column)
        if text is None:
            if default is None and column not in self.bad:
                self.problem(column, "is empty", f"use one of: {', '.join(options)}")
            return default
        word = text.lower().replace(" ", "_")
        if word not in options:
            self.problem(column, f"{text!r} is not known", f"use one of: {', '.join(options)}")
            return None
        return word

    def decimal(self, column: str, digits: int, *, large: bool = True) -> int | None:
        """A required decimal number × 10^digits, exact. One column uses one decimal mark; `large` numbers might have thousands separators."""
        return self.required(column, lambda text: parse_decimal(self._with_point(column, text, large), digits))

    def problem(self, column: str | None, what: str, todo: str) -> None:
        self.sheet.problem(self.number, column, what, todo)

    def _with_point(self, column: str, text: str, large: bool) -> str:
        marks = {mark for mark in ".," if mark in text}
        if len(marks) > 1 or text.count(",") > 1 or text.count(".") > 1:
            raise ValueError(f"{text!r} has thousands separators: write 1234.56 or 1234,56")
        if not marks:
            return text
        mark = marks.pop()
        whole, fraction = text.split(mark)
        doubtful = large or (mark, self.sheet.delimiter) == (",", ",")
        if doubtful and _MAY_BE_THOUSANDS.fullmatch(text) and (mark, self.sheet.delimiter) != (".", ",") and not self._proves(column, mark):
            raise ValueError(
                f"{text!r} may mean {whole}{fraction} or {whole}.{fraction}: write it with another number of decimals, such as {whole}.{fraction}0"
            )
        first = self.sheet.decimal_marks.setdefault(column, mark)
        if first != mark:
            raise ValueError(f"{text!r} uses {mark!r} where rows above use {first!r}: use one decimal mark in the whole column")
        return text.replace(",", ".")

    def _proves(self, column: str, mark: str) -> bool:
        """Some row of the column shows that the mark is a decimal mark: it stands before another number of digits than three."""
        texts = (row.texts.get(column, "").strip() for row in self.sheet.rows)
        return any(text.count(mark) == 1 and not _MAY_BE_THOUSANDS.fullmatch(text) for text in texts)


def parse_day(text: str) -> date:
    """`YYYY-MM-DD` and nothing else: 03/04/2026 means two days."""
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day written as YYYY-MM-DD") from None


def parse_count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:19]) < 10**15 or len(text) > 15:
        raise ValueError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def parse_relative_path(text: str) -> str:
    """A path below the folder it is relative to; one that leaves it is refused."""
    path = PurePosixPath(text.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        raise ValueError(f"{text!r} does not stay inside the folder")
    return str(path)


def read_sheet(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Sheet:
    """Read a spreadsheet. Problems of the file itself (missing, not text, columns) are already in the sheet's list; then there are no rows."""
    known = {fold_header(column): column for column in (*required, *optional)}

    def choose(first_line: str) -> str:
        return max(",;\t", key=lambda mark: sum(fold_header(cell) in known for cell in _first_row(first_line, mark)))

    raw = read_raw(path, choose=choose)
    sheet = Sheet(path.name, (), [], raw.delimiter, {}, raw.problems)
    if sheet.problems or not _take_header(sheet, raw.rows[0][1], known, required):
        return sheet
    for number, cells in raw.rows[1:]:
        _take_row(sheet, number, cells)
    if not sheet.rows and not sheet.problems:
        sheet.problem(None, None, "has a header but no rows", "add rows, or leave the file out")
    return sheet


def check_unique(sheet: Sheet, column: str, seen: Sequence[tuple[int, str | None]]) -> None:
    """Note a problem for every value that stands in two rows."""
    first: dict[str, int] = {}
    for number, value in seen:
        if value is None:
            continue
        if value in first:
            sheet.problem(number, column, f"{value!r} is already in row {first[value]}", "keep one of the two rows")
        else:
            first[value] = number


def _first_row(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def fold_header(name: str) -> str:
    """The same for headers that differ in case, spaces, underscores and hyphens only."""
    return name.strip().lower().replace(" ", "").replace("_", "").replace("-", "")


def _take_header(sheet: Sheet, header: Sequence[str], known: dict[str, str], required: Sequence[str]) -> bool:
    names = []
    for cell in header:
        if not cell.strip():
            names.append("")
        elif fold_header(cell) in known:
            names.append(known[fold_header(cell)])
        else:
            sheet.problem(
                1, cell.strip()[:60], "is not a column of this table", f"rename or remove it; known are {', '.join(known.values())}"
            )
    for name, count in Counter(name for name in names if name).items():
        if count > 1:
            sheet.problem(1, name, "stands twice in the header", "keep one of the two columns")
    for name in required:
        if name not in names:
            sheet.problem(1, name, "the column is missing", f"add a column {name}")
    sheet.columns = tuple(names)
    return not sheet.problems


def _take_row(sheet: Sheet, number: int, cells: Sequence[str]) -> None:
    if len(cells) > len(sheet.columns) and any(cell.strip() for cell in cells[len(sheet.columns) :]):
        hint = "quote text that contains the separator" if sheet.delimiter != "," else "quote text that contains a comma"
        sheet.problem(number, None, f"has {len(cells)} cells under {len(sheet.columns)} columns", hint)
        return
    if any(len(cell) > MAX_FIELD_CHARACTERS for cell in cells):
        sheet.problem(number, None, f"has a cell of more than {MAX_FIELD_CHARACTERS} characters", "shorten it")
        return
    sheet.rows.append(Cells(sheet, number, {name: cell for name, cell in zip(sheet.columns, cells, strict=False) if name}))
