"""The operator's catalogue spreadsheets: parties, recordings, contributions, claims. Columns: docs/formats/spreadsheets.md.

Each reader gives the rows it could read and appends every problem to the sheet it returns; whoever imports stops when there is any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ritornello.domain import identifiers
from ritornello.domain.catalogue import ASSET_KINDS, LANES, PARTY_KINDS, Contribution, Party
from ritornello.formats.payout_accounts_csv import parse_reference
from ritornello.formats.sheet import Cells, Sheet, check_unique, parse_count, parse_day, parse_relative_path, read_sheet

FIRST_DAY = date(1900, 1, 1)
Table = Path | Sheet  # a file in our columns, or a sheet in them that was made of somebody else's file


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One row of recordings.csv; empty cells are None."""

    row: int
    recording_id: str
    file: str
    kind: str
    label: str
    isrc: str | None
    title: str | None
    artist: str | None
    work_id: str | None
    work_title: str | None
    iswc: str | None


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One row of releases.csv; empty cells are None."""

    row: int
    release_id: str
    barcode: str | None
    title: str | None
    disc: int
    track: int
    recording_id: str


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One row of claims.csv."""

    row: int
    subject_id: str
    lane: str
    party_id: str
    share_e8: int
    territory: str
    valid_from: date
    valid_to: date | None

    @property
    def key(self) -> tuple[str, str, str, str, date]:
        """Rows with the same key speak about the same claim; the later one replaces the earlier."""
        return (self.subject_id, self.lane, self.party_id, self.territory, self.valid_from)


def read_parties(table: Table) -> tuple[list[Party], dict[str, str | None], Sheet]:
    """Parties, and by party what to pay them by (empty where the sheet has no such column)."""
    sheet = _open(table, ["party_id", "name", "kind"], ["ipi", "isni", "dpid", "country", "payout_account"])
    parties, seen, references = [], [], {}
    for cells in sheet.rows:
        party_id = cells.required("party_id", identifiers.parse_own)
        name = cells.required("name", str)
        kind = cells.choice("kind", PARTY_KINDS)
        party = Party(
            party_id or "",
            name or "",
            kind or "",
            ipi=cells.optional("ipi", identifiers.parse_ipi),
            isni=cells.optional("isni", identifiers.parse_isni),
            dpid=cells.optional("dpid", identifiers.parse_dpid),
            country=cells.optional("country", identifiers.parse_country),
        )
        parties.append(party)
        seen.append((cells.number, party_id))
        if "payout_account" in sheet.columns:
            references[party.party_id] = cells.optional("payout_account", parse_reference)
    check_unique(sheet, "party_id", seen)
    return parties, references, sheet


def read_recordings(table: Table) -> tuple[list[AssetRow], Sheet]:
    sheet = _open(table, ["recording_id"], ["file", "kind", "label", "isrc", "title", "artist", "work_id", "work_title", "iswc", "iscc"])
    rows, files, mains = [], [], []
    for cells in sheet.rows:
        recording_id = cells.required("recording_id", identifiers.parse_own)
        file = cells.optional("file", parse_relative_path)
        kind = cells.choice("kind", ASSET_KINDS, default="recording")
        if file is None and kind != "recording" and not cells.text("file"):
            cells.problem("file", f"is empty for a {kind}", "name its file: only a recording may be known without one")
        row = AssetRow(
            cells.number,
            recording_id or "",
            file or "",
            kind or "recording",
            cells.text("label") or "",
            isrc=cells.optional("isrc", identifiers.parse_isrc),
            title=cells.text("title"),
            artist=cells.text("artist"),
            work_id=cells.optional("work_id", identifiers.parse_own),
            work_title=cells.text("work_title"),
            iswc=cells.optional("iswc", identifiers.parse_iswc),
        )
        cells.optional("iscc", identifiers.parse_iscc)  # checked for its form alone: a code is made of the file's own bytes
        if row.work_id is None and (row.iswc or row.work_title):
            cells.problem("work_id", "is empty although the row names a work", "give the work an identifier of yours")
        rows.append(row)
        files.append((cells.number, file))
        mains.append((cells.number, recording_id if kind == "recording" else None))
    check_unique(sheet, "file", files)
    check_unique(sheet, "recording_id", mains)
    return rows, sheet


def read_releases(table: Table) -> tuple[list[TrackRow], Sheet]:
    """Tracks as the rows stand; rows of one release agree about its barcode and title."""
    sheet = _open(table, ["track", "recording_id"], ["release_id", "barcode", "title", "disc"])
    rows: list[TrackRow] = []
    places: dict[tuple[str, int, int], int] = {}
    for cells in sheet.rows:
        row = _track(cells)
        if row is None:
            continue
        place = (row.release_id, row.disc, row.track)
        if place in places:
            cells.problem(
                "track", f"disc {row.disc}, track {row.track} of {row.release_id} is already in row {places[place]}", "correct the number"
            )
        else:
            places[place] = row.row
            rows.append(row)
    for name in ("barcode", "title"):
        _check_agreement(sheet, rows, name)
    return rows, sheet


def read_contributions(table: Table) -> tuple[list[tuple[int, Contribution]], Sheet]:
    sheet = _open(table, ["recording_id", "party_id", "role"])
    found = []
    for cells in sheet.rows:
        recording_id = cells.required("recording_id", identifiers.parse_own)
        party_id = cells.required("party_id", identifiers.parse_own)
        role = cells.required("role", _role)
        if recording_id and party_id and role:
            found.append((cells.number, Contribution(recording_id, party_id, role)))
    return found, sheet


def read_claims(table: Table) -> tuple[list[ClaimRow], Sheet]:
    sheet = _open(table, ["subject", "lane", "party_id", "share_percent"], ["territory", "valid_from", "valid_to"])
    rows: list[ClaimRow] = []
    first: dict[object, int] = {}
    for cells in sheet.rows:
        row = _claim(cells)
        if row is None:
            continue
        if row.key in first:
            todo = "add the shares up in one row, or give the rows different valid_from days"
            cells.problem(None, f"the same subject, lane, party, territory and valid_from stand in row {first[row.key]}", todo)
        else:
            first[row.key] = row.row
            rows.append(row)
    return rows, sheet


def _track(cells: Cells) -> TrackRow | None:
    barcode = cells.optional("barcode", identifiers.parse_barcode)
    release_id = cells.optional("release_id", identifiers.parse_own) or barcode
    if not cells.text("release_id") and not cells.text("barcode"):
        cells.problem("release_id", "is empty, and so is barcode", "name the release by one of the two")
    disc = cells.optional("disc", parse_count) if cells.text("disc") else 1
    track = cells.required("track", parse_count)
    recording_id = cells.required("recording_id", identifiers.parse_own)
    title = cells.text("title")
    if release_id is None or disc is None or track is None or recording_id is None:
        return None
    return TrackRow(cells.number, release_id, barcode, title, disc, track, recording_id)


def _check_agreement(sheet: Sheet, rows: list[TrackRow], column: str) -> None:
    """What several rows say of one release must be the same; empty cells say nothing."""
    first: dict[str, TrackRow] = {}
    for row in rows:
        value = getattr(row, column)
        known = first.setdefault(row.release_id, row) if value else None
        if known and getattr(known, column) != value:
            sheet.problem(
                row.row,
                column,
                f"{value!r} is not the {column} of {row.release_id} in row {known.row}, {getattr(known, column)!r}",
                "give all rows of a release one",
            )


def _claim(cells: Cells) -> ClaimRow | None:
    subject = cells.required("subject", identifiers.parse_own)
    lane = cells.choice("lane", LANES)
    party_id = cells.required("party_id", identifiers.parse_own)
    share_e8 = cells.decimal("share_percent", 6, large=False)
    territory = cells.optional("territory", identifiers.parse_territory) if cells.text("territory") else "WW"
    valid_from = cells.optional("valid_from", parse_day) if cells.text("valid_from") else FIRST_DAY
    valid_to = cells.optional("valid_to", parse_day)
    if share_e8 is not None and not 0 < share_e8 <= 100_000_000:
        cells.problem("share_percent", f"{cells.texts['share_percent']!r} is not more than 0 and at most 100", "correct the share")
        return None
    if valid_from and valid_to and valid_to < valid_from:
        cells.problem("valid_to", f"{valid_to} is before valid_from {valid_from}", "correct one of the days")
        return None
    if subject is None or lane is None or party_id is None or share_e8 is None or territory is None or valid_from is None:
        return None
    return ClaimRow(cells.number, subject, lane, party_id, share_e8, territory, valid_from, valid_to)


def _open(table: Table, required: Sequence[str], optional: Sequence[str] = ()) -> Sheet:
    return table if isinstance(table, Sheet) else read_sheet(table, required, optional)


def _role(text: str) -> str:
    if not text.isalpha() or len(text) > 64:
        raise ValueError(f"{text!r} is not a DDEX contributor role such as MainArtist or Composer")
    return text
