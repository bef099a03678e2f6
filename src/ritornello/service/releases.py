"""Releases: products as track lists of recordings that the catalogue has. Columns: docs/formats/spreadsheets.md."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from ritornello.domain.catalogue import Release, Track
from ritornello.domain.errors import Refused
from ritornello.domain.identifiers import parse_barcode
from ritornello.formats.catalogue_csv import Table, TrackRow, read_releases
from ritornello.formats.sheet import Sheet
from ritornello.service.context import Context
from ritornello.store import catalogue


@dataclass(frozen=True, slots=True)
class Releases:
    """What a sheet says of releases, and what the operator should know that is no mistake."""

    releases: tuple[Release, ...] = ()
    notes: tuple[str, ...] = ()


def take_releases(table: Table, known: Mapping[str, Release], recordings: Container[str], sheets: list[Sheet]) -> Releases:
    """The releases of releases.csv, each with the whole track list that its rows give. Problems go to the sheet, which is added to `sheets`."""
    rows, sheet = read_releases(table)
    sheets.append(sheet)
    by_release: dict[str, list[TrackRow]] = {}
    for row in rows:
        by_release.setdefault(row.release_id, []).append(row)
        if row.recording_id not in recordings:
            sheet.problem(
                row.row, "recording_id", f"there is no recording {row.recording_id!r}", "add it to recordings.csv or correct the cell"
            )
    owners = {one.barcode: name for name, one in known.items() if one.barcode}
    found, notes = [], []
    for release_id, tracks in by_release.items():
        old = known.get(release_id)
        barcode = next((row.barcode for row in tracks if row.barcode), old.barcode if old else None)
        title = next((row.title for row in tracks if row.title), old.title if old else None)
        if title is None:
            sheet.problem(tracks[0].row, "title", f"no row names the title of {release_id}", "fill in title in one of its rows")
        if barcode and owners.setdefault(barcode, release_id) != release_id:
            sheet.problem(tracks[0].row, "barcode", f"{barcode} is already the barcode of {owners[barcode]}", "correct one of them")
        places = sorted((Track(row.disc, row.track, row.recording_id) for row in tracks), key=lambda one: (one.disc, one.track))
        new = Release(release_id, title or "", barcode, tuple(places))
        found.append(new)
        if old and (added := sorted(set(new.recording_ids()) - set(old.recording_ids()))):
            notes.append(f"{release_id} now also has {', '.join(added[:20])}: decisions made for the release before don't cover them")
    return Releases(tuple(found), tuple(notes))


def list_releases(context: Context) -> list[Release]:
    """Every release, ascending by identifier."""
    return list(catalogue.read_releases(context.connection).values())


def find_release(context: Context, name: str) -> Release:
    """The release with this identifier or barcode. Raises Refused when there is none."""
    return find_in(catalogue.read_releases(context.connection), name)


def find_in(releases: Mapping[str, Release], name: str) -> Release:
    """The same among releases that were read already."""
    if name in releases:
        return releases[name]
    try:
        barcode = parse_barcode(name)
    except ValueError:
        barcode = None
    for release in releases.values():
        if barcode and release.barcode == barcode:
            return release
    raise Refused("unknown_release", f"there is no release {name!r}", "see `ritornello catalogue releases`; import it with releases.csv")
