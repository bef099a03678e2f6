"""Lists keyed by ISRC: a spreadsheet with one row for each ISRC and purpose, every condition in its own column."""

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ritornello.domain.consent import PURPOSES
from ritornello.domain.identifiers import parse_isrc, parse_own
from ritornello.domain.preference import (
    ALLOWED,
    CONSTRAINED,
    NO,
    NOT_ALLOWED,
    SILENT,
    UNKNOWN,
    YES,
    Preference,
    Statement,
    Subject,
    constrain,
)
from ritornello.formats.preferences.codec import Codec
from ritornello.formats.preferences.conditions import LISTS, PARSERS, build
from ritornello.formats.preferences.labels import Reading
from ritornello.formats.preferences.source import Source, parse_asset, parse_iscc, parse_location
from ritornello.formats.sheet import Cells, read_sheet

NAMES = {"isrc": parse_isrc, "recording_id": parse_own, "asset_id": parse_asset, "iscc": parse_iscc, "location": parse_location}
REQUIRED = ("isrc", "purpose", "use")
OPTIONAL = (*[name for name in NAMES if name != "isrc"], *PARSERS)
COLUMNS = ("isrc", *[name for name in NAMES if name != "isrc"], "purpose", "use", *PARSERS)
_USES = {use.lower(): use for use in (ALLOWED, NOT_ALLOWED, CONSTRAINED)}


def encode(preferences: Sequence[Preference]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for preference in preferences:
        for purpose in PURPOSES:
            statement = preference.says(purpose)
            if statement.use != SILENT:
                writer.writerow([_cell(preference, purpose, statement, column) for column in COLUMNS])
    return text.getvalue().encode()


def decode(source: Source) -> list[Preference]:
    if source.data == ",".join(COLUMNS).encode() + b"\r\n":
        return []  # a list of ours with nothing in it
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(source.data)
        sheet = read_sheet(path, REQUIRED, OPTIONAL)
    sheet.file = source.file
    found: dict[Subject, Reading] = {}
    for cells in sheet.rows:
        names = {name: cells.optional(name, parse) for name, parse in NAMES.items() if name != "isrc"}
        isrc = cells.required("isrc", parse_isrc)
        purpose, statement = cells.choice("purpose", PURPOSES), _statement(cells)
        if isrc and purpose:
            reading = found.setdefault(Subject(isrc=isrc, **names), Reading())
            if purpose in reading.statements:
                cells.problem("purpose", f"{purpose} of {isrc} is already in a row above", "keep one of the rows")
            reading.take_purpose(purpose, statement)
    source.problems += [type(one)(source.file, one.row, one.field, one.what, one.todo) for one in sheet.problems]
    return [Preference(subject, reading.statements) for subject, reading in found.items()]


def _cell(preference: Preference, purpose: str, statement: Statement, column: str) -> str:
    if column in NAMES:
        return preference.subject.names().get(column, "")
    if column in ("purpose", "use"):
        return purpose if column == "purpose" else statement.use
    value = getattr(statement.constraint, column) if statement.constraint else None
    return " ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def _statement(cells: Cells) -> Statement:
    use = _USES.get((cells.choice("use", tuple(_USES)) or "").lower())
    values = {name: [text] if name not in LISTS else text.replace(",", " ").split() for name in PARSERS if (text := cells.text(name))}
    if use is None:
        return NO
    if use != CONSTRAINED and values:
        cells.problem("use", f"is {use} and yet has conditions", f"write {CONSTRAINED}, or empty the columns of conditions")
    try:
        constraint = build(values)
    except ValueError as error:
        cells.problem(None, str(error)[:200], "correct the cell")
        return NO
    if use == CONSTRAINED:
        return constrain(constraint) if values else UNKNOWN
    return YES if use == ALLOWED else NO


CSV = Codec("isrc-csv", "a list keyed by ISRC, as CSV", tuple(NAMES), encode, decode, lambda preference: {}, required="isrc")
