"""The catalogue by its sound: a fingerprint index kept in step with it, and which of its recordings a file holds, passage by passage.

The index lies in the home beside the files and can be built anew from them at any time. Computing it and looking things up need no transaction: the catalogue is
read once, and nobody waits for the database meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ritornello.audio.decode import UnreadableAudio, read_blocks
from ritornello.audio.fingerprint import RATE_HZ, FingerprintIndex, Passage, Peaks, UnknownIndex, measure_blocks
from ritornello.audio.fingerprint.find import QUERY_PEAKS_PER_SECOND, find_in_peaks
from ritornello.audio.likeness.chroma import measure_chroma, pack
from ritornello.domain.catalogue import Asset, Recording
from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.formats.canonical import hash_file, write_atomically
from ritornello.service.context import Context
from ritornello.store import catalogue

LEAST_PEAKS = 20  # with fewer, even a perfect copy could be chance
ASSETS_AT_ONCE = 20  # are added to the index together: what an interruption loses at most
FALSE_MATCH_PROBABILITY = 0.001  # for a whole file


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be computed: assets with their files, into which folder, and what leaves the index first, by SHA-256.

    `strangers` are those leaving that the catalogue doesn't have; the others are computed again.
    """

    folder: Path
    chroma: Path
    assets: tuple[tuple[Asset, Path], ...]
    leaving: frozenset[str]
    strangers: int


@dataclass(slots=True)
class Computed:
    """What a call did. `silent`: assets that hold too little to be recognised by."""

    assets: int = 0
    removed: int = 0
    silent: list[Asset] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """A passage of a file that is a passage of a recording of the catalogue."""

    recording: Recording
    asset: Asset
    passage: Passage


@dataclass(frozen=True)
class CatalogueIndex:
    """The index and whose sound it holds, as both were when it was opened. Assets by the hex of their SHA-256."""

    index: FingerprintIndex
    assets: Mapping[str, Asset]
    recordings: Mapping[str, Recording]

    def find(self, peaks: Peaks, probability: float = FALSE_MATCH_PROBABILITY) -> tuple[Found, ...]:
        """The passages of a sound's peaks that are in the catalogue, the strongest first."""
        passages = find_in_peaks(self.index, peaks, bends=True, probability=probability)
        known = [(self.assets[one.asset_sha256], one) for one in passages if one.asset_sha256 in self.assets]
        return tuple(Found(self.recordings[asset.recording_id], asset, one) for asset, one in known)


def plan_fingerprints(context: Context, recordings: Sequence[str] = (), *, again: bool = False) -> Work:
    """Assets that the index lacks (or all, `again`), of these recordings or of all. Raises Refused for a recording that nobody knows, and for a broken index."""
    known = catalogue.read_recordings(context.connection)
    for recording_id in recordings:
        if recording_id not in known:
            raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")
    assets, paths = catalogue.read_assets(context.connection), catalogue.read_asset_paths(context.connection)
    indexed = set(open_folder(context.fingerprints).assets)
    strangers = frozenset(indexed - {sha256_of(asset) for asset in assets.values()})
    wanted = [
        (asset, paths[asset.asset_id])
        for asset in assets.values()
        if (again or sha256_of(asset) not in indexed) and (not recordings or asset.recording_id in recordings)
    ]
    leaving = strangers | (indexed & {sha256_of(asset) for asset, _ in wanted})
    ordered = tuple(sorted(wanted, key=lambda one: (one[0].recording_id, one[0].asset_id)))
    return Work(context.fingerprints, context.chroma, ordered, leaving, len(strangers))


def compute_fingerprints(work: Work, tell: Callable[[str], None]) -> Computed:
    """Compute what was planned. What is done stays done if this is interrupted. A file that is gone, changed or unreadable is a problem; the others go on."""
    result, index, ready = Computed(removed=work.strangers), open_folder(work.folder), list[tuple[str, Peaks]]()
    if work.leaving:
        index = index.remove(work.leaving).compact()
    for number, (asset, path) in enumerate(work.assets, 1):
        tell(f"listening to assets {number}/{len(work.assets)}")
        try:
            peaks = listen_unchanged(asset, path)
            keep_chroma(work.chroma, asset, path)
        except UnreadableAudio as error:
            result.problems.append(Problem(asset.file, None, None, error.what, error.todo))
            continue
        except OSError as error:
            result.problems.append(gone(asset, error))
            continue
        if len(peaks.frames) < LEAST_PEAKS:
            result.silent.append(asset)
            continue
        ready.append((sha256_of(asset), peaks))
        result.assets += 1
        if len(ready) == ASSETS_AT_ONCE:
            index, ready = index.add(ready), []
    index = index.add(ready)
    if len(index.segments) > 1:
        index.compact()  # a query is looked up in each segment
    return result


def open_index(context: Context) -> CatalogueIndex:
    """The catalogue's index, to look things up in. Raises Refused when there is none or it is broken."""
    index = open_folder(context.fingerprints)
    if not index.assets:
        raise Refused("no_index", "no recording has been listened to yet", "compute the index: ritornello catalogue fingerprint")
    assets = {sha256_of(asset): asset for asset in catalogue.read_assets(context.connection).values()}
    return CatalogueIndex(index, assets, catalogue.read_recordings(context.connection))


def has_index(context: Context) -> bool:
    """Whether anything has been listened to."""
    return bool(open_folder(context.fingerprints).assets)


def identify(known: CatalogueIndex, path: Path) -> tuple[Found, ...]:
    """The passages of a file that are in the catalogue, in order of time. Raises BadInput for what is no sound."""
    try:
        found = known.find(listen(path))
    except UnreadableAudio as error:
        raise BadInput([Problem(str(path), None, None, error.what, error.todo)]) from None
    return tuple(sorted(found, key=lambda one: (one.passage.start_ms, one.passage.end_ms, one.asset.asset_id)))


def listen(path: Path) -> Peaks:
    """The peaks of a file, as many as a look-up uses; the index keeps the strongest of them. Raises UnreadableAudio or OSError."""
    return measure_blocks(read_blocks(path, rate_hz=RATE_HZ), QUERY_PEAKS_PER_SECOND)


def listen_unchanged(asset: Asset, path: Path) -> Peaks:
    """The peaks of an asset's file. Raises UnreadableAudio, also when the file has changed since it was imported, or OSError."""
    if f"sha256:{hash_file(path)}" != asset.asset_id:
        raise UnreadableAudio("has changed since it was imported", "restore the original")
    return listen(path)


def gone(asset: Asset, error: OSError) -> Problem:
    """What is wrong when an asset's file can't be opened."""
    return Problem(asset.file, None, None, f"can't be read: {error.strerror or error}", "put the file back where it was imported from")


def add_to(index: FingerprintIndex, asset: Asset, peaks: Peaks) -> FingerprintIndex:
    """The index with one asset more, unless it is there already or holds too little to be recognised by."""
    return index if len(peaks.frames) < LEAST_PEAKS or sha256_of(asset) in index.assets else index.add([(sha256_of(asset), peaks)])


def keep_chroma(folder: Path, asset: Asset, path: Path) -> None:
    """Keep what a recording plays, where that isn't known yet. Raises UnreadableAudio or OSError."""
    target = chroma_file(folder, asset)
    if asset.kind == "recording" and not target.exists():
        write_atomically(target, pack(measure_chroma(read_blocks(path, rate_hz=RATE_HZ))))


def chroma_file(folder: Path, asset: Asset) -> Path:
    """Where a recording's chroma lies (`audio/likeness/chroma.py`)."""
    sha256 = sha256_of(asset)
    return folder / sha256[:2] / sha256[2:]


def open_folder(folder: Path) -> FingerprintIndex:
    """The index in a folder, or an empty one. Raises Refused when it is broken."""
    try:
        return FingerprintIndex.open(folder)
    except UnknownIndex as error:
        raise Refused("bad_index", f"the fingerprint index is broken: {error}", "delete its folder and compute it anew") from None


def sha256_of(asset: Asset) -> str:
    """The hex of an asset's hash, as the index names it."""
    return asset.asset_id.removeprefix("sha256:")
