"""Tables of others on their way into the catalogue: through the operator's mapping, or a guessed one that is only shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ritornello.domain.matching import PartyFinder, RecordingFinder
from ritornello.formats.mapped_table import Mapped, apply_mapping
from ritornello.formats.mapping import REQUIRED, TABLES, ColumnMapping
from ritornello.formats.mapping_guess import guess_mapping
from ritornello.formats.raw_table import RawTable, read_raw
from ritornello.formats.sheet import Sheet, fold_header
from ritornello.service.catalogue_plan import Sources, read_known
from ritornello.service.context import Context


@dataclass(frozen=True, slots=True)
class Reading:
    """How one file was read: as a table of ours, or through a mapping."""

    path: Path
    form: str
    own: str | None  # the table of ours that it is
    mapping: ColumnMapping | None
    mapped: Mapped | None


def read_files(
    context: Context, paths: Sequence[Path], mapping: ColumnMapping | None, audio: Path | None, sheet_name: str | None = None
) -> tuple[Sources, list[Reading]]:
    """Sources for an import or a preview, and how each file was read. Without a mapping, files in our columns are taken as such; others get a guess."""
    known = read_known(context)
    parties = PartyFinder(known.parties.values())
    recordings = RecordingFinder(known.recordings.values(), known.works.values())
    tables: dict[str, list[Path | Sheet]] = {table: [] for table in TABLES}
    readings = []
    for path in paths:
        raw = _read(path, mapping, sheet_name)
        own = _recognise(raw) if mapping is None else None
        if own:
            tables[own].append(path)
            readings.append(Reading(path, raw.form, own, None, None))
            continue
        used = mapping or replace(guess_mapping(raw), sheet=sheet_name)
        mapped = apply_mapping(raw, used, parties, recordings)
        if not used.sections and not raw.problems:
            todo = "write a mapping (docs/formats/mapping.md)"
            mapped.parties.problem(None, None, "no column has a name that is known here, so nothing can be proposed", todo)
        for table, sheet in mapped.tables():
            if sheet.rows or sheet.problems:
                tables[table].append(sheet)
        readings.append(Reading(path, raw.form, None, used, mapped))
    sources = Sources(
        parties=tuple(tables["parties"]),
        recordings=tuple(tables["recordings"]),
        audio=audio,
        releases=tuple(tables["releases"]),
        contributions=tuple(tables["contributions"]),
        claims=tuple(tables["claims"]),
        files=tuple(paths),
    )
    return sources, readings


def _read(path: Path, mapping: ColumnMapping | None, sheet_name: str | None) -> RawTable:
    if mapping is None:
        return read_raw(path, sheet_name=sheet_name)
    return read_raw(path, delimiter=mapping.delimiter, encoding=mapping.encoding, sheet_name=mapping.sheet)


def _recognise(raw: RawTable) -> str | None:
    """The table of ours whose columns these are, if every column is one of it."""
    header = {fold_header(cell) for cell in raw.rows[0][1] if cell.strip()} if raw.rows else set()
    for table, columns in TABLES.items():
        if (
            header
            and header <= {fold_header(column) for column in columns}
            and {fold_header(column) for column in REQUIRED[table]} <= header
        ):
            return table
    return None
