"""What new assets are to the catalogue and to registered outputs, heard without a transaction: planned in one, recorded in another (`clones`)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from ritornello.audio.decode import UnreadableAudio
from ritornello.audio.fingerprint import FingerprintIndex, Passage, Peaks
from ritornello.audio.fingerprint.find import find_in_peaks
from ritornello.audio.likeness import verdict as verdicts
from ritornello.audio.likeness.alignment import align
from ritornello.audio.likeness.chroma import unpack
from ritornello.audio.likeness.masking import measure_shared
from ritornello.audio.likeness.verdict import Verdict
from ritornello.domain.catalogue import Asset, Recording
from ritornello.domain.clones import EXCERPT, OTHER_MIX, SAME_SOUND, VARIANT
from ritornello.domain.errors import Problem
from ritornello.service import identity, models
from ritornello.service.context import Context
from ritornello.store import catalogue, clones, renditions, schema

METHOD = "landmarks-1 chroma-1"
WORKS_LIMIT = 300  # recordings that one more is compared with for the same work, at a sixth of a second each
FROM_OUTPUT = frozenset({SAME_SOUND, VARIANT, OTHER_MIX, EXCERPT})
ASSETS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Output:
    """A registered output's file, and the recordings that its model or one before it had read."""

    output_id: str
    sha256: str
    duration_ms: int
    path: Path
    sources: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """Everything that a check needs to know of the catalogue. `todo`: assets nobody has compared; `settled`: pairs that have a verdict."""

    known: identity.CatalogueIndex
    todo: tuple[Asset, ...]
    paths: Mapping[str, Path]
    settled: frozenset[tuple[str, str]]
    outputs: tuple[Output, ...]
    outputs_folder: Path
    chroma_folder: Path
    marks: Mapping[str, str]  # asset → why AI made it, by its own word or ours


@dataclass(frozen=True, slots=True)
class Finding:
    """What an asset is to another: an asset, an output, or a mark on itself. `verdict` is None for a mark."""

    asset_id: str
    other_kind: str
    other_id: str
    verdict: Verdict | None


@dataclass(slots=True)
class Compared:
    """A few assets that were compared, and what was found."""

    checked: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def plan_check(context: Context) -> Plan:
    """What is still to be compared. Raises Refused when the index is missing or broken."""
    assets, checked = catalogue.read_assets(context.connection), clones.read_checked(context.connection)
    todo = sorted((one for one in assets.values() if one.asset_id not in checked), key=lambda one: (one.recording_id, one.asset_id))
    stored = clones.read_verdicts(context.connection)
    return Plan(
        known=identity.open_index(context),
        todo=tuple(todo),
        paths=catalogue.read_asset_paths(context.connection),
        settled=frozenset((one.asset_id, one.other_id) for one in stored),
        outputs=_read_outputs(context),
        outputs_folder=context.output_fingerprints,
        chroma_folder=context.chroma,
        marks=renditions.read_generated_flags(context.connection),
    )


def compare(plan: Plan, tell: Callable[[str], None]) -> Iterator[Compared]:
    """Compare what is to be compared, and put it into the index where it isn't yet.

    A few assets at a time: each batch can be recorded before the next is heard.
    """
    index, settled, batch = plan.known.index, set(plan.settled), Compared()
    outputs = _index_outputs(plan, tell, batch.problems) if plan.todo else None
    for number, asset in enumerate(plan.todo, 1):
        tell(f"comparing assets with the catalogue {number}/{len(plan.todo)}")
        path = plan.paths[asset.asset_id]
        try:
            peaks = identity.listen_unchanged(asset, path)
            identity.keep_chroma(plan.chroma_folder, asset, path)
        except UnreadableAudio as error:
            batch.problems.append(Problem(asset.file, None, None, error.what, error.todo))
            continue
        except OSError as error:
            batch.problems.append(identity.gone(asset, error))
            continue
        for one in _compare(plan, asset, peaks, index, outputs):
            if (one.asset_id, one.other_id) not in settled and (one.other_id, one.asset_id) not in settled:
                settled.add((one.asset_id, one.other_id))
                batch.findings.append(one)
        index = identity.add_to(index, asset, peaks)
        batch.checked.append(asset.asset_id)
        if len(batch.checked) == ASSETS_AT_ONCE:
            yield batch
            batch = Compared()
    yield batch


def _compare(plan: Plan, asset: Asset, peaks: Peaks, index: FingerprintIndex, outputs: FingerprintIndex | None) -> Iterator[Finding]:
    if asset.asset_id in plan.marks:
        yield Finding(asset.asset_id, "mark", plan.marks[asset.asset_id], None)
    sounding = set()
    for sha256, passages in _by_asset(_find(index, peaks, frozenset({identity.sha256_of(asset)}))):
        other = plan.known.assets.get(sha256)
        if other is None or other.recording_id == asset.recording_id:
            continue
        if found := _judge(asset.duration_ms, other.duration_ms, passages, peaks, plan.paths[other.asset_id]):
            sounding.add(other.recording_id)
            yield Finding(asset.asset_id, "asset", other.asset_id, found)
    if outputs is not None and (found_output := _find_output(plan, asset, peaks, outputs)):
        yield found_output
    if asset.kind == "recording":
        yield from _same_work(plan, asset, sounding)


def _find_output(plan: Plan, asset: Asset, peaks: Peaks, outputs: FingerprintIndex) -> Finding | None:
    """The registered output that the asset most clearly is. One that was made from this very recording says nothing about it."""
    by_hash = {one.sha256: one for one in plan.outputs}
    best: tuple[int, Finding] | None = None
    for sha256, passages in _by_asset(_find(outputs, peaks, frozenset())):
        output = by_hash.get(sha256)
        if output is None or asset.recording_id in output.sources:
            continue
        verdict = _judge(asset.duration_ms, output.duration_ms, passages, peaks, output.path)
        evidence = sum(one.evidence_millidecades for one in passages)
        if verdict and verdict.kind in FROM_OUTPUT and (best is None or evidence > best[0]):
            best = evidence, Finding(asset.asset_id, "output", output.output_id, verdict)
    return best[1] if best else None


def _find(index: FingerprintIndex, peaks: Peaks, ignored: frozenset[str]) -> tuple[Passage, ...]:
    return find_in_peaks(index, peaks, probability=identity.FALSE_MATCH_PROBABILITY, ignored=ignored)


def _read_outputs(context: Context) -> tuple[Output, ...]:
    read: dict[str, frozenset[str]] = {}

    def sources(model_version: str) -> frozenset[str]:
        if model_version not in read:
            own = frozenset(row["recording_id"] for row in models.read_exposure(context, model_version))
            read[model_version] = own.union(*map(sources, models.find_run(context, model_version)["parents"]))
        return read[model_version]

    rows = context.connection.execute(select(schema.output).order_by(schema.output.c.output_id)).all()
    return tuple(Output(row.output_id, row.sha256, row.duration_ms, Path(row.path), sources(row.model_version)) for row in rows)


def _by_asset(passages: Iterable[Passage]) -> list[tuple[str, list[Passage]]]:
    """The passages of each asset that are evidence enough."""
    found: dict[str, list[Passage]] = {}
    for one in passages:
        if one.evidence_millidecades >= verdicts.LEAST_MILLIDECADES:
            found.setdefault(one.asset_sha256, []).append(one)
    return sorted(found.items())


def _judge(file_ms: int, other_ms: int, passages: list[Passage], peaks: Peaks, other: Path) -> Verdict | None:
    """Listen to the other too: what it has beyond the passages tells a stem from a copy. Where its file is gone or unreadable, nothing can be said."""
    try:
        heard = identity.listen(other)
    except (UnreadableAudio, OSError):
        return None
    return verdicts.judge(file_ms, other_ms, passages, [measure_shared(peaks, heard, one) for one in passages])


def _same_work(plan: Plan, asset: Asset, sounding: set[str]) -> Iterator[Finding]:
    """The recording that plays most clearly the same music, among those that share no sound with it and aren't known to be of its work."""
    own = _read_chroma(plan, asset)
    recordings = plan.known.recordings
    others = [
        one for one in plan.known.assets.values() if one.kind == "recording" and one.recording_id not in {asset.recording_id, *sounding}
    ]
    if own is None or len(others) > WORKS_LIMIT:
        return
    best: tuple[float, str, Verdict] | None = None
    for other in sorted(others, key=lambda one: one.asset_id):
        if _known_work(recordings, asset, other) or (chroma := _read_chroma(plan, other)) is None:
            continue
        alignment = align(own, chroma)
        if (found := verdicts.judge_work(alignment)) and (best is None or alignment.score > best[0]):
            best = alignment.score, other.asset_id, found
    if best is not None:
        yield Finding(asset.asset_id, "asset", best[1], best[2])


def _known_work(recordings: Mapping[str, Recording], one: Asset, other: Asset) -> bool:
    work_id = recordings[one.recording_id].work_id
    return work_id is not None and work_id == recordings[other.recording_id].work_id


def _read_chroma(plan: Plan, asset: Asset) -> npt.NDArray[np.float32] | None:
    path = identity.chroma_file(plan.chroma_folder, asset)
    return unpack(path.read_bytes()) if path.exists() else None


def _index_outputs(plan: Plan, tell: Callable[[str], None], problems: list[Problem]) -> FingerprintIndex:
    """The index of registered outputs, brought up to date. One whose file is gone can only be known by its hash."""
    index, ready = identity.open_folder(plan.outputs_folder), list[tuple[str, Peaks]]()
    missing = [one for one in plan.outputs if one.sha256 not in index.assets]
    for number, output in enumerate(missing, 1):
        tell(f"listening to outputs {number}/{len(missing)}")
        try:
            ready.append((output.sha256, identity.listen(output.path)))
        except (UnreadableAudio, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error.what
            what = f"can't be heard ({why}): should it come back, only the same bytes would be recognised"
            problems.append(Problem(f"output {output.output_id}", None, None, what, "put its file back where it was registered from"))
        if len(ready) == ASSETS_AT_ONCE:
            index, ready = index.add(ready), []
    return index.add(ready) if ready else index
