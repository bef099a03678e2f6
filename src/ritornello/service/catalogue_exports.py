"""The catalogue's way out: the same tables that came in, so that another installation, or this one, takes them in without losing anything."""

import csv
import io
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ritornello.domain.catalogue import Asset, ContentCodes
from ritornello.domain.splits import format_share
from ritornello.formats.canonical import build_folder, write_atomically
from ritornello.formats.catalogue_csv import FIRST_DAY
from ritornello.formats.mapping import TABLES
from ritornello.service.catalogue_plan import Known, read_known
from ritornello.service.context import Context
from ritornello.store import catalogue
from ritornello.store.content_codes import read_codes

Row = Sequence[object]


def export_catalogue(context: Context, folder: Path, with_audio: bool = False) -> dict[str, int]:
    """Write parties.csv, recordings.csv, releases.csv, contributions.csv and claims.csv into a new folder, and copy the audio if asked.

    Claims are those that aren't retracted. Payout accounts stay where they are, and so do claims on works that no recording is of: no column can
    name them. Returns table → rows.
    """
    known = read_known(context)
    contributions = catalogue.read_contributions(context.connection)
    subjects = {*known.recordings, *(recording.work_id for recording in known.recordings.values())}
    claims = [one for one in catalogue.read_claims(context.connection) if one.retracted_at_us is None and one.subject_id in subjects]
    claims.sort(key=lambda one: (one.subject_id, one.lane, one.party_id, one.territory, one.valid_from))
    rows: dict[str, list[Row]] = {
        "parties": [(p.party_id, p.name, p.kind, p.ipi, p.isni, p.dpid, p.country) for _, p in sorted(known.parties.items())],
        "recordings": list(_recordings(known, read_codes(context.connection))),
        "releases": [
            (release.release_id, release.barcode, release.title, track.disc, track.track, track.recording_id)
            for _, release in sorted(known.releases.items())
            for track in release.tracks
        ],
        "contributions": [(one.recording_id, one.party_id, one.role) for one in contributions],
        "claims": [
            (
                one.subject_id,
                one.lane,
                one.party_id,
                format_share(one.share_e8),
                one.territory,
                None if one.valid_from == FIRST_DAY else one.valid_from,
                one.valid_to,
            )
            for one in claims
        ],
    }
    with build_folder(folder) as building:
        for table, found in rows.items():
            if found:
                columns = [column for column in TABLES[table] if column != "payout_account"]
                write_atomically(building / f"{table}.csv", _render(columns, found))
        if with_audio:
            _copy_audio(context, known, building / "audio")
    return {table: len(found) for table, found in rows.items()}


def _recordings(known: Known, codes: Mapping[str, ContentCodes]) -> Iterable[Row]:
    """One row a file, the recording's own first, with its content code where one was computed; a recording without a file has one row too."""
    assets: dict[str, list[Asset]] = {}
    for asset in known.assets.values():
        assets.setdefault(asset.recording_id, []).append(asset)
    places = place_files(known.assets.values())
    for recording_id, recording in sorted(known.recordings.items()):
        work = known.works.get(recording.work_id or "")
        about = (
            recording.isrc,
            recording.title,
            recording.artist,
            recording.work_id,
            work.title if work else None,
            work.iswc if work else None,
        )
        found = sorted(assets.get(recording_id, []), key=lambda one: (one.kind != "recording", one.kind, one.label, one.asset_id))
        if not found or found[0].kind != "recording":
            yield (recording_id, None, "recording", None, *about, None)
        for asset in found:
            code = codes.get(asset.asset_id)
            yield (recording_id, places[asset.asset_id], asset.kind, asset.label, *about, code.iscc if code else None)


def place_files(assets: Iterable[Asset]) -> dict[str, str]:
    """Asset → path below the audio folder: as it came in, or below its hash where two folders had a file of that name."""
    places: dict[str, str] = {}
    taken: set[str] = set()
    for asset in sorted(assets, key=lambda one: one.asset_id):
        name = asset.file if asset.file not in taken else f"{asset.asset_id.removeprefix('sha256:')[:16]}/{asset.file}"
        taken.add(name)
        places[asset.asset_id] = name
    return places


def _copy_audio(context: Context, known: Known, folder: Path) -> None:
    paths = catalogue.read_asset_paths(context.connection)
    for number, (asset_id, name) in enumerate(sorted(place_files(known.assets.values()).items()), 1):
        context.tell(f"copying audio {number}/{len(paths)}")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(paths[asset_id], target)


def _render(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(["" if cell is None else str(cell) for cell in row] for row in rows)
    return stream.getvalue().encode()
