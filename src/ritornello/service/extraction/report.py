"""An extraction check from beginning to end: what is asked, what was heard, what the records say about it, written down whole (docs/formats/audit.md)."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from ritornello.audio.fingerprint.passage import NUMBERS
from ritornello.domain import merkle
from ritornello.domain.catalogue import Asset, Recording
from ritornello.domain.errors import Refused
from ritornello.formats import extraction as formats
from ritornello.formats.canonical import (
    alone_in,
    encode,
    encode_document,
    encode_table,
    fingerprint_document,
    fingerprint_table,
    write_atomically,
)
from ritornello.formats.training_sets import is_list
from ritornello.service import identity
from ritornello.service import log as logs
from ritornello.service.context import Context
from ritornello.service.extraction import consent_state
from ritornello.service.extraction.consent_state import Standing
from ritornello.service.extraction.journal import FILE, REFUSED, SAME_FILE, Examined, Journal
from ritornello.service.extraction.listener import Setting
from ritornello.service.extraction.scan import ITEM_LIMIT, scan
from ritornello.store import catalogue, log

FALSE_MATCH_PPB = 100_000  # of one file: one in ten thousand
LOG_KIND = "extraction-check"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be audited and how. `licensee`: only programmes with it count; `day`: consent in force on it (default: today)."""

    place: Path
    folder: Path
    day: date | None = None
    licensee: str | None = None
    workers: int = 1
    item_limit: int = ITEM_LIMIT
    false_match_ppb: int = FALSE_MATCH_PPB


@dataclass(frozen=True, slots=True)
class Plan:
    """A wish that was checked, with what the records have to be read for before listening."""

    wish: Wish
    index: Path
    settings: Mapping[str, Any]
    assets: tuple[tuple[str, int], ...]  # SHA-256, length in milliseconds


@dataclass(frozen=True, slots=True)
class Match:
    """A passage of an item that is a passage of an asset; times are None where nobody has listened."""

    item: str
    item_sha256: str | None
    asset: Asset
    how: str  # same_file, heard, listed_hash or listed_isrc
    times: Mapping[str, int | None]

    def as_row(self, consent: str) -> dict[str, Any]:
        """The row of matches.jsonl."""
        named = {"asset_id": self.asset.asset_id, "recording_id": self.asset.recording_id, "kind": self.asset.kind}
        return {"item": self.item, "item_sha256": self.item_sha256, **named, "how": self.how, **self.times, "consent": consent}


@dataclass(frozen=True, slots=True)
class Matched:
    """An asset that is inside: how often, and what its consent is."""

    asset: Asset
    recording: Recording
    items: int
    passages: int
    longest_ms: int
    standings: tuple[Standing, ...]

    def as_row(self) -> dict[str, Any]:
        """The row of assets.jsonl."""
        names = {"title": self.recording.title, "artist": self.recording.artist, "isrc": self.recording.isrc}
        counted = {"items": self.items, "passages": self.passages, "longest_ms": self.longest_ms}
        said = {"consent": consent_state.summarise(self.standings), "says": consent_state.say(self.standings)}
        of_asset = {name: getattr(self.asset, name) for name in ("asset_id", "recording_id", "kind", "label")}
        return {**of_asset, **names, **counted, **said, "programmes": [asdict(one) for one in self.standings]}


@dataclass(slots=True)
class Outcome:
    """What an audit found; `document` is audit.json, `sha256` its hash, `settings` those of the pass."""

    document: Mapping[str, Any]
    sha256: str
    matched: Mapping[str, Matched]
    refused: list[tuple[str, str]] = field(default_factory=list)  # the first of them


SHOWN_REFUSED = 20
NO_TIMES: Mapping[str, int | None] = dict.fromkeys(NUMBERS)


def plan(context: Context, wish: Wish) -> Plan:
    """Check what is wished and read what listening needs. Raises Refused: no index, an unknown licensee, a folder that is not this audit's."""
    place, day = wish.place.resolve(), wish.day or context.today()
    if not (place.is_dir() or place.is_file()):
        raise Refused("no_place", f"{wish.place} is neither a folder nor a file", "name a folder, a tar, ZIP or Parquet file, or a list")
    if wish.folder.exists() and any(wish.folder.iterdir()) and not (wish.folder / FILE).is_file():
        raise Refused(
            "out_exists", f"{wish.folder} exists already and holds no audit", "choose a new folder, or one of an audit to go on with"
        )
    if wish.folder.resolve().is_relative_to(place):
        raise Refused("out_inside", f"{wish.folder} lies inside of what is audited", "choose a folder elsewhere")
    consent_state.list_programmes(context, wish.licensee)
    assets = tuple(
        sorted((one.asset_id.removeprefix("sha256:"), one.duration_ms) for one in catalogue.read_assets(context.connection).values())
    )
    if not is_list(place):
        identity.open_index(context)
    settings = {
        "place": place.name,
        "day": day.isoformat(),
        "known_at_us": context.now_us(),
        "licensee": wish.licensee,
        "false_match_ppb": wish.false_match_ppb,
        "index": _name_index(context.fingerprints, assets),
    }
    return Plan(replace(wish, place=place), context.fingerprints, settings, assets)


def listen(plan: Plan, tell: Callable[[str], None]) -> None:
    """Listen to everything in the place. Needs no database; what is done stays done when this is interrupted. Raises Refused when another place was begun here."""
    wish = plan.wish
    with alone_in(wish.folder) as folder:
        journal = Journal(folder)
        try:
            known = journal.read_settings()
            for name in ("place", "licensee"):
                if known and not known["finished"] and known[name] != plan.settings[name]:
                    what = f"{wish.folder} holds an unfinished audit with {name} {known[name]!r}, not {plan.settings[name]!r}"
                    raise Refused("other_audit", what, "finish that one, or choose a new folder")
            journal.begin(dict(plan.settings), plan.assets)
            probability = wish.false_match_ppb / 1e9
            setting = Setting(journal.path.resolve(), plan.index, probability, folder.resolve() / "spool", wish.item_limit)
            scan(wish.place, journal, setting, wish.workers, tell)
        finally:
            journal.close()


def conclude(context: Context, plan: Plan) -> Outcome:
    """Join what was heard to consent, write the tables and audit.json, and commit its hash to the log."""
    with alone_in(plan.wish.folder) as folder:
        journal = Journal(folder)
        try:
            settings = journal.resume()
            outcome = _write(context, journal, settings, folder, listed=is_list(plan.wish.place))
            journal.finish()
        finally:
            journal.close()
    return outcome


def find_matches(
    journal: Journal, assets: Mapping[str, Asset], by_isrc: Mapping[str, list[Asset]]
) -> Iterator[tuple[Examined | None, list[Match]]]:
    """Item by item, in the order of names, what was found in it; listed lines come as None with their matches."""
    for examined in journal.read_items():
        passages = examined.sound.passages if examined.sound else ()
        found = []
        for one in passages:
            asset = assets.get(f"sha256:{one.asset_sha256}")
            if asset is None or examined.sound is None:
                continue  # gone from the catalogue since
            same = examined.sound.outcome == SAME_FILE
            times: dict[str, int | None] = {name: getattr(one, name) for name in NUMBERS}
            times |= {"evidence_millidecades": None, "false_match_ppb": None} if same else {}
            found.append(Match(examined.name, examined.sound.sha256, asset, SAME_FILE if same else "heard", times))
        yield examined, found
    for name, sha256s, isrcs in journal.read_listed():
        hashed = [assets[f"sha256:{one}"] for one in sha256s if f"sha256:{one}" in assets]
        named = [asset for isrc in isrcs for asset in by_isrc.get(isrc, []) if asset not in hashed]
        yield (
            None,
            [
                *(Match(name, one.asset_id.removeprefix("sha256:"), one, "listed_hash", NO_TIMES) for one in hashed),
                *(Match(name, None, one, "listed_isrc", NO_TIMES) for one in named),
            ],
        )


def group_by_isrc(assets: Mapping[str, Asset], recordings: Mapping[str, Recording]) -> dict[str, list[Asset]]:
    """ISRC → the files of its recording, stems and takes left out where there is a whole one."""
    found: dict[str, list[Asset]] = {}
    for asset in sorted(assets.values(), key=lambda one: one.asset_id):
        isrc = recordings[asset.recording_id].isrc
        if isrc:
            found.setdefault(isrc, []).append(asset)
    return {isrc: [one for one in every if one.kind == "recording"] or every for isrc, every in found.items()}


def _write(context: Context, journal: Journal, settings: Mapping[str, Any], folder: Path, *, listed: bool) -> Outcome:
    assets, recordings = catalogue.read_assets(context.connection), catalogue.read_recordings(context.connection)
    by_isrc = group_by_isrc(assets, recordings)
    tally = _Tally()
    for _, matches in find_matches(journal, assets, by_isrc):
        tally.add(matches)
    day = date.fromisoformat(settings["day"])
    standings = consent_state.find_standings(context, tally.items, day, settings["known_at_us"], settings["licensee"])
    matched = {
        name: Matched(
            assets[name],
            recordings[assets[name].recording_id],
            tally.items[name],
            tally.passages[name],
            tally.longest_ms[name],
            standings[name],
        )
        for name in sorted(tally.items)
    }
    counts, refused = Counter[str](), list[tuple[str, str]]()
    with ExitStack() as open_tables:
        items, rows = (open_tables.enter_context(_Table(folder / f"{name}.jsonl")) for name in ("items", "matches"))
        for examined, matches in find_matches(journal, assets, by_isrc):
            counts["lines" if examined is None else "items"] += 1
            counts["with_matches"] += bool(matches)
            if examined is not None:
                row = _item_row(examined, len(matches))
                counts[row["outcome"]] += 1
                counts["heard_ms"] += row["heard_ms"]
                if row["outcome"] == REFUSED and len(refused) < SHOWN_REFUSED:
                    refused.append((examined.name, row["detail"]))
                items.add(row)
            for match in sorted(
                matches, key=lambda one: (one.asset.asset_id, one.times["start_ms"] or 0, one.times["asset_start_ms"] or 0)
            ):
                rows.add(match.as_row(consent_state.summarise(matched[match.asset.asset_id].standings)))
    counts["matches"] = rows.rows
    counts |= {"assets": len(matched), "recordings": len({one.asset.recording_id for one in matched.values()})}
    counts |= Counter(f"assets_{consent_state.summarise(one.standings)}" for one in matched.values())
    table = encode_table([one.as_row() for one in matched.values()], formats.ASSET_KEY)
    write_atomically(folder / "assets.jsonl", table)
    header = {name: settings[name] for name in ("place", "day", "known_at_us", "licensee", "false_match_ppb", "index")}
    header["expected_false_files_e9"] = settings["false_match_ppb"] * (counts["heard"] + counts["heard_in_part"])
    roots = {"items.jsonl": items.root(), "matches.jsonl": rows.root(), "assets.jsonl": fingerprint_table(table).hash}
    document = formats.write_audit(header, {name: counts[name] for name in sorted(counts)}, roots, listed=listed)
    data = encode_document(document)
    sha256 = fingerprint_document(data).hash
    write_atomically(folder / "audit.json", data)
    _commit(context, sha256, folder)
    return Outcome(document, sha256, matched, refused)


def _commit(context: Context, sha256: str, folder: Path) -> None:
    """Log the audit once, and keep the proof of it beside it."""
    if sha256 not in log.hashes_of(context.connection, LOG_KIND):
        context.record(LOG_KIND, sha256, sha256)
    proof, note, vkey = logs.prove_artefact(context, LOG_KIND, sha256)
    write_atomically(folder / "log" / "proof.json", encode_document(proof))
    write_atomically(folder / "log" / "checkpoint.txt", note.encode())
    write_atomically(folder / "log" / "log.vkey", vkey.encode() + b"\n")


def _item_row(examined: Examined, matches: int) -> dict[str, Any]:
    sound = examined.sound
    if sound is None:
        told: dict[str, Any] = {"sha256": None, "outcome": REFUSED, "detail": examined.refused, "heard_ms": 0}
    else:
        told = {"sha256": sound.sha256, "outcome": sound.outcome, "detail": sound.detail, "heard_ms": sound.heard_ms}
    return {"item": examined.name, "bytes": examined.bytes, **told, "matches": matches}


def _name_index(folder: Path, assets: tuple[tuple[str, int], ...]) -> str:
    """A hash that is another whenever something else could be heard: of the index's state and of the catalogue's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.name in ("index.json", "assets.jsonl"):
            digest.update(path.read_bytes())
        elif path.suffix == ".npy":
            digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
    for sha256, _ in assets:
        digest.update(sha256.encode())
    return digest.hexdigest()


@dataclass(slots=True)
class _Tally:
    """Per asset: in how many items it is, in how many passages, and the longest."""

    items: Counter[str] = field(default_factory=Counter)
    passages: Counter[str] = field(default_factory=Counter)
    longest_ms: Counter[str] = field(default_factory=Counter)

    def add(self, matches: list[Match]) -> None:
        self.items.update({match.asset.asset_id for match in matches})
        for match in matches:
            name = match.asset.asset_id
            self.passages[name] += 1
            self.longest_ms[name] = max(self.longest_ms[name], (match.times["end_ms"] or 0) - (match.times["start_ms"] or 0))


class _Table:
    """A table that is written row by row, in the order of its key: there whole, or not at all; its root is computed on the way."""

    def __init__(self, path: Path) -> None:
        self.path, self.half = path, path.with_name(f"{path.name}.half")
        self.tree = merkle.Growing()
        self.rows = 0

    def __enter__(self) -> "_Table":
        self.stream = self.half.open("wb")
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        if kind is None:
            self.half.replace(self.path)
        else:
            self.half.unlink()

    def add(self, row: Mapping[str, Any]) -> None:
        line = encode(row)
        self.stream.write(line + b"\n")
        self.tree.add([merkle.leaf_hash(line)])
        self.rows += 1

    def root(self) -> str:
        return self.tree.root().hex()
