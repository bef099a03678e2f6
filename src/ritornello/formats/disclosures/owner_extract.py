"""What one owner is told: where their recordings were used, which consent of theirs was relied on, how to check it; and nothing of anybody else.

The TRAIN Act (S. 2455 and H.R. 7209 of the 119th Congress, a bill) would let an owner ask a developer for records of the owner's own works, and of no others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ritornello.domain.catalogue import Asset, Claim, Party, Recording
from ritornello.domain.consent import ConsentEvent
from ritornello.domain.splits import format_share
from ritornello.formats.disclosures.document import (
    RECORDS,
    Disclosure,
    Enclosed,
    Evidence,
    Grid,
    Item,
    Section,
    Source,
    count_of,
    join,
    seconds,
)
from ritornello.formats.disclosures.material import Material, Part, Trained, count

KIND = "owner-extract"
SOURCE = Source(
    "Transparency and Responsibility for Artificial Intelligence Networks Act (TRAIN Act), S. 2455 and H.R. 7209, 119th Congress: a bill, not law",
    "section 2: 17 U.S.C. 514(b)",
    "as introduced on 24 July 2025 and 22 January 2026",
)
_NOWHERE = "none of its files is in a snapshot"


@dataclass(frozen=True, slots=True)
class Owner:
    """One party, and what the records hold of it."""

    party: Party
    claims: tuple[Claim, ...]  # its own
    assets: tuple[Asset, ...]  # of the recordings (and of recordings of the works) that these claims are about
    events: tuple[ConsentEvent, ...]  # its own decisions, oldest first
    logged: Mapping[str, Evidence]  # event → the log's entry
    proofs: Mapping[tuple[str, str], str]  # (snapshot, asset) → the membership proof's path in the extract

    def recording_ids(self) -> tuple[str, ...]:
        return tuple(sorted({asset.recording_id for asset in self.assets}))


def build_owner_extract(owner: Owner, material: Material, files: Sequence[Enclosed], today: date) -> Disclosure:
    """The extract: one section a recording. `material` holds every model version and snapshot there is."""
    mine = frozenset(asset.asset_id for asset in owner.assets)
    totals = count(material, mine)
    used = totals["all"]
    sections = [Section("0", "Whom this is for", _about(owner, material))]
    for number, name in enumerate(owner.recording_ids(), 1):
        sections.append(_section(number, owner, material, material.recordings[name]))
    held = (
        f"In snapshots: {count_of(used['recordings'], 'recording')} ({count_of(used['assets'], 'file')}); training read {seconds(used['exposure_ms'])} s of it."
        if used["assets"]
        else "None of them is in a snapshot."
    )
    return Disclosure(
        KIND,
        f"Use of the recordings of {owner.party.name} in training",
        SOURCE,
        today,
        (owner.party.party_id,),
        f"{count_of(len(owner.recording_ids()), 'recording')} that {owner.party.name} claims a share in. {held}",
        tuple(sections),
        totals,
        _rests_on(owner, material, mine),
        files=tuple(files),
    )


def _about(owner: Owner, material: Material) -> tuple[Item, ...]:
    return (
        Item("0.a", "Owner", f"{owner.party.name} ({owner.party.party_id})", RECORDS),
        Item(
            "0.b",
            "What was looked through",
            f"{count_of(len(material.parts), 'snapshot')} and {count_of(len(material.models), 'model version')}: all that are registered here",
            RECORDS,
        )
        if material.parts
        else Item("0.b", "What was looked through", reason="no snapshot has been frozen yet"),
    )


def _section(number: int, owner: Owner, material: Material, recording: Recording) -> Section:
    assets = [asset for asset in owner.assets if asset.recording_id == recording.recording_id]
    parts = [part for part in material.parts.values() if {row["asset_id"] for row in part.rows} & {asset.asset_id for asset in assets}]
    subjects = {("recording", recording.recording_id), ("work", recording.work_id)}
    claims = [claim for claim in owner.claims if (claim.subject_kind, claim.subject_id) in subjects]
    return Section(
        str(number),
        recording.title,
        (
            Item(f"{number}.a", "The recording", _name(material, recording, claims), RECORDS),
            Item(f"{number}.b", "Your claims", _list_claims(claims), RECORDS),
            Item(f"{number}.c", "Its files", _list_files(assets), RECORDS),
            _snapshots(f"{number}.d", owner, parts, assets),
            _absences(f"{number}.e", owner, material, assets),
            _models(f"{number}.f", material, assets),
            _relied_on(f"{number}.g", owner, parts, assets),
            _since(f"{number}.h", owner, material, assets),
        ),
    )


def _name(material: Material, recording: Recording, claims: Sequence[Claim]) -> tuple[str, ...]:
    """The recording; its composition only for who claims it. Whoever else is credited is not named."""
    lines = [f"{recording.title} ({recording.recording_id})"]
    lines += [f"ISRC {recording.isrc}"] if recording.isrc else []
    if recording.work_id and any(claim.subject_kind == "work" for claim in claims):
        work = material.works[recording.work_id]
        lines.append(f"composition {work.title} ({work.work_id}{f', ISWC {work.iswc}' if work.iswc else ''})")
    return tuple(lines)


def _list_claims(claims: Sequence[Claim]) -> Grid:
    rows = [
        (
            claim.lane,
            f"{format_share(claim.share_e8)} %",
            claim.territory,
            str(claim.valid_from),
            str(claim.valid_to or "open"),
            claim.claim_id,
        )
        for claim in claims
    ]
    return Grid(("Right", "Share", "Territory", "From", "To", "Claim"), tuple(rows))


def _list_files(assets: Sequence[Asset]) -> Grid:
    rows = tuple((asset.kind.replace("_", " "), f"{seconds(asset.duration_ms)} s", asset.asset_id) for asset in assets)
    return Grid(("Kind", "Length", "Hash of its bytes"), rows)


def _snapshots(number: str, owner: Owner, parts: Sequence[Part], assets: Sequence[Asset]) -> Item:
    asked, rows, files = "In which snapshots", [], []
    for part in parts:
        name, listed = part.snapshot["snapshot_id"], {row["asset_id"] for row in part.rows}
        for asset in (asset for asset in assets if asset.asset_id in listed):
            ended = part.ended.get(asset.asset_id)
            rows.append(
                (
                    name,
                    asset.kind.replace("_", " "),
                    str(part.snapshot["day"]),
                    f"{part.programme.title}, licensed to {part.programme.licensee}",
                    join(part.snapshot["purposes"]),
                    str(ended) if ended else "stands",
                )
            )
            files += [owner.proofs[name, asset.asset_id]] if (name, asset.asset_id) in owner.proofs else []
    if not rows:
        return Item(number, asked, reason=_NOWHERE)
    return Item(
        number, asked, Grid(("Snapshot", "File", "Frozen on", "Terms", "Purposes", "Consent now"), tuple(rows)), RECORDS, files=tuple(files)
    )


def _absences(number: str, owner: Owner, material: Material, assets: Sequence[Asset]) -> Item:
    """Not being in a snapshot is shown too, with a proof each."""
    asked, lines, files = "In which snapshots it is not", [], []
    for name, part in material.parts.items():
        listed = {row["asset_id"] for row in part.rows}
        absent = [asset for asset in assets if asset.asset_id not in listed]
        if absent:
            lines.append(f"{name}: {count_of(len(absent), 'file')} of {len(assets)} not in it")
            files += [owner.proofs[name, asset.asset_id] for asset in absent if (name, asset.asset_id) in owner.proofs]
    if not lines:
        return Item(number, asked, reason="every file is in every snapshot" if material.parts else "no snapshot has been frozen yet")
    return Item(number, asked, tuple(lines), RECORDS, files=tuple(files))


def _models(number: str, material: Material, assets: Sequence[Asset]) -> Item:
    asked, mine, rows = "Which models were trained on it", {asset.asset_id for asset in assets}, []
    for model in material.models:
        own = sum(ms for asset, ms in model.exposure.items() if asset in mine)
        through = sorted(
            parent.model_version for parent in _ancestors(material, model) if mine & {a for a, ms in parent.exposure.items() if ms}
        )
        if own or through:
            licensee = join(sorted({part.programme.licensee for part in material.parts_of([model])}))
            rows.append((model.model_version, licensee, str(model.run["trained_on"]), seconds(own), join(through) or "no"))
    if not rows:
        return Item(number, asked, reason="no registered training read it")
    columns = ("Model version", "Developer", "Training ended", "Seconds of it that training read", "Also holds what a parent read")
    return Item(number, asked, Grid(columns, tuple(rows)), RECORDS)


def _ancestors(material: Material, model: Trained) -> list[Trained]:
    by_name = {each.model_version: each for each in material.models}
    found: dict[str, Trained] = {}
    waiting = list(model.run["parents"])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = by_name[name]
            waiting += found[name].run["parents"]
    return list(found.values())


def _relied_on(number: str, owner: Owner, parts: Sequence[Part], assets: Sequence[Asset]) -> Item:
    asked, names = "Consent of yours that was relied on", {asset.asset_id for asset in assets}
    if not parts:
        return Item(number, asked, reason=_NOWHERE)
    relied = {event for part in parts for row in part.rows if row["asset_id"] in names for event in row["consent_events"]}
    rows = tuple(_event(event, owner) for event in owner.events if event.event_id in relied)
    if not rows:
        return Item(number, asked, reason="none: the terms did not need your answer for the right that you claim")
    return Item(number, asked, Grid(_EVENT_COLUMNS, rows), RECORDS)


_EVENT_COLUMNS = (
    "Decision",
    "Purpose",
    "Territory",
    "Holds",
    "Recorded (UTC)",
    "Made by",
    "Event",
    "Entry of the log",
    "Hash of the event",
    "Hash of the terms",
)


def _event(event: ConsentEvent, owner: Owner) -> tuple[str, ...]:
    """A decision of this owner's. A representative is not named: the mandate is the owner's own record."""
    recorded = datetime.fromtimestamp(event.recorded_at_us // 1_000_000, UTC)
    logged = owner.logged[event.event_id]
    return (
        event.decision,
        event.purpose,
        event.territory,
        f"from {event.effective_from}{f' to {event.effective_to}' if event.effective_to else ''}",
        f"{recorded:%Y-%m-%d %H:%M:%S}",
        "yourself" if event.actor_id == event.party_id else f"your representative, under mandate {event.mandate_id}",
        event.event_id,
        str(logged.log_index),
        logged.hash,
        event.terms_sha256,
    )


def _since(number: str, owner: Owner, material: Material, assets: Sequence[Asset]) -> Item:
    """Withdrawals and holds of this owner's, with the last day on which models trained before may be used."""
    asked, names = "What you decided since", {asset.asset_id for asset in assets}
    events = [event for event in owner.events if event.asset_id in names and event.decision != "grant"]
    if not events:
        return Item(number, asked, reason="you have withdrawn nothing and put nothing on hold")
    terms = {part.programme.sha256: part.programme for part in material.parts.values()}
    lines = []
    for event in events:
        programme = terms.get(event.terms_sha256)
        tail = (
            f"; models trained before may be used until {event.effective_from + timedelta(days=programme.tail_days)}, and pay while they earn"
            if programme
            else ""
        )
        lines.append(
            f"{event.decision} of {event.purpose}, effective from {event.effective_from} ({event.event_id}){tail if event.decision == 'withdraw' else ''}"
        )
    return Item(number, asked, tuple(lines), RECORDS)


def _rests_on(owner: Owner, material: Material, mine: frozenset[str]) -> tuple[Evidence, ...]:
    """The log's entries about this owner's items: snapshots and maps that were looked through, trainings that read them, and the owner's own decisions."""
    readers = {model.model_version for model in material.models if mine & set(model.exposure)}
    shown = [
        one for (kind, name), one in material.evidence.items() if kind in {"snapshot", "membership"} or (kind == "run" and name in readers)
    ]
    return tuple(sorted([*shown, *owner.logged.values()], key=lambda one: one.log_index))
