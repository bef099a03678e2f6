"""Consent: parties decide per asset and purpose; anyone may ask whether everyone agrees, and who is missing."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from ritornello.domain.catalogue import Asset
from ritornello.domain.consent import Answer, ConsentEvent, fold, judge
from ritornello.domain.errors import BadInput, Problem, Refused, raise_if_any
from ritornello.domain.period import claims_by_lane
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import encode, fingerprint_document, hash_file
from ritornello.formats.reports_csv import read_consents
from ritornello.service import programmes
from ritornello.service.context import Context
from ritornello.store import catalogue, consents


@dataclass(frozen=True, slots=True)
class Decision:
    """What a party says: one asset, one purpose."""

    decision: str  # grant or withdraw
    party_id: str
    asset: Asset
    purpose: str
    effective_from: date | None  # None: grants today, withdrawals at the end of the programme's notice


@dataclass(frozen=True, slots=True)
class Decided:
    """What was recorded, and the day from which it holds."""

    events: tuple[ConsentEvent, ...]
    notes: tuple[str, ...]


def decide(
    context: Context,
    programme_id: str,
    decision: str,
    party_id: str,
    recording_id: str,
    *,
    kind: str,
    label: str | None,
    purposes: Sequence[str],
    effective_from: date | None,
) -> Decided:
    """One party's decision about the assets of one kind of one recording. Raises Refused when there is nothing to decide about."""
    programme, _ = programmes.find(context, programme_id)
    if party_id not in catalogue.read_parties(context.connection):
        raise Refused("unknown_party", f"there is no party {party_id!r}", "import it with parties.csv")
    if recording_id not in catalogue.read_recordings(context.connection):
        raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "import it with recordings.csv")
    assets = _select(catalogue.read_assets(context.connection).values(), recording_id, kind, label)
    if not assets:
        what = f"{recording_id} has no asset of kind {kind}" + (f" labelled {label!r}" if label else "")
        raise Refused("unknown_asset", what, "see `ritornello catalogue show`")
    decisions = [
        Decision(decision, party_id, asset, purpose, effective_from) for asset in assets for purpose in purposes or programme.purposes
    ]
    if decision == "withdraw":
        standing = fold(consents.read_events(context.connection, programme_id=programme_id), programme_id, date.max, context.now_us())
        decisions = [d for d in decisions if (event := standing.get((party_id, d.asset.asset_id, d.purpose))) and event.decision == "grant"]
        if not decisions:
            raise Refused(
                "nothing_to_withdraw", f"{party_id} has no standing grant for {recording_id} ({kind})", "see `ritornello consent history`"
            )
    return _record(context, programme, decisions, "command line")


def import_decisions(context: Context, programme_id: str, path: Path) -> Decided:
    """Decisions in bulk from consents.csv. Raises BadInput with every problem; then nothing was recorded."""
    programme, _ = programmes.find(context, programme_id)
    rows, sheet = read_consents(path)
    parties = catalogue.read_parties(context.connection)
    recordings = catalogue.read_recordings(context.connection)
    by_recording: dict[str, list[Asset]] = {}
    for asset in catalogue.read_assets(context.connection).values():
        by_recording.setdefault(asset.recording_id, []).append(asset)
    decisions = []
    for row in rows:
        if row.party_id not in parties:
            sheet.problem(row.row, "party_id", f"there is no party {row.party_id!r}", "import it first or correct the cell")
        if row.recording_id not in recordings:
            sheet.problem(row.row, "recording_id", f"there is no recording {row.recording_id!r}", "import it first or correct the cell")
            continue
        assets = _select(by_recording.get(row.recording_id, []), row.recording_id, row.kind, row.label)
        if not assets:
            sheet.problem(row.row, "kind", f"{row.recording_id} has no {row.kind} {row.label or ''}".rstrip(), "correct kind or label")
        if row.purpose not in programme.purposes:
            todo = f"the programme uses: {', '.join(programme.purposes)}"
            sheet.problem(row.row, "purpose", f"{programme_id} does not use the purpose {row.purpose}", todo)
        decisions += [Decision(row.decision, row.party_id, asset, row.purpose, row.effective_from) for asset in assets]
    raise_if_any(sheet.problems)
    context.record("import", path.name, hash_file(path))
    return _record(context, programme, decisions, f"import of {path.name}")


def check(
    context: Context, programme_id: str, *, recording_id: str | None = None, day: date | None = None, known_at_us: int | None = None
) -> list[Answer]:
    """For each asset (of one recording, or all): allowed with the grants relied on, or refused with all that is missing. Ascending by recording and asset."""
    programme, _ = programmes.find(context, programme_id)
    if recording_id is not None and recording_id not in catalogue.read_recordings(context.connection):
        raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")
    day, known_at_us = day or context.today(), context.now_us() if known_at_us is None else known_at_us
    recordings = catalogue.read_recordings(context.connection)
    by_lane = claims_by_lane([c for c in catalogue.read_claims(context.connection) if c.known_at(known_at_us) and c.in_force_on(day)])
    standing = fold(consents.read_events(context.connection, programme_id=programme_id), programme_id, day, known_at_us)
    answers = []
    for asset in sorted(catalogue.read_assets(context.connection).values(), key=lambda asset: (asset.recording_id, asset.asset_id)):
        if recording_id in {None, asset.recording_id}:
            recording = recordings[asset.recording_id]
            subjects = [("recording", recording.recording_id), ("work", recording.work_id or "")]
            claims = [claim for kind, subject in subjects for lane in programme.quorum for claim in by_lane.get((kind, subject, lane), [])]
            answers.append(judge(asset, recording, claims, standing, lanes=programme.quorum, purposes=programme.purposes))
    return answers


def history(context: Context, recording_id: str) -> list[ConsentEvent]:
    """Every decision ever made about a recording's assets, oldest first."""
    if recording_id not in catalogue.read_recordings(context.connection):
        raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")
    return consents.read_events(context.connection, recording_id=recording_id)


def event_row(event: ConsentEvent) -> dict[str, object]:
    """The event as a row of consents.jsonl."""
    return {**asdict(event), "effective_from": event.effective_from.isoformat()}


def _select(assets: Iterable[Asset], recording_id: str, kind: str, label: str | None) -> list[Asset]:
    chosen = [asset for asset in assets if asset.recording_id == recording_id and asset.kind == kind and label in {None, asset.label}]
    return sorted(chosen, key=lambda asset: asset.asset_id)


def _record(context: Context, programme: Programme, decisions: Sequence[Decision], channel: str) -> Decided:
    if not decisions:
        raise BadInput([Problem(channel, None, None, "holds no decision", "add rows")])
    number, now, today = consents.next_number(context.connection), context.now_us(), context.today()
    owners = {(claim.party_id, claim.subject_id) for claim in catalogue.read_claims(context.connection) if claim.retracted_at_us is None}
    recordings = catalogue.read_recordings(context.connection)
    events: list[ConsentEvent] = []
    strangers: set[tuple[str, str]] = set()
    for decision in decisions:
        notice = timedelta(days=programme.notice_days if decision.decision == "withdraw" else 0)
        recording = recordings[decision.asset.recording_id]
        if not {(decision.party_id, recording.recording_id), (decision.party_id, recording.work_id)} & owners:
            strangers.add((decision.party_id, recording.recording_id))
        events.append(
            ConsentEvent(
                number + len(events),
                f"e{number + len(events):09d}",
                decision.decision,
                decision.party_id,
                decision.asset.asset_id,
                decision.asset.recording_id,
                decision.purpose,
                programme.programme_id,
                programme.sha256,
                decision.effective_from or today + notice,
                now,
                channel,
            )
        )
    consents.append_events(context.connection, events)
    for event in events:
        context.record("consent", event.event_id, fingerprint_document(encode(event_row(event))).hash)
    notes = tuple(
        f"{party} has no claim on {recording}: the decision is kept, but nobody waits for it" for party, recording in sorted(strangers)
    )
    return Decided(tuple(events), notes)
