"""Decisions in bulk: consents.csv. Columns: docs/formats/spreadsheets.md."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ritornello.domain import identifiers
from ritornello.domain.catalogue import ASSET_KINDS
from ritornello.domain.consent import PURPOSES
from ritornello.formats.sheet import Cells, Sheet, parse_day, read_sheet

WHOLE_CATALOGUE = "catalogue:*"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is about: one recording, or a shorthand for several."""

    kind: str  # recording, release or catalogue
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def is_shorthand(self) -> bool:
        return self.kind != "recording"


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One row of consents.csv."""

    row: int
    party_id: str
    subject: Subject
    kind: str
    label: str | None
    purpose: str
    decision: str
    territory: str
    effective_from: date | None
    effective_to: date | None


def parse_subject(text: str) -> Subject:
    """`recording:ID`, `release:ID`, `release:BARCODE` or `catalogue:*`. Raises ValueError."""
    kind, _, name = text.partition(":")
    kind, name = kind.strip().lower(), name.strip()
    if f"{kind}:{name}" == WHOLE_CATALOGUE or (kind in {"recording", "release"} and name):
        return Subject(kind, name)
    raise ValueError(f"{text!r} is no subject: write recording:IDENTIFIER, release:IDENTIFIER, release:BARCODE or {WHOLE_CATALOGUE}")


def read_consents(path: Path) -> tuple[list[ConsentRow], Sheet]:
    sheet = read_sheet(
        path,
        ["party_id", "purpose", "decision"],
        ["recording_id", "subject", "kind", "label", "territory", "effective_from", "effective_to"],
    )
    if sheet.rows and not {"recording_id", "subject"} & set(sheet.columns):
        sheet.problem(1, "recording_id", "the column is missing", "add a column recording_id, or subject for releases and whole catalogues")
        sheet.rows.clear()
    return [row for cells in sheet.rows if (row := _row(cells))], sheet


def _row(cells: Cells) -> ConsentRow | None:
    party_id = cells.required("party_id", identifiers.parse_own)
    subject = _subject(cells)
    shorthand = subject is not None and subject.is_shorthand
    if shorthand and not cells.text("kind"):
        todo = f"say which it takes: {', '.join(ASSET_KINDS)}; a row for each"
        cells.problem("kind", f"is empty, and {subject} covers stems or voices only where they are named", todo)
        return None
    kind = cells.choice("kind", ASSET_KINDS, default="recording")
    purpose = cells.choice("purpose", PURPOSES)
    decision = cells.choice("decision", ("grant", "withdraw"))
    territory = cells.optional("territory", identifiers.parse_territory) if cells.text("territory") else "WW"
    effective_from = cells.optional("effective_from", parse_day)
    effective_to = cells.optional("effective_to", parse_day)
    if effective_from and effective_to and effective_to < effective_from:
        cells.problem("effective_to", f"{effective_to} is before effective_from {effective_from}", "correct one of the days")
    if not (party_id and subject and kind and purpose and decision and territory):
        return None
    return ConsentRow(
        cells.number, party_id, subject, kind, cells.text("label"), purpose, decision, territory, effective_from, effective_to
    )


def _subject(cells: Cells) -> Subject | None:
    """From `recording_id` or `subject`: one of the two."""
    recording_id, subject = cells.text("recording_id"), cells.text("subject")
    if recording_id and subject:
        cells.problem("subject", "stands beside a recording_id", "keep one of the two")
        return None
    if recording_id and recording_id.partition(":")[0].lower() in {"release", "catalogue", "recording"}:
        cells.problem("recording_id", f"{recording_id!r} is more than one recording", "write it in a column `subject`")
        return None
    if subject:
        return cells.optional("subject", parse_subject)
    found = cells.required("recording_id", identifiers.parse_own)
    return Subject("recording", found) if found else None
