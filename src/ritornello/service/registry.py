"""The catalogue's way in: audio files, their tags and the operator's spreadsheets become parties, recordings, assets and claims. All or nothing."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ritornello.audio.decode import UnreadableAudio, examine
from ritornello.domain.catalogue import Asset, Claim, Contribution, Party, Recording, Work
from ritornello.domain.errors import raise_if_any
from ritornello.domain.identifiers import parse_isrc
from ritornello.domain.period import claims_by_lane
from ritornello.domain.splits import AGREED, divide_lane, format_share
from ritornello.formats.canonical import hash_file, iterate_files
from ritornello.formats.catalogue_csv import AssetRow, ClaimRow, read_claims, read_contributions, read_parties, read_recordings
from ritornello.formats.sheet import Sheet
from ritornello.formats.tags import Tags, read_tags
from ritornello.service import payees
from ritornello.service.context import Context
from ritornello.service.releases import Releases, take_releases
from ritornello.store import catalogue

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".aac", ".wma"}


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one import; any of them may be missing."""

    parties: Path | None = None
    recordings: Path | None = None
    audio: Path | None = None  # the folder that recordings.csv speaks of
    releases: Path | None = None
    contributions: Path | None = None
    claims: Path | None = None


@dataclass(slots=True)
class ImportReport:
    """What an import did, and what the operator should know that is no mistake."""

    parties: int = 0
    recordings: int = 0
    assets: int = 0
    releases: int = 0
    contributions: int = 0
    claims_added: int = 0
    claims_replaced: int = 0
    claims_unchanged: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """The catalogue as it will be: what is stored, with what the sheets add."""

    parties: dict[str, Party]
    works: dict[str, Work]
    recordings: dict[str, Recording]
    assets: dict[str, Asset]


def import_catalogue(context: Context, sources: Sources) -> ImportReport:
    """Take in everything the sheets hold. Raises BadInput with every problem of every file; then nothing was taken."""
    connection = context.connection
    known = _Known(
        catalogue.read_parties(connection),
        catalogue.read_works(connection),
        catalogue.read_recordings(connection),
        catalogue.read_assets(connection),
    )
    report, sheets = ImportReport(), list[Sheet]()
    parties, references = _take_parties(sources, known, report, sheets)
    assets = _take_recordings(context, sources, known, report, sheets)
    found = (
        take_releases(sources.releases, catalogue.read_releases(connection), known.recordings, sheets) if sources.releases else Releases()
    )
    contributions = _take_contributions(sources, known, report, sheets, assets)
    claim_rows = _read_claims(sources, known, sheets)
    raise_if_any([problem for sheet in sheets for problem in sheet.problems])

    catalogue.write_parties(connection, parties)
    _take_references(context, references, report)
    touched = {asset.recording_id for asset, _, _ in assets}
    works = {known.recordings[recording_id].work_id for recording_id in touched} - {None}
    catalogue.write_works(connection, [known.works[str(work_id)] for work_id in sorted(str(work) for work in works)])
    catalogue.write_recordings(connection, [known.recordings[recording_id] for recording_id in sorted(touched)])
    stored = set(catalogue.read_asset_paths(connection))
    catalogue.add_assets(connection, [(asset, path) for asset, path, _ in assets if asset.asset_id not in stored])
    catalogue.write_releases(connection, found.releases)
    report.releases = len(found.releases)
    report.notes += found.notes
    catalogue.add_contributions(connection, contributions)
    _record_claims(context, claim_rows, report)
    for path in (sources.parties, sources.recordings, sources.releases, sources.contributions, sources.claims):
        if path is not None:
            context.record("import", path.name, hash_file(path))
    return report


def describe_incomplete(claims: Iterable[Claim], at_us: int) -> list[str]:
    """One sentence for each lane whose claims, known now, don't total 100 % worldwide."""
    sentences = []
    for (_, subject_id, lane), found in sorted(claims_by_lane([claim for claim in claims if claim.known_at(at_us)]).items()):
        split = divide_lane(claim for claim in found if claim.applies_in("WW") and claim.valid_to is None)
        if split.status not in AGREED:
            sentences.append(f"{subject_id}, {lane}: claims total {format_share(split.total_e8)} % ({split.status})")
    return sentences


def _take_parties(sources: Sources, known: _Known, report: ImportReport, sheets: list[Sheet]) -> tuple[list[Party], dict[str, str | None]]:
    if sources.parties is None:
        return [], {}
    parties, references, sheet = read_parties(sources.parties)
    sheets.append(sheet)
    absent = [name for name in ("ipi", "isni", "dpid", "country") if name not in sheet.columns]
    parties = [_keep_absent(party, known.parties.get(party.party_id), absent) for party in parties]
    known.parties.update({party.party_id: party for party in parties})
    report.parties = len(parties)
    return parties, references


def _take_references(context: Context, references: Mapping[str, str | None], report: ImportReport) -> None:
    accounts, kept = payees.take_references(context, references, by="list of parties")
    for parties, note in ((accounts.changed, "payout accounts changed for"), (kept, "a typed payout account stays in use for")):
        if parties:
            report.notes.append(f"{note} {len(parties)} parties: {', '.join(parties[:20])}")


def _keep_absent(party: Party, old: Party | None, absent: Iterable[str]) -> Party:
    """A column that the sheet doesn't have says nothing: what was known stays. An empty cell under a column that is there empties it."""
    return replace(party, **{name: getattr(old, name) for name in absent}) if old else party


def _take_recordings(
    context: Context, sources: Sources, known: _Known, report: ImportReport, sheets: list[Sheet]
) -> list[tuple[Asset, Path, Tags]]:
    """Examine each named file and complete `known`; one entry per row that is sound."""
    if sources.recordings is None:
        return []
    rows, sheet = read_recordings(sources.recordings)
    sheets.append(sheet)
    if sources.audio is None or not sources.audio.is_dir():
        sheet.problem(None, None, "recordings need the folder their files lie in", "name the audio folder")
        return []
    found: list[tuple[Asset, Path, Tags]] = []
    for number, row in enumerate(rows, 1):
        if number % 10 == 0 or number == len(rows):
            context.tell(f"reading audio {number}/{len(rows)}")
        if row.file and row.recording_id and (entry := _examine(row, sources.audio, sheet)):
            found.append(entry)
            _complete(row, entry[2], known, sheet)
    _check_assets(rows, found, known, sheet)
    named = {row.file for row in rows}
    others = [str(path.relative_to(sources.audio)) for path in iterate_files(sources.audio) if path.suffix.lower() in AUDIO_SUFFIXES]
    left = [name for name in others if name not in named]
    if left:
        report.notes.append(f"{len(left)} audio files in the folder are named by no row and were left out, such as {left[0]}")
    report.assets, report.recordings = len(found), len({asset.recording_id for asset, _, _ in found})
    return found


def _examine(row: AssetRow, folder: Path, sheet: Sheet) -> tuple[Asset, Path, Tags] | None:
    try:
        path = (folder / row.file).resolve()
        if not path.is_relative_to(folder.resolve()):
            sheet.problem(row.row, "file", f"{row.file!r} leads out of the audio folder", "copy the file into the folder")
            return None
        if not path.is_file():
            sheet.problem(row.row, "file", f"there is no file {row.file!r} in the audio folder", "correct the name or add the file")
            return None
        facts = examine(path)
        asset_id = f"sha256:{hash_file(path)}"
    except UnreadableAudio as error:
        sheet.problem(row.row, "file", f"{row.file!r}: {error.what}", error.todo)
        return None
    except (OSError, RuntimeError) as error:  # no permission, too long a name, a link that leads to itself
        sheet.problem(
            row.row, "file", f"{row.file[:80]!r} can't be opened: {error.__class__.__name__}", "check the name, links and permissions"
        )
        return None
    return Asset(asset_id, row.recording_id, row.kind, row.label, row.file, path.stat().st_size, facts.duration_ms), path, read_tags(path)


def _complete(row: AssetRow, tags: Tags, known: _Known, sheet: Sheet) -> None:
    """Put the row's recording and work into `known`: the sheet first, then what is known, then tags."""
    old = known.recordings.get(row.recording_id)
    main = row.kind == "recording"
    title = row.title or (old.title if old and not main else None) or tags.title or (old.title if old else None)
    artist = row.artist or (old.artist if old and not main else None) or tags.artist or (old.artist if old else None)
    for name, value in (("title", title), ("artist", artist)):
        if not value:
            sheet.problem(row.row, name, f"neither the sheet nor the file's tags name the {name}", f"fill in {name}")
    isrc = row.isrc or (old.isrc if old else None) or (_sound_isrc(tags) if main else None)
    work_id = row.work_id or (old.work_id if old else None)
    if row.work_id:
        work = known.works.get(row.work_id)
        known.works[row.work_id] = Work(
            row.work_id, row.work_title or (work.title if work else title or ""), row.iswc or (work.iswc if work else None)
        )
        if old and old.work_id and old.work_id != row.work_id and not main:
            sheet.problem(row.row, "work_id", f"the recording already has the work {old.work_id}", "give all rows of a recording one work")
    known.recordings[row.recording_id] = Recording(row.recording_id, title or "", artist or "", isrc, work_id)


def _sound_isrc(tags: Tags) -> str | None:
    try:
        return parse_isrc(tags.isrc) if tags.isrc else None
    except ValueError:
        return None


def _check_assets(rows: list[AssetRow], found: list[tuple[Asset, Path, Tags]], known: _Known, sheet: Sheet) -> None:
    """The same bytes are one asset; a recording has one main file; an ISRC names one recording."""
    numbers = {row.file: row.row for row in rows}
    seen: dict[str, Asset] = dict(known.assets)
    mains = {asset.recording_id: asset for asset in known.assets.values() if asset.kind == "recording"}
    for asset, _, _ in found:
        other = seen.get(asset.asset_id)
        if other and (other.recording_id, other.kind, other.label) != (asset.recording_id, asset.kind, asset.label):
            sheet.problem(
                numbers[asset.file],
                "file",
                f"{asset.file!r} is byte for byte the file of {' '.join((other.recording_id, other.kind, other.label)).rstrip()}",
                "decide which one it is",
            )
        main = mains.get(asset.recording_id)
        if asset.kind == "recording" and main and main.asset_id != asset.asset_id:
            sheet.problem(
                numbers[asset.file],
                "file",
                f"{asset.recording_id} already has another file, {main.file!r}",
                "give a new version a recording_id of its own",
            )
        seen[asset.asset_id] = asset
    by_isrc: dict[str, str] = {}
    for recording in known.recordings.values():
        if recording.isrc and by_isrc.setdefault(recording.isrc, recording.recording_id) != recording.recording_id:
            number = next((row.row for row in rows if row.recording_id == recording.recording_id), None)
            sheet.problem(number, "isrc", f"{recording.isrc} is already the ISRC of {by_isrc[recording.isrc]}", "correct one of them")


def _take_contributions(
    sources: Sources, known: _Known, report: ImportReport, sheets: list[Sheet], assets: Iterable[tuple[Asset, Path, Tags]]
) -> list[Contribution]:
    by_name: dict[str, list[str]] = {}
    for party in known.parties.values():
        by_name.setdefault(party.name.casefold(), []).append(party.party_id)
    found = {}
    for asset, _, _ in assets:
        matches = by_name.get(known.recordings[asset.recording_id].artist.casefold(), [])
        if len(matches) == 1:
            found[asset.recording_id, matches[0], "MainArtist"] = Contribution(asset.recording_id, matches[0], "MainArtist")
    if sources.contributions is not None:
        rows, sheet = read_contributions(sources.contributions)
        sheets.append(sheet)
        for number, row in rows:
            if row.recording_id not in known.recordings:
                sheet.problem(
                    number, "recording_id", f"there is no recording {row.recording_id!r}", "add it to recordings.csv or correct the cell"
                )
            if row.party_id not in known.parties:
                sheet.problem(number, "party_id", f"there is no party {row.party_id!r}", "add it to parties.csv or correct the cell")
            found[row.recording_id, row.party_id, row.role] = row
    report.contributions = len(found)
    return list(found.values())


def _read_claims(sources: Sources, known: _Known, sheets: list[Sheet]) -> list[ClaimRow]:
    if sources.claims is None:
        return []
    rows, sheet = read_claims(sources.claims)
    sheets.append(sheet)
    for row in rows:
        if row.party_id not in known.parties:
            sheet.problem(row.row, "party_id", f"there is no party {row.party_id!r}", "add it to parties.csv or correct the cell")
        subjects: Mapping[str, object] = known.works if row.lane == "publishing" else known.recordings
        if row.subject_id in subjects:
            continue
        if row.lane == "publishing" and (recording := known.recordings.get(row.subject_id)):
            hint = f"write its work {recording.work_id}" if recording.work_id else "give the recording a work_id first"
            sheet.problem(row.row, "subject", f"{row.subject_id!r} is a recording, but publishing is claimed on works", hint)
        else:
            kind = "work" if row.lane == "publishing" else "recording"
            sheet.problem(row.row, "subject", f"there is no {kind} {row.subject_id!r}", "add it to recordings.csv or correct the cell")
    return rows


def _record_claims(context: Context, rows: Iterable[ClaimRow], report: ImportReport) -> None:
    """Add what is new; a changed claim retracts the one it replaces, which stays on record."""
    now = context.now_us()
    current = {_claim_key(claim): claim for claim in catalogue.read_claims(context.connection) if claim.retracted_at_us is None}
    added, retracted = [], []
    for row in rows:
        claim = _new_claim(row, now)
        old = current.get(_claim_key(claim))
        if old and replace(old, claim_id="", recorded_at_us=0) == replace(claim, claim_id="", recorded_at_us=0):
            report.claims_unchanged += 1
            continue
        if old:
            retracted.append(old.claim_id)
        added.append(claim)
    catalogue.add_claims(context.connection, added)
    catalogue.retract_claims(context.connection, retracted, now)
    report.claims_added, report.claims_replaced = len(added) - len(retracted), len(retracted)
    report.notes += describe_incomplete(catalogue.read_claims(context.connection), now)


def _claim_key(claim: Claim) -> tuple[object, ...]:
    return (claim.subject_kind, claim.subject_id, claim.lane, claim.party_id, claim.territory, claim.valid_from)


def _new_claim(row: ClaimRow, now: int) -> Claim:
    kind = "work" if row.lane == "publishing" else "recording"
    text = "\n".join((row.subject_id, row.lane, row.party_id, row.territory, str(row.valid_from), str(now)))
    claim_id = "c" + hashlib.sha256(text.encode()).hexdigest()[:15]
    return Claim(claim_id, kind, row.subject_id, row.lane, row.party_id, row.share_e8, row.territory, row.valid_from, row.valid_to, now)
