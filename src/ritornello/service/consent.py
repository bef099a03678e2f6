"""Consent: decisions are recorded per asset and purpose; anyone may ask whether everyone agrees, and who is missing."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ritornello.domain.catalogue import Asset, Recording
from ritornello.domain.consent import Answer, ConsentEvent, Mandate, Standing, State, Terms, fold, held_assets, judge
from ritornello.domain.errors import Refused
from ritornello.domain.period import claims_by_lane
from ritornello.formats.canonical import encode
from ritornello.service import evidence, terms
from ritornello.service.context import Context
from ritornello.service.shorthand import Expansion, write_evidence
from ritornello.store import catalogue, consents

NO_EVENT = "0" * 64  # what the first event names as the one before it


@dataclass(frozen=True, slots=True)
class Manner:
    """How a decision was made: what a court would ask."""

    channel: str
    authentication: str = "operator"
    evidence: bytes | None = None  # a signed form, a mail: kept encrypted
    source_sha256: str | None = None  # of the spreadsheet it came in


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
    shorthand: Expansion | None = None  # what was said, where it was more than one recording


@dataclass(frozen=True, slots=True)
class Decided:
    """What was recorded."""

    events: tuple[ConsentEvent, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """Consent of some recordings under a programme today."""

    terms: Terms
    answers: tuple[Answer, ...]  # for each asset
    events: tuple[ConsentEvent, ...]  # all that was ever said about them
    last: State  # with every event counted, announced ones too


def check(
    context: Context, scope: str, *, recording_id: str | None = None, day: date | None = None, known_at_us: int | None = None
) -> list[Answer]:
    """For each asset (of one recording, or all) under a programme or `class:ID`: allowed with the grants relied on, or refused with all that is missing.

    `day`: consent in force on it; `known_at_us`: as known at that moment (both default to now). Ascending by recording and asset.
    """
    day, known_at_us = day or context.today(), context.now_us() if known_at_us is None else known_at_us
    placed = terms.find_placed(context, scope, day, known_at_us)
    recordings = catalogue.read_recordings(context.connection, recording_id)
    if recording_id is not None and not recordings:
        raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")
    events = terms.read_events(context, placed, recording_id)
    return _judge_all(context, placed, recordings, events, day, known_at_us, whole=recording_id is None)


def look(context: Context, programme_id: str, recording_ids: Collection[str]) -> Looked:
    """What stands today for each asset of some recordings under a programme, and what was said; reads nothing about others."""
    day, known_at_us = context.today(), context.now_us()
    placed = terms.find_placed(context, programme_id, day, known_at_us)
    recordings = catalogue.read_recordings(context.connection, recording_ids)
    events = tuple(terms.read_events(context, placed, recording_ids))
    answers = _judge_all(context, placed, recordings, events, day, known_at_us, whole=False)
    return Looked(placed, tuple(answers), events, fold(events, (), placed, date.max, known_at_us))


def _judge_all(
    context: Context,
    placed: Terms,
    recordings: Mapping[str, Recording],
    events: Iterable[ConsentEvent],
    day: date,
    known_at_us: int,
    *,
    whole: bool,
) -> list[Answer]:
    """An answer for each asset of these recordings. `whole`: they are the whole catalogue, which is read at once."""
    works = {one.work_id for one in recordings.values() if one.work_id}
    claims = catalogue.read_claims(context.connection, None if whole else sorted({*recordings, *works}))
    by_lane = claims_by_lane([claim for claim in claims if claim.known_at(known_at_us) and claim.in_force_on(day)])
    state = fold(events, consents.read_mandates(context.connection), placed, day, known_at_us)
    holds = held_assets(state)

    def ask(asset: Asset, recording: Recording) -> Answer:
        subjects = [("recording", recording.recording_id), ("work", recording.work_id or "")]
        claims = [claim for kind, subject in subjects for lane in placed.quorum for claim in by_lane.get((kind, subject, lane), [])]
        return judge(asset, recording, claims, state, placed, holds.get(asset.asset_id, []))

    assets = catalogue.read_assets(context.connection, None if whole else recordings).values()
    return [ask(asset, recordings[asset.recording_id]) for asset in sorted(assets, key=lambda asset: (asset.recording_id, asset.asset_id))]


def read_evidence(context: Context, event_id: str) -> bytes:
    """The evidence of an event, in clear. Raises Refused when there is none or it was erased."""
    events = consents.read_events(context.connection, event_id=event_id)
    if not events:
        raise Refused("unknown_event", f"there is no event {event_id!r}", "see `ritornello consent history`")
    if events[0].evidence_sha256 is None:
        raise Refused("no_evidence", f"{event_id} was recorded without evidence", "ask whoever recorded it")
    return evidence.read(context, events[0].evidence_sha256)


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


def standing_only(context: Context, shown: Terms, decisions: list[Decision]) -> list[Decision]:
    """Withdrawals and releases keep only what there is to take back. Raises Refused when there is nothing.

    From a programme, a party may also withdraw what it granted to a class that the programme names.
    """
    wanted = {"withdraw": "grant", "release": "hold"}.get(decisions[0].decision)
    if wanted is None:
        return decisions
    state = _fold_all(context, shown)
    tables = [state.answers, *state.class_answers.values()] if wanted == "grant" else [state.holds]
    kept = [decision for decision in decisions if any(_stands(table, decision, wanted) for table in tables)]
    if not kept:
        first = decisions[0]
        what = f"{first.party_id} has no standing {wanted} for {first.asset.recording_id} ({first.asset.kind})"
        raise Refused(f"nothing_to_{first.decision}", what, "see `ritornello consent history`")
    return kept


def record(context: Context, shown: Terms, decisions: Sequence[Decision], manner: Manner) -> Decided:
    """Append the events, each naming the one before; commit each to the log."""
    now, last = context.now_us(), consents.read_last(context.connection)
    number, previous = (last.seq, hash_event(last)) if last else (0, NO_EVENT)
    mandates = consents.read_mandates(context.connection)
    notices = _notices(context, shown, decisions)
    kept = _keep_evidence(context, decisions, manner)
    events: list[ConsentEvent] = []
    for decision, evidence_sha256, notice_days in zip(decisions, kept, notices, strict=True):
        number += 1
        event = ConsentEvent(
            number,
            f"e{number:09d}",
            decision.decision,
            decision.party_id,
            decision.actor_id,
            _find_mandate(mandates, decision, shown.programme_id, now, context.today()),
            decision.asset.asset_id,
            decision.asset.recording_id,
            decision.purpose,
            shown.programme_id,
            shown.sha256,
            decision.territory,
            decision.effective_from or context.today() + timedelta(days=notice_days),
            decision.effective_to,
            now,
            manner.channel if decision.shorthand is None else f"{manner.channel} ({decision.shorthand.subject})",
            manner.authentication,
            evidence_sha256,
            previous,
        )
        previous = hash_event(event)
        events.append(event)
    consents.append_events(context.connection, events)
    context.record_all("consent", ((event.event_id, hash_event(event)) for event in events))
    return Decided(tuple(events), _note_strangers(context, decisions))


def _keep_evidence(context: Context, decisions: Sequence[Decision], manner: Manner) -> list[str | None]:
    """For each decision the hash of its evidence: what was handed in, and what the shorthand meant. One piece for each party and shorthand."""
    if manner.evidence is not None:
        evidence.refuse_large(manner.evidence)
    kept: dict[tuple[str, int], str | None] = {}
    found = []
    for decision in decisions:
        key = (decision.party_id, id(decision.shorthand))
        if key not in kept:
            told = manner.evidence
            if decision.shorthand:
                told = write_evidence(decision.shorthand, context.now_us(), manner.evidence, manner.source_sha256)
            kept[key] = None if told is None else evidence.keep(context, decision.party_id, told)
        found.append(kept[key])
    return found


def _stands(table: Standing, decision: Decision, wanted: str) -> bool:
    event = table.get((decision.party_id, decision.asset.asset_id, decision.purpose))
    return event is not None and event.decision == wanted


def _notices(context: Context, shown: Terms, decisions: Sequence[Decision]) -> list[int]:
    """For each withdrawal, the notice in days: of the terms under which its grant was given; 0 for other decisions.

    A grant to a class has the notice of the programme that it is withdrawn from, once that counts on it; until then an objection takes effect at once.
    """
    if not any(decision.decision == "withdraw" for decision in decisions):
        return [0] * len(decisions)
    state = _fold_all(context, shown)
    given: dict[str, int] = {}
    days = []
    for decision in decisions:
        grant = state.answers.get((decision.party_id, decision.asset.asset_id, decision.purpose))
        if grant and grant.terms_sha256 not in given:
            given[grant.terms_sha256] = terms.find_given(context, grant.terms_sha256).notice_days
        relied = not shown.footings or any(not footing.obstacles for footing in shown.footings)
        days.append(0 if decision.decision != "withdraw" else given[grant.terms_sha256] if grant else shown.notice_days if relied else 0)
    return days


def _fold_all(context: Context, shown: Terms) -> State:
    """The state with every event counted, announced ones too."""
    return fold(terms.read_events(context, shown), (), shown, date.max, context.now_us())


def _find_mandate(mandates: Sequence[Mandate], decision: Decision, programme_id: str, now: int, today: date) -> str | None:
    """The mandate under which a representative acts; None when a party acts for itself. Raises Refused when there is none."""
    if decision.actor_id == decision.party_id:
        return None
    for mandate in mandates:
        if (
            (mandate.party_id, mandate.representative_id) == (decision.party_id, decision.actor_id)
            and decision.purpose in mandate.purposes
            and mandate.reaches(programme_id)
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
