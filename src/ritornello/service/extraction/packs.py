"""Evidence packs: each right holder's matched recordings and nobody else's, with both passages to listen to (docs/formats/audit.md)."""

import heapq
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ritornello.audio.clips import cut_clip, encode_clip, measure_shape
from ritornello.audio.decode import UnreadableAudio
from ritornello.domain.catalogue import Claim, Party, subject_of
from ritornello.formats.canonical import alone_in, build_folder, encode_document, hash_file, write_atomically
from ritornello.formats.evidence_page import STATES, render_evidence
from ritornello.formats.extraction import PACK_FORMAT
from ritornello.formats.training_sets import Item, Spool, is_list, walk
from ritornello.formats.training_sets.item import TooLarge
from ritornello.service.context import Context
from ritornello.service.extraction.journal import Journal
from ritornello.service.extraction.report import Match, Matched, Outcome, Plan, find_matches, group_by_isrc
from ritornello.store import catalogue

PASSAGES_PER_ASSET = 200
PLAYED_PER_ASSET, PLAYED_PER_PACK = 3, 30
CLIP_MS = 10_000
CLIP_LEAST_MS = 200


@dataclass(frozen=True, slots=True)
class Passage:
    """A match with the length of its item, as far as that is known."""

    match: Match
    item_ms: int | None

    @property
    def rank(self) -> tuple[Any, ...]:
        """The same file first, then by evidence; ties by where it is."""
        times = self.match.times
        sure = times["evidence_millidecades"] if times["evidence_millidecades"] is not None else 1 << 40
        return -sure, self.match.item, self.match.asset.asset_id, times["start_ms"] or 0, times["asset_start_ms"] or 0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What packs are written from; read from the records at once."""

    plan: Plan
    outcome: Outcome
    parties: Mapping[str, Party]
    claims: Mapping[str, Mapping[str, Sequence[Claim]]]  # party → recording → its claims
    passages: Mapping[str, Sequence[Passage]]  # asset → the strongest of its passages
    paths: Mapping[str, Path]


def gather(context: Context, plan: Plan, outcome: Outcome) -> Gathered:
    """Who has a claim on what was matched, and the passages to show."""
    settings = outcome.document
    day, matched = date.fromisoformat(settings["day"]), outcome.matched
    recordings = {one.recording.recording_id: one.recording for one in matched.values()}
    claims: dict[str, dict[str, list[Claim]]] = {}
    subjects: dict[tuple[str, str | None], list[str]] = {}
    for recording in recordings.values():
        for lane in ("master", "publishing"):
            subjects.setdefault(subject_of(recording, lane), []).append(recording.recording_id)
    for claim in catalogue.read_claims(context.connection):
        if claim.known_at(settings["known_at_us"]) and claim.in_force_on(day):
            for name in subjects.get((claim.subject_kind, claim.subject_id), ()):
                claims.setdefault(claim.party_id, {}).setdefault(name, []).append(claim)
    assets = catalogue.read_assets(context.connection)
    by_isrc = group_by_isrc(assets, catalogue.read_recordings(context.connection))
    journal = Journal(plan.wish.folder)
    try:
        journal.resume()
        passages = _find_strongest(journal, assets, by_isrc)
    finally:
        journal.close()
    parties = {name: party for name, party in catalogue.read_parties(context.connection).items() if name in claims}
    return Gathered(plan, outcome, parties, claims, passages, catalogue.read_asset_paths(context.connection))


def write(gathered: Gathered, tell: Callable[[str], None]) -> list[str]:
    """Write the packs, one folder a party, in place of those of an earlier pass. Returns the parties. Needs no database."""
    folder = gathered.plan.wish.folder
    with alone_in(folder):
        shutil.rmtree(folder / "packs", ignore_errors=True)
        wanted = {name: _choose(gathered, name) for name in sorted(gathered.claims)}
        with build_folder(folder / "packs") as building:
            sounds = building / "sounds"
            sounds.mkdir()
            shapes = _cut_items(gathered, {one.rank: one for chosen in wanted.values() for one in chosen}, sounds, tell)
            for number, name in enumerate(wanted, 1):
                tell(f"writing pack {number}/{len(wanted)}")
                pack, clips = _Pack(gathered, name, wanted[name], sounds, shapes).build()
                write_atomically(building / name / "evidence.json", encode_document(pack))
                write_atomically(building / name / "evidence.html", render_evidence(pack, clips))
            shutil.rmtree(sounds)
    return list(wanted)


def _find_strongest(journal: Journal, assets: Mapping[str, Any], by_isrc: Mapping[str, Any]) -> dict[str, list[Passage]]:
    """Asset → its strongest passages, no more than are shown."""
    found: dict[str, list[Passage]] = {}
    for examined, matches in find_matches(journal, assets, by_isrc):
        for match in matches:
            item_ms = (examined.sound.heard_ms if examined and examined.sound else 0) or match.times["end_ms"]
            of_asset = found.setdefault(match.asset.asset_id, [])
            of_asset.append(Passage(match, item_ms))
            if len(of_asset) >= 2 * PASSAGES_PER_ASSET:
                found[match.asset.asset_id] = heapq.nsmallest(PASSAGES_PER_ASSET, of_asset, key=lambda one: one.rank)
    return {name: heapq.nsmallest(PASSAGES_PER_ASSET, every, key=lambda one: one.rank) for name, every in found.items()}


def _choose(gathered: Gathered, party_id: str) -> list[Passage]:
    """The passages of a party's pack that can be played."""
    mine = [one for one in gathered.outcome.matched.values() if one.recording.recording_id in gathered.claims[party_id]]
    if is_list(gathered.plan.wish.place):
        return []
    first = [one for matched in mine for one in gathered.passages.get(matched.asset.asset_id, ())[:PLAYED_PER_ASSET]]
    return heapq.nsmallest(PLAYED_PER_PACK, first, key=lambda one: one.rank)


@dataclass(frozen=True, slots=True)
class _Window:
    """What is played of a passage: its middle."""

    item_from_ms: int
    asset_from_ms: int
    item_length_ms: int
    asset_length_ms: int


def _window(passage: Passage) -> _Window:
    times = {name: value or 0 for name, value in passage.match.times.items()}
    length = max(times["end_ms"] - times["start_ms"], CLIP_LEAST_MS)
    played = min(length, CLIP_MS)
    before = (length - played) // 2
    speed = times["speed_ppm"] / 1_000_000
    return _Window(times["start_ms"] + before, times["asset_start_ms"] + round(before * speed), played, round(played * speed))


Shapes = Mapping[tuple[Any, ...], tuple[int, tuple[int, ...]]]  # rank of a passage → number of its sound, shape


def _cut_items(gathered: Gathered, wanted: Mapping[tuple[Any, ...], Passage], sounds: Path, tell: Callable[[str], None]) -> Shapes:
    """Go through the place once more and cut what is to be played; a file that has changed since it was listened to gives nothing."""
    by_item: dict[str, list[Passage]] = {}
    for one in wanted.values():
        by_item.setdefault(one.match.item, []).append(one)
    shapes: dict[tuple[Any, ...], tuple[int, tuple[int, ...]]] = {}
    spool = Spool(sounds.parent / "spool", gathered.plan.wish.item_limit)
    spool.clear()
    done = 0
    for item in walk(gathered.plan.wish.place, spool, lambda name, *_: name not in by_item) if by_item else ():
        if not isinstance(item, Item) or item.source is None or item.name not in by_item:
            continue
        done += 1
        tell(f"cutting passages {done}/{len(by_item)}")
        try:
            with spool.open(item.source) as path:
                if hash_file(path) != by_item[item.name][0].match.item_sha256:
                    continue
                for one in by_item[item.name]:
                    window = _window(one)
                    for samples in _try_to_cut(path, window.item_from_ms, window.item_length_ms):
                        (sounds / f"{len(shapes)}.mp3").write_bytes(encode_clip(samples))
                        shapes[one.rank] = (len(shapes), measure_shape(samples))
        except (OSError, EOFError, TooLarge):
            continue
    shutil.rmtree(spool.folder)
    return shapes


def _try_to_cut(path: Path, start_ms: int, length_ms: int) -> Iterator[Any]:
    """The samples, or nothing."""
    try:
        yield cut_clip(path, start_ms, length_ms)
    except (UnreadableAudio, OSError):
        return


class _Pack:
    """One party's pack in the making."""

    def __init__(self, gathered: Gathered, party_id: str, chosen: Sequence[Passage], sounds: Path, shapes: Shapes) -> None:
        self.gathered, self.party_id, self.chosen, self.sounds, self.shapes = (
            gathered,
            party_id,
            {one.rank for one in chosen},
            sounds,
            shapes,
        )
        self.clips: dict[int, tuple[bytes, Sequence[int]]] = {}
        self.intact: dict[str, bool] = {}

    def build(self) -> tuple[dict[str, Any], Mapping[int, tuple[bytes, Sequence[int]]]]:
        """evidence.json's content, and the clips that it numbers."""
        gathered, claims = self.gathered, self.gathered.claims[self.party_id]
        mine = [one for one in gathered.outcome.matched.values() if one.recording.recording_id in claims]
        recordings = []
        for name in sorted({one.recording.recording_id for one in mine}):
            of_recording = [one for one in mine if one.recording.recording_id == name]
            recording = of_recording[0].recording
            held = [
                {"claim_id": one.claim_id, "lane": one.lane, "share_e8": one.share_e8, "territory": one.territory} for one in claims[name]
            ]
            recordings.append(
                {
                    **{key: getattr(recording, key) for key in ("recording_id", "title", "artist", "isrc")},
                    "claims": held,
                    "assets": [self._tell_asset(one) for one in of_recording],
                }
            )
        document, folder = gathered.outcome.document, gathered.plan.wish.folder / "log"
        named = {name: document[name] for name in ("place", "day", "known_at_us", "licensee", "false_match_ppb")}
        pack = {
            "format": PACK_FORMAT,
            "audit": {"sha256": gathered.outcome.sha256, **named},
            "party": {"party_id": self.party_id, "name": gathered.parties[self.party_id].name},
            "summary": self._summarise(mine),
            "recordings": recordings,
            "shows": document["shows"],
            "does_not_show": document["does_not_show"],
            "log": {
                "proof": json.loads((folder / "proof.json").read_bytes()),
                "checkpoint": (folder / "checkpoint.txt").read_text(),
                "vkey": (folder / "log.vkey").read_text().strip(),
            },
        }
        return pack, self.clips

    def _summarise(self, mine: Sequence[Matched]) -> str:
        recordings = len({one.recording.recording_id for one in mine})
        told = [f"{sum(one.as_row()['consent'] == state for one in mine)} {words}" for state, words in STATES.items()]
        files = f"{len(mine)} {'file' if len(mine) == 1 else 'files'}"
        kept = ", ".join(part for part in told if not part.startswith("0 "))
        inside = "recording you claim a share in is" if recordings == 1 else "recordings you claim a share in are"
        return f"{recordings} {inside} inside ({files}: {kept}). This does not prove that a model was trained on them."

    def _tell_asset(self, matched: Matched) -> dict[str, Any]:
        row = matched.as_row()
        standings = [{key: value for key, value in asdict(one).items() if key != "consent_events"} for one in matched.standings]
        passages = self.gathered.passages.get(matched.asset.asset_id, ())
        return {
            **{name: row[name] for name in ("asset_id", "kind", "label", "consent", "says")},
            "duration_ms": matched.asset.duration_ms,
            "programmes": standings,
            "passages_in_all": matched.passages,
            "passages": [self._tell_passage(one, matched) for one in passages],
        }

    def _tell_passage(self, passage: Passage, matched: Matched) -> dict[str, Any]:
        match = passage.match
        clips = self._clip(passage, matched) if passage.rank in self.chosen and passage.rank in self.shapes else None
        named = {"item": match.item, "item_sha256": match.item_sha256, "item_ms": passage.item_ms, "how": match.how}
        return {**named, "times": dict(match.times), "clips": clips}

    def _clip(self, passage: Passage, matched: Matched) -> dict[str, Any] | None:
        """Both sounds of a passage; none where the catalogue's file is gone or has changed."""
        path, window = self.gathered.paths[matched.asset.asset_id], _window(passage)
        if not self._is_intact(matched.asset.asset_id, path):
            return None
        for samples in _try_to_cut(path, window.asset_from_ms, window.asset_length_ms):
            number, shape = self.shapes[passage.rank]
            first = len(self.clips)
            self.clips[first] = ((self.sounds / f"{number}.mp3").read_bytes(), shape)
            self.clips[first + 1] = (encode_clip(samples), measure_shape(samples))
            told = {"item_from_ms": window.item_from_ms, "asset_from_ms": window.asset_from_ms, "length_ms": window.item_length_ms}
            return {"item": first, "asset": first + 1, **told}
        return None

    def _is_intact(self, asset_id: str, path: Path) -> bool:
        if asset_id not in self.intact:
            try:
                self.intact[asset_id] = f"sha256:{hash_file(path)}" == asset_id
            except OSError:
                self.intact[asset_id] = False
        return self.intact[asset_id]
