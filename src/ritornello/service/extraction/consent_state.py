"""What the records say about an asset on a day: licensed, no longer, or never; programme by programme, and in plain words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from ritornello.domain.consent import Answer, ConsentEvent, Terms
from ritornello.domain.errors import Refused
from ritornello.domain.programme import Programme
from ritornello.service import consent, programmes, snapshots, terms
from ritornello.service.context import Context
from ritornello.store import schema

LICENSED, AGREED, WITHDRAWN, HELD, NO_CONSENT = "licensed", "agreed", "withdrawn", "held", "no_consent"
ORDER = (LICENSED, AGREED, WITHDRAWN, HELD, NO_CONSENT)  # of several programmes, the first of these speaks for the asset


@dataclass(frozen=True, slots=True)
class Frozen:
    """A snapshot that holds an asset."""

    snapshot_id: str
    day: str
    manifest_root: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An asset under one programme. `since`: from which day consent is withdrawn; `ends`: the day on which a withdrawal that is announced takes effect."""

    programme_id: str
    licensee: str
    state: str
    since: str | None
    ends: str | None
    snapshots: tuple[Frozen, ...]  # those frozen by the day, the newest last
    reasons: tuple[str, ...]  # codes of what is missing, without parties
    consent_events: tuple[str, ...]  # the grants relied on
    says: str


def find_standings(
    context: Context, wanted: Iterable[str], day: date, known_at_us: int, licensee: str | None
) -> Mapping[str, tuple[Standing, ...]]:
    """Asset → how it stands under each registered programme (of one licensee, if given), the most favourable first; empty where there is none.

    Raises Refused when nobody of that name is the licensee of a programme.
    """
    assets = frozenset(wanted)
    found: dict[str, list[Standing]] = {asset: [] for asset in assets}
    for programme in list_programmes(context, licensee):
        placed = terms.find_placed(context, programme.programme_id, day, known_at_us)
        frozen = _find_snapshots(context, programme.programme_id, assets, day, known_at_us)
        events = _latest_withdrawals(terms.read_events(context, placed), assets, placed, known_at_us)
        for answer in consent.check(context, programme.programme_id, day=day, known_at_us=known_at_us):
            if answer.asset_id in assets:
                standing = _stand(programme, answer, frozen.get(answer.asset_id, ()), events.get(answer.asset_id, ()), day)
                found[answer.asset_id].append(standing)
    return {asset: tuple(sorted(all_of, key=lambda one: (ORDER.index(one.state), one.programme_id))) for asset, all_of in found.items()}


def summarise(standings: Sequence[Standing]) -> str:
    """The state that speaks for an asset."""
    return standings[0].state if standings else NO_CONSENT


def say(standings: Sequence[Standing]) -> str:
    """The same in words."""
    return standings[0].says if standings else "No consent on record: no programme of such a licensee is registered here."


def _stand(programme: Programme, answer: Answer, frozen: tuple[Frozen, ...], withdrawals: Sequence[ConsentEvent], day: date) -> Standing:
    reasons = tuple(sorted({missing.reason for missing in answer.missing}))
    past = [event.effective_from for event in withdrawals if event.effective_from <= day]
    coming = [event.effective_from for event in withdrawals if event.effective_from > day]
    since = min(past) if "withdrawn" in reasons and past else None
    ends = min(coming) if answer.allowed and coming else None
    if answer.allowed:
        state = LICENSED if frozen else AGREED
    elif since:
        state = WITHDRAWN
    else:
        state = HELD if "hold" in reasons else NO_CONSENT
    says = _say(state, programme, frozen, since, ends)
    return Standing(
        programme.programme_id,
        programme.licensee,
        state,
        since.isoformat() if since else None,
        ends.isoformat() if ends else None,
        frozen,
        reasons,
        answer.consent_events,
        says,
    )


def _say(state: str, programme: Programme, frozen: Sequence[Frozen], since: date | None, ends: date | None) -> str:
    under = f"programme {programme.programme_id} (licensee: {programme.licensee})"
    held = f"snapshot {frozen[-1].snapshot_id} of {frozen[-1].day}" if frozen else ""
    if state == LICENSED:
        return f"Licensed under {under}, {held}" + (f"; a withdrawal takes effect on {ends}." if ends else ".")
    if state == AGREED:
        later = f"; a withdrawal takes effect on {ends}" if ends else ""
        return f"Everyone has agreed under {under}, but no snapshot holds it: it was not delivered under a licence{later}."
    if state == WITHDRAWN:
        before = (
            f" Until {since - timedelta(days=1)} it was in {held}: what was trained before may go by the tail of the terms."
            if frozen and since
            else ""
        )
        return f"Consent withdrawn since {since} under {under}.{before}"
    if state == HELD:
        return f"On hold under {under}: somebody who may stop its use has done so."
    return f"No consent on record under {under}" + (f", though {held} holds it." if frozen else ".")


def list_programmes(context: Context, licensee: str | None) -> list[Programme]:
    """The newest terms of each registered programme, or of those of one licensee. Raises Refused when nobody of that name is a licensee."""
    names = sorted(set(context.connection.scalars(select(schema.programme.c.programme_id))))
    every = [programmes.find(context, name)[0] for name in names]
    kept = [one for one in every if licensee is None or one.licensee.casefold() == licensee.strip().casefold()]
    if licensee is not None and not kept:
        known = ", ".join(sorted({one.licensee for one in every})) or "nobody"
        raise Refused(
            "unknown_licensee", f"no programme has the licensee {licensee!r}", f"licensees are: {known}; without --licensee all are shown"
        )
    return kept


def _find_snapshots(
    context: Context, programme_id: str, assets: frozenset[str], day: date, known_at_us: int
) -> dict[str, tuple[Frozen, ...]]:
    """Asset → the programme's snapshots that hold it and were frozen by the day, the newest last."""
    table = schema.snapshot
    query = select(table).where(table.c.programme_id == programme_id, table.c.day <= day.isoformat(), table.c.known_at_us <= known_at_us)
    found: dict[str, tuple[Frozen, ...]] = {}
    rows: Iterable[Any] = context.connection.execute(query.order_by(table.c.known_at_us)).all()
    for row in rows:
        for one in snapshots.read_manifest(context, row.snapshot_id):
            if one["asset_id"] in assets:
                found[one["asset_id"]] = (*found.get(one["asset_id"], ()), Frozen(row.snapshot_id, row.day, row.manifest_root))
    return found


def _latest_withdrawals(
    events: Iterable[ConsentEvent], assets: frozenset[str], placed: Terms, known_at_us: int
) -> dict[str, list[ConsentEvent]]:
    """Asset → withdrawals that are each their party's last word on it, whether in effect or announced."""
    latest: dict[tuple[str, str, str, str], ConsentEvent] = {}
    for event in events:
        if (
            event.asset_id in assets
            and event.purpose in placed.purposes
            and event.recorded_at_us <= known_at_us
            and event.decision in {"grant", "withdraw"}
        ):
            key = (event.party_id, event.asset_id, event.purpose, event.programme_id)
            if key not in latest or latest[key].seq < event.seq:
                latest[key] = event
    found: dict[str, list[ConsentEvent]] = {}
    for event in latest.values():
        if event.decision == "withdraw":
            found.setdefault(event.asset_id, []).append(event)
    return found
