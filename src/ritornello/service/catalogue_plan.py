"""What an import would make of the catalogue: every source is read and checked, nothing is written. `registry` shows the plan or carries it out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from unicodedata import normalize

from ritornello.audio.decode import UnreadableAudio, examine
from ritornello.domain.catalogue import Asset, Contribution, Party, Recording, Release, Work
from ritornello.domain.errors import Problem
from ritornello.domain.identifiers import parse_isrc
from ritornello.formats.canonical import hash_file, iterate_files
from ritornello.formats.catalogue_csv import AssetRow, ClaimRow, Table, read_claims, read_contributions, read_parties, read_recordings
from ritornello.formats.provenance.marker import find_marker
from ritornello.formats.sheet import Sheet
from ritornello.formats.tags import Tags, read_tags
from ritornello.service import generated
from ritornello.service.context import Context
from ritornello.service.releases import take_releases
from ritornello.store import catalogue

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".aac", ".wma"}


@dataclass(frozen=True, slots=True)
class Sources:
    """What one import reads, in this order; any of it may be missing. A table is a file in our columns, or a sheet that was made of somebody else's."""

    parties: tuple[Table, ...] = ()
    recordings: tuple[Table, ...] = ()
    audio: Path | None = None  # the folder that recordings speak of
    releases: tuple[Table, ...] = ()
    contributions: tuple[Table, ...] = ()
    claims: tuple[Table, ...] = ()
    files: tuple[Path, ...] = ()  # all files behind them, for the log
    names_all_audio: bool = True  # an audio file that no row names is worth a note

    def __bool__(self) -> bool:
        return bool(self.parties or self.recordings or self.releases or self.contributions or self.claims)


@dataclass(slots=True)
class Known:
    """The catalogue: what is stored, and then what the sources add."""

    parties: dict[str, Party]
    works: dict[str, Work]
    recordings: dict[str, Recording]
    assets: dict[str, Asset]
    releases: dict[str, Release]

    def copy(self) -> "Known":
        return Known(dict(self.parties), dict(self.works), dict(self.recordings), dict(self.assets), dict(self.releases))


@dataclass(slots=True)
class Plan:
    """The catalogue before and after, and what was found on the way. With problems it must not be carried out."""

    before: Known
    after: Known
    parties: set[str] = field(default_factory=set)  # named by the sources
    references: dict[str, str | None] = field(default_factory=dict)  # party → what to pay it by, as a list of parties says
    recordings: set[str] = field(default_factory=set)
    files: dict[str, Path] = field(default_factory=dict)  # asset → where its file lies
    releases: set[str] = field(default_factory=set)
    contributions: dict[tuple[str, str, str], Contribution] = field(default_factory=dict)
    claims: list[ClaimRow] = field(default_factory=list)
    copies: list["Copy"] = field(default_factory=list)  # files that are known already as another recording's
    without_audio: int = 0
    markers: dict[str, str] = field(default_factory=dict)  # asset → what in its bytes says that AI made it
    generated: dict[str, str] = field(default_factory=dict)  # asset → why AI made it, by its own word or ours
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Copy:
    """A row whose file is byte for byte the asset `original` of another recording."""

    original: Asset
    recording_id: str
    file: str
    sheet: Sheet
    row: int


def read_known(context: Context) -> Known:
    connection = context.connection
    return Known(
        catalogue.read_parties(connection),
        catalogue.read_works(connection),
        catalogue.read_recordings(connection),
        catalogue.read_assets(connection),
        catalogue.read_releases(connection),
    )


def plan_catalogue(context: Context, sources: Sources) -> Plan:
    """Read everything; every problem of every source is in the plan."""
    before = read_known(context)
    plan, sheets = Plan(before, before.copy()), list[Sheet]()
    _take_parties(sources, plan, sheets)
    _take_recordings(context, sources, plan, sheets)
    plan.generated, told = generated.find(context, [plan.after.assets[name] for name in plan.files], plan.markers)
    plan.notes += told
    for table in sources.releases:
        found = take_releases(table, plan.after.releases, plan.after.recordings, sheets)
        plan.after.releases.update({one.release_id: one for one in found.releases})
        plan.releases.update(one.release_id for one in found.releases)
        plan.notes += found.notes
    _take_contributions(sources, plan, sheets)
    _take_claims(sources, plan, sheets)
    _take_copies(context, plan)
    plan.problems = [problem for sheet in {id(sheet): sheet for sheet in sheets}.values() for problem in sheet.problems]
    return plan


def _take_parties(sources: Sources, plan: Plan, sheets: list[Sheet]) -> None:
    known = plan.after.parties
    for table in sources.parties:
        parties, references, sheet = read_parties(table)
        sheets.append(sheet)
        absent = [name for name in ("ipi", "isni", "dpid", "country") if name not in sheet.columns]
        for party in parties:
            known[party.party_id] = _keep_absent(party, known.get(party.party_id), absent)
        plan.parties.update(party.party_id for party in parties)
        plan.references |= references


def _keep_absent(party: Party, old: Party | None, absent: Iterable[str]) -> Party:
    """A column that the sheet doesn't have says nothing: what was known stays. An empty cell under a column that is there empties it."""
    return replace(party, **{name: getattr(old, name) for name in absent}) if old else party


def _take_recordings(context: Context, sources: Sources, plan: Plan, sheets: list[Sheet]) -> None:
    """Examine each named file and complete the catalogue; a row without a file is a recording that is known, and can't be used yet."""
    places: dict[str, tuple[Sheet, int]] = {}
    named: set[str] = set()
    read = [read_recordings(table) for table in sources.recordings]
    total, done = sum(len(rows) for rows, _ in read), 0
    heard = {asset.recording_id for asset in plan.before.assets.values()}
    for rows, sheet in read:
        sheets.append(sheet)
        if any(row.file for row in rows) and (sources.audio is None or not sources.audio.is_dir()):
            sheet.problem(None, None, "recordings need the folder their files lie in", "name the audio folder")
        found: list[Asset] = []
        for row in rows:
            done += 1
            if done % 10 == 0 or done == total:
                context.tell(f"reading recordings {done}/{total}")
            if not row.recording_id:
                continue
            if row.file and not sources.audio:
                if row.title and row.artist:
                    _complete(row, Tags(None, None, None), plan.after, sheet)
            elif not row.file:
                _complete(row, Tags(None, None, None), plan.after, sheet)
                plan.without_audio += row.recording_id not in heard
            elif sources.audio and (entry := _examine(row, sources.audio, sheet)):
                asset, path, tags = entry
                found.append(asset)
                plan.files.setdefault(asset.asset_id, path)
                if marker := find_marker(path):
                    plan.markers[asset.asset_id] = marker
                _complete(row, tags, plan.after, sheet)
            if row.recording_id in plan.after.recordings:
                plan.recordings.add(row.recording_id)
            places.setdefault(row.recording_id, (sheet, row.row))
        plan.copies += _check_assets(rows, found, plan.after, sheet)
        for asset in found:
            plan.after.assets.setdefault(asset.asset_id, asset)
        named |= {row.file for row in rows}
    _check_isrcs(plan.after, places)
    if sources.audio and sources.names_all_audio and sources.recordings:
        names = [str(path.relative_to(sources.audio)) for path in iterate_files(sources.audio) if path.suffix.lower() in AUDIO_SUFFIXES]
        forms = {normalize("NFC", name) for name in named}
        left = [name for name in names if normalize("NFC", name) not in forms]
        if left:
            plan.notes.append(f"{len(left)} audio files in the folder are named by no row and were left out, such as {left[0]}")
    if plan.without_audio:
        plan.notes.append(f"{plan.without_audio} rows name no audio file: their recordings are known, and in no dataset until a file comes")


def _examine(row: AssetRow, folder: Path, sheet: Sheet) -> tuple[Asset, Path, Tags] | None:
    try:
        path = _find_file(folder, row.file).resolve()
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


def _find_file(folder: Path, name: str) -> Path:
    """The file of that name, whichever way its accents are composed: file systems and spreadsheets differ in that."""
    forms = [name, normalize("NFC", name), normalize("NFD", name)]
    return next((folder / form for form in forms if (folder / form).exists()), folder / name)


def _complete(row: AssetRow, tags: Tags, known: Known, sheet: Sheet) -> None:
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


def _check_assets(rows: list[AssetRow], found: list[Asset], known: Known, sheet: Sheet) -> list[Copy]:
    """The same bytes are one asset; a recording has one main file. Returns the copies of other recordings' files."""
    copies = []
    numbers = {row.file: row.row for row in rows}
    seen: dict[str, Asset] = dict(known.assets)
    mains = {asset.recording_id: asset for asset in known.assets.values() if asset.kind == "recording"}
    for asset in found:
        other = seen.get(asset.asset_id)
        if other and other.recording_id != asset.recording_id:
            copies.append(Copy(other, asset.recording_id, asset.file, sheet, numbers[asset.file]))
        elif other and (other.kind, other.label) != (asset.kind, asset.label):
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
        seen.setdefault(asset.asset_id, asset)
    return copies


def _take_copies(context: Context, plan: Plan) -> None:
    """A copy of another recording's file may only come in where another party claims it: then the recording is known without a file, and the claims are contested."""
    stored = [claim for claim in catalogue.read_claims(context.connection) if claim.retracted_at_us is None] if plan.copies else []
    owners: dict[str, dict[str, set[str]]] = {}
    claimed = [(one.subject_id, one.lane, one.party_id) for one in stored] + [
        (one.subject_id, one.lane, one.party_id) for one in plan.claims
    ]
    for subject_id, lane, party_id in claimed:
        owners.setdefault(subject_id, {}).setdefault(lane, set()).add(party_id)
    for copy in plan.copies:
        original = copy.original
        name = " ".join((original.recording_id, original.kind, original.label)).rstrip()
        mine, theirs = owners.get(copy.recording_id, {}), owners.get(original.recording_id, {})
        if any(theirs.get(lane) and parties - theirs[lane] for lane, parties in mine.items()):
            what = f"{copy.recording_id} is known without a file, a verdict waits (ritornello clones list), and a dispute is opened"
            plan.notes.append(f"{copy.file!r} is byte for byte the file of {name}, and another party claims it: {what}")
        else:
            todo = "decide which one it is; if another party claims it as a recording of its own, import that claim together with it"
            copy.sheet.problem(copy.row, "file", f"{copy.file!r} is byte for byte the file of {name}", todo)


def _check_isrcs(known: Known, places: Mapping[str, tuple[Sheet, int]]) -> None:
    """An ISRC names one recording."""
    by_isrc: dict[str, str] = {}
    for recording in known.recordings.values():
        first = by_isrc.setdefault(recording.isrc or recording.recording_id, recording.recording_id)
        if recording.isrc and first != recording.recording_id:
            sheet, number = places.get(recording.recording_id) or places[first]
            sheet.problem(number, "isrc", f"{recording.isrc} is already the ISRC of {first}", "correct one of them")


def _take_contributions(sources: Sources, plan: Plan, sheets: list[Sheet]) -> None:
    by_name: dict[str, list[str]] = {}
    for party in plan.after.parties.values():
        by_name.setdefault(party.name.casefold(), []).append(party.party_id)
    for recording_id in sorted(plan.recordings):
        matches = by_name.get(plan.after.recordings[recording_id].artist.casefold(), [])
        if len(matches) == 1:
            plan.contributions[recording_id, matches[0], "MainArtist"] = Contribution(recording_id, matches[0], "MainArtist")
    for table in sources.contributions:
        rows, sheet = read_contributions(table)
        sheets.append(sheet)
        for number, row in rows:
            if row.recording_id not in plan.after.recordings:
                sheet.problem(
                    number, "recording_id", f"there is no recording {row.recording_id!r}", "add it to recordings.csv or correct the cell"
                )
            if row.party_id not in plan.after.parties:
                sheet.problem(number, "party_id", f"there is no party {row.party_id!r}", "add it to parties.csv or correct the cell")
            plan.contributions[row.recording_id, row.party_id, row.role] = row


def _take_claims(sources: Sources, plan: Plan, sheets: list[Sheet]) -> None:
    """Claims in the order of the sources: a later one about the same thing counts."""
    known, found = plan.after, dict[object, ClaimRow]()
    for table in sources.claims:
        rows, sheet = read_claims(table)
        sheets.append(sheet)
        for row in rows:
            _check_claim(row, known, sheet)
            found[row.key] = row
    plan.claims = list(found.values())


def _check_claim(row: ClaimRow, known: Known, sheet: Sheet) -> None:
    if row.party_id not in known.parties:
        sheet.problem(row.row, "party_id", f"there is no party {row.party_id!r}", "add it to parties.csv or correct the cell")
    subjects: Mapping[str, object] = known.works if row.lane == "publishing" else known.recordings
    if row.subject_id in subjects:
        return
    if row.lane == "publishing" and (recording := known.recordings.get(row.subject_id)):
        hint = f"write its work {recording.work_id}" if recording.work_id else "give the recording a work_id first"
        sheet.problem(row.row, "subject", f"{row.subject_id!r} is a recording, but publishing is claimed on works", hint)
    else:
        kind = "work" if row.lane == "publishing" else "recording"
        sheet.problem(row.row, "subject", f"there is no {kind} {row.subject_id!r}", "add it to recordings.csv or correct the cell")
