"""Consent: parties decide per asset and purpose; anyone may ask whether everyone agrees, and who is missing."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ritornello.domain.catalogue import Asset, Recording
from ritornello.domain.consent import Answer, ConsentEvent, Mandate, fold, held_assets, judge
from ritornello.domain.errors import Problem, Refused, raise_if_any
from ritornello.domain.period import claims_by_lane
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import encode, hash_file
from ritornello.formats.reports_csv import ConsentRow, read_consents
from ritornello.service import evidence, programmes
from ritornello.service.context import Context
from ritornello.store import catalogue, consents

NO_EVENT = "0" * 64  # what the first event names as the one before it


@dataclass(frozen=True, slots=True)
class Manner:
    """How a decision was made: what a court would ask."""

    channel: str
    authentication: str = "operator"
    evidence: bytes | None = None  # a signed form, a mail: kept encrypted


@dataclass(frozen=True, slots=True)
class Decision:
    """What a party says: one asset, one purpose."""

    decision: str  # grant, withdraw, hold or release
    party_id: str
    actor_id: str
    asset: Asset
    purpose: str
    territory: str
    effective_from: date | None  # None: today, but a withdrawal takes effect at the end of the notice that its grant was given with
    effective_to: date | None


@dataclass(frozen=True, slots=True)
class Decided:
    """What was recorded."""

    events: tuple[ConsentEvent, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a bulk import would record, before anybody confirms it. `token` names exactly this: other decisions have another."""

    token: str
    grants: int
    withdrawals: int
    parties: int
    recordings: int
    assets: int
    expansions: tuple[str, ...]


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
    manner: Manner,
    actor_id: str | None = None,
    territory: str = "WW",
    effective_from: date | None = None,
    effective_to: date | None = None,
) -> Decided:
    """One party's decision about the assets of one kind of one recording, made by itself or by a representative. Raises Refused when there is nothing to decide about."""
    programme, _ = programmes.find(context, programme_id)
    parties = catalogue.read_parties(context.connection)
    for name in (party_id, actor_id or party_id):
        if name not in parties:
            raise Refused("unknown_party", f"there is no party {name!r}", "import it with parties.csv")
    if recording_id not in catalogue.read_recordings(context.connection):
        raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "import it with recordings.csv")
    assets = _select(catalogue.read_assets(context.connection).values(), recording_id, kind, label)
    if not assets:
        what = f"{recording_id} has no asset of kind {kind}" + (f" labelled {label!r}" if label else "")
        raise Refused("unknown_asset", what, "see `ritornello catalogue show`")
    if effective_to and effective_to < (effective_from or context.today()):
        raise Refused("bad_term", f"the last day {effective_to} is before the first", "correct one of the days")
    decisions = [
        Decision(decision, party_id, actor_id or party_id, asset, purpose, territory, effective_from, effective_to)
        for asset in assets
        for purpose in purposes or programme.purposes
    ]
    return _record(context, programme, _standing_only(context, programme_id, decisions), manner)


def import_decisions(context: Context, programme_id: str, path: Path, confirm: str | None) -> Decided | Preview:
    """Decisions in bulk from consents.csv: first a preview, then, confirmed with its token, the events.

    Raises BadInput with every problem, and Refused when the token is not that of the file as it is now.
    """
    programme, _ = programmes.find(context, programme_id)
    rows, sheet = read_consents(path)
    parties = catalogue.read_parties(context.connection)
    recordings = catalogue.read_recordings(context.connection)
    by_recording: dict[str, list[Asset]] = {}
    for asset in catalogue.read_assets(context.connection).values():
        by_recording.setdefault(asset.recording_id, []).append(asset)
    decisions, expansions = list[Decision](), list[str]()
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
        if len(assets) > 1:
            expansions.append(f"row {row.row} means {len(assets)} assets of {row.recording_id}")
        decisions += [_from_row(row, asset) for asset in assets]
    raise_if_any(sheet.problems)
    raise_if_any([] if decisions else [Problem(path.name, None, None, "holds no decision", "add rows")])
    preview = _preview(programme, decisions, expansions)
    if confirm is None:
        return preview
    if confirm != preview.token:
        raise Refused("not_confirmed", f"{confirm!r} is not the token of what {path.name} says now", "look at the preview again")
    context.record("import", path.name, hash_file(path))
    return _record(context, programme, decisions, Manner(f"import of {path.name}"))


def check(
    context: Context, programme_id: str, *, recording_id: str | None = None, day: date | None = None, known_at_us: int | None = None
) -> list[Answer]:
    """For each asset (of one recording, or all): allowed with the grants relied on, or refused with all that is missing.

    `day`: consent in force on it; `known_at_us`: as known at that moment (both default to now). Ascending by recording and asset.
    """
    programme, _ = programmes.find(context, programme_id)
    recordings = catalogue.read_recordings(context.connection, recording_id)
    if recording_id is not None and not recordings:
        raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")
    day, known_at_us = day or context.today(), context.now_us() if known_at_us is None else known_at_us
    subjects = None if recording_id is None else [recording_id, *(one.work_id for one in recordings.values() if one.work_id)]
    claims = catalogue.read_claims(context.connection, subjects)
    by_lane = claims_by_lane([claim for claim in claims if claim.known_at(known_at_us) and claim.in_force_on(day)])
    events = consents.read_events(context.connection, programme_id=programme_id, recording_id=recording_id)
    mandates = consents.read_mandates(context.connection)
    state, terms = fold(events, mandates, programme_id, day, known_at_us), programme.terms()
    holds = held_assets(state)

    def ask(asset: Asset, recording: Recording) -> Answer:
        subjects = [("recording", recording.recording_id), ("work", recording.work_id or "")]
        claims = [claim for kind, subject in subjects for lane in terms.quorum for claim in by_lane.get((kind, subject, lane), [])]
        return judge(asset, recording, claims, state, terms, holds.get(asset.asset_id, []))

    assets = catalogue.read_assets(context.connection, recording_id).values()
    return [ask(asset, recordings[asset.recording_id]) for asset in sorted(assets, key=lambda asset: (asset.recording_id, asset.asset_id))]


def history(context: Context, recording_id: str) -> list[ConsentEvent]:
    """Every decision ever made about a recording's assets, oldest first."""
    if recording_id not in catalogue.read_recordings(context.connection):
        raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")
    return consents.read_events(context.connection, recording_id=recording_id)


def audit(context: Context) -> int:
    """Recompute the chain of all events: numbers without holes, each naming the hash of the one before. Returns how many; Refused at the first break."""
    previous = NO_EVENT
    events = consents.read_events(context.connection)
    for number, event in enumerate(events, 1):
        if event.seq != number or event.previous_sha256 != previous:
            raise Refused(
                "consent_rewritten", f"event {event.event_id} does not follow the one before it", "restore the database and find out why"
            )
        previous = hash_event(event)
    return len(events)


def hash_event(event: ConsentEvent) -> str:
    """SHA-256 of the event's canonical row: what the next event and the log name it by."""
    return hashlib.sha256(encode(consents.event_row(event))).hexdigest()


def _select(assets: Iterable[Asset], recording_id: str, kind: str, label: str | None) -> list[Asset]:
    chosen = [asset for asset in assets if asset.recording_id == recording_id and asset.kind == kind and label in {None, asset.label}]
    return sorted(chosen, key=lambda asset: asset.asset_id)


def _from_row(row: ConsentRow, asset: Asset) -> Decision:
    return Decision(row.decision, row.party_id, row.party_id, asset, row.purpose, row.territory, row.effective_from, row.effective_to)


def _standing_only(context: Context, programme_id: str, decisions: list[Decision]) -> list[Decision]:
    """Withdrawals and releases keep only what there is to take back."""
    wanted = {"withdraw": "grant", "release": "hold"}.get(decisions[0].decision)
    if wanted is None:
        return decisions
    state = fold(consents.read_events(context.connection, programme_id=programme_id), (), programme_id, date.max, context.now_us())
    table = state.answers if wanted == "grant" else state.holds
    kept = [d for d in decisions if (event := table.get((d.party_id, d.asset.asset_id, d.purpose))) and event.decision == wanted]
    if not kept:
        first = decisions[0]
        what = f"{first.party_id} has no standing {wanted} for {first.asset.recording_id} ({first.asset.kind})"
        raise Refused(f"nothing_to_{first.decision}", what, "see `ritornello consent history`")
    return kept


def _preview(programme: Programme, decisions: Sequence[Decision], expansions: Sequence[str]) -> Preview:
    told = [
        [d.decision, d.party_id, d.asset.asset_id, d.purpose, d.territory, str(d.effective_from), str(d.effective_to)] for d in decisions
    ]
    token = hashlib.sha256(encode({"terms": programme.sha256, "decisions": told})).hexdigest()[:12]
    return Preview(
        token,
        sum(d.decision == "grant" for d in decisions),
        sum(d.decision == "withdraw" for d in decisions),
        len({d.party_id for d in decisions}),
        len({d.asset.recording_id for d in decisions}),
        len({d.asset.asset_id for d in decisions}),
        tuple(expansions),
    )


def _record(context: Context, programme: Programme, decisions: Sequence[Decision], manner: Manner) -> Decided:
    """Append the events, each naming the one before; commit each to the log."""
    now, last = context.now_us(), consents.read_last(context.connection)
    number, previous = (last.seq, hash_event(last)) if last else (0, NO_EVENT)
    mandates = consents.read_mandates(context.connection)
    notices = _notices(context, programme, decisions)
    evidence_sha256 = evidence.keep(context, decisions[0].party_id, manner.evidence) if manner.evidence is not None else None
    events: list[ConsentEvent] = []
    for decision in decisions:
        number += 1
        event = ConsentEvent(
            number,
            f"e{number:09d}",
            decision.decision,
            decision.party_id,
            decision.actor_id,
            _find_mandate(mandates, decision, programme.programme_id, now, context.today()),
            decision.asset.asset_id,
            decision.asset.recording_id,
            decision.purpose,
            programme.programme_id,
            programme.sha256,
            decision.territory,
            decision.effective_from
            or context.today() + timedelta(days=notices.get((decision.party_id, decision.asset.asset_id, decision.purpose), 0)),
            decision.effective_to,
            now,
            manner.channel,
            manner.authentication,
            evidence_sha256,
            previous,
        )
        previous = hash_event(event)
        events.append(event)
    consents.append_events(context.connection, events)
    for event in events:
        context.record("consent", event.event_id, hash_event(event))
    return Decided(tuple(events), _note_strangers(context, decisions))


def _notices(context: Context, programme: Programme, decisions: Sequence[Decision]) -> dict[tuple[str, str, str], int]:
    """For each withdrawal, the notice in days of the terms under which its grant was given."""
    if not any(decision.decision == "withdraw" for decision in decisions):
        return {}
    state = fold(
        consents.read_events(context.connection, programme_id=programme.programme_id),
        (),
        programme.programme_id,
        date.max,
        context.now_us(),
    )
    days: dict[tuple[str, str, str], int] = {}
    for decision in decisions:
        key = (decision.party_id, decision.asset.asset_id, decision.purpose)
        if decision.decision == "withdraw":
            grant = state.answers.get(key)
            days[key] = programmes.find_terms(context, grant.terms_sha256).notice_days if grant else programme.notice_days
    return days


def _find_mandate(mandates: Sequence[Mandate], decision: Decision, programme_id: str, now: int, today: date) -> str | None:
    """The mandate under which a representative acts; None when a party acts for itself. Raises Refused when there is none."""
    if decision.actor_id == decision.party_id:
        return None
    for mandate in mandates:
        if (
            (mandate.party_id, mandate.representative_id) == (decision.party_id, decision.actor_id)
            and decision.purpose in mandate.purposes
            and mandate.programme_id in {"*", programme_id}
            and mandate.retracted_at_us is None
            and mandate.recorded_at_us <= now
            and mandate.valid_from <= today
            and (mandate.valid_to is None or today <= mandate.valid_to)
        ):
            return mandate.mandate_id
    what = f"{decision.actor_id} has no mandate of {decision.party_id} for {decision.purpose} in {programme_id} today"
    raise Refused("no_mandate", what, "record it: ritornello mandate give")


def _note_strangers(context: Context, decisions: Sequence[Decision]) -> tuple[str, ...]:
    owners = {(claim.party_id, claim.subject_id) for claim in catalogue.read_claims(context.connection) if claim.retracted_at_us is None}
    recordings = catalogue.read_recordings(context.connection)
    strangers = set()
    for decision in decisions:
        recording = recordings[decision.asset.recording_id]
        if not {(decision.party_id, recording.recording_id), (decision.party_id, recording.work_id)} & owners:
            strangers.add((decision.party_id, recording.recording_id))
    return tuple(
        f"{party} has no claim on {recording}: the decision is kept, but nobody waits for it" for party, recording in sorted(strangers)
    )
