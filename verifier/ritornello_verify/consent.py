"""Step 3 of bundle.md, first half: every manifest row follows the snapshot rule of period-folder.md and lists the grants relied on."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ritornello_verify.bundle import Bundle
from ritornello_verify.claims import WORLD, Claim, split
from ritornello_verify.merkle import find_root, hash_leaf
from ritornello_verify.period import Period
from ritornello_verify.reading import Row, Values, identify
from ritornello_verify.report import Step, show
from ritornello_verify.tables import TABLES

CONSENTS = "period/consents.jsonl"
SNAPSHOTS = "period/snapshots.jsonl"
MANIFEST = "period/manifest.jsonl"

Assets = dict[str, dict[str, str]]
"""Snapshot → asset → the recording it belongs to."""


@dataclass(frozen=True, slots=True)
class Event:
    seq: int
    event_id: str
    is_grant: bool
    recording_id: str
    effective_from: str
    recorded_at_us: int


Events = dict[tuple[str, str, str, str], list[Event]]
"""By party, asset, purpose, programme."""


class NoConsent(Exception):
    """Why an asset may not be in a snapshot."""


def check_manifests(bundle: Bundle, period: Period, step: Step) -> Assets:
    """Judge every manifest row anew, and every snapshot's root and totals."""
    events = load_events(bundle, step)
    snapshots = {row.values["snapshot_id"]: row for row in bundle.read_rows(SNAPSHOTS)}
    assets: Assets = defaultdict(dict)
    leaves: dict[str, list[bytes]] = defaultdict(list)
    durations: dict[str, int] = defaultdict(int)
    for row in bundle.read_rows(MANIFEST):
        values = row.values
        snapshot = snapshots.get(values["snapshot_id"])
        wrong = "snapshot_id is not in snapshots.jsonl" if snapshot is None else find_wrong_row(period, events, snapshot.values, values)
        if wrong:
            step.fail(MANIFEST, wrong, row.number, identify(values, TABLES[MANIFEST]))
        step.count("consent decisions derived anew")
        assets[values["snapshot_id"]][values["asset_id"]] = values["recording_id"]
        leaves[values["snapshot_id"]].append(hash_leaf(row.line))
        durations[values["snapshot_id"]] += values["duration_ms"]
    for name, row in snapshots.items():
        expected = {
            "programme_id": period.programme.programme_id,
            "purposes": sorted(period.programme.purposes),
            "manifest_root": find_root(leaves[name]).hex(),
            "assets": len(leaves[name]),
            "duration_ms": durations[name],
        }
        check_snapshot(row, expected, step)
    return dict(assets)


def load_events(bundle: Bundle, step: Step) -> Events:
    events: Events = defaultdict(list)
    known: set[str] = set()
    for row in bundle.read_rows(CONSENTS):
        values = row.values
        if values["event_id"] in known:
            step.fail(CONSENTS, f"event_id {show(values['event_id'])} occurs twice", row.number, identify(values, TABLES[CONSENTS]))
        known.add(values["event_id"])
        event = Event(
            values["seq"],
            values["event_id"],
            values["decision"] == "grant",
            values["recording_id"],
            values["effective_from"],
            values["recorded_at_us"],
        )
        events[values["party_id"], values["asset_id"], values["purpose"], values["programme_id"]].append(event)
    step.count("consent events read", len(known))
    return dict(events)


def check_snapshot(row: Row, expected: Values, step: Step) -> None:
    step.count("snapshots checked")
    for name, value in expected.items():
        found = sorted(row.values[name]) if name == "purposes" else row.values[name]
        if found != value:
            step.fail(SNAPSHOTS, f"{name} is {show(found)}, recomputed {show(value)}", row.number, identify(row.values, TABLES[SNAPSHOTS]))
            return


def find_wrong_row(period: Period, events: Events, snapshot: Values, row: Values) -> str | None:
    try:
        grants = find_grants(period, events, snapshot, row)
    except NoConsent as error:
        return str(error)
    if row["consent_events"] != grants:
        return f"consent_events is {show(row['consent_events'])}, recomputed {show(grants)}"
    return None


def find_grants(period: Period, events: Events, snapshot: Values, row: Values) -> list[str]:
    """The ids of the grants that let an asset into a snapshot, ascending; NoConsent when one is missing."""
    recording_id, day, known_at_us = row["recording_id"], snapshot["day"], snapshot["known_at_us"]
    if recording_id not in period.claims.works:
        raise NoConsent("recording_id is not in recordings.jsonl")
    parties: set[str] = set()
    for lane in period.programme.quorum:
        claims = period.claims.select(recording_id, lane, known_at_us, day)
        parties.update(find_quorum(claims, lane))
    grants: set[str] = set()
    for party in sorted(parties):
        for purpose in period.programme.purposes:
            event = find_latest(events.get((party, row["asset_id"], purpose, snapshot["programme_id"]), []), known_at_us, day)
            if event is None:
                raise NoConsent(f"party {show(party)} has decided nothing about {show(purpose)}, and no event means no")
            if not event.is_grant:
                raise NoConsent(f"the latest decision of party {show(party)} about {show(purpose)} is a withdrawal (seq {event.seq})")
            if event.recording_id != recording_id:
                raise NoConsent(f"the grant of party {show(party)} (seq {event.seq}) is for recording {show(event.recording_id)}")
            grants.add(event.event_id)
    return sorted(grants)


def find_quorum(claims: list[Claim], lane: str) -> Iterator[str]:
    """Everyone whose grant a lane needs; its claims must be complete in `WW` and in each other territory they name."""
    for territory in sorted({WORLD, *(claim.territory for claim in claims)}):
        shares = split(claims, territory)
        if not shares.is_complete():
            raise NoConsent(f"lane {show(lane)} in {territory} is {shares.status} (claims total {shares.total_e8} of 100000000)")
        yield from shares.claimants


def find_latest(events: list[Event], known_at_us: int, day: str) -> Event | None:
    """The event of highest `seq` among those recorded and in effect by then."""
    counted = [event for event in events if event.recorded_at_us <= known_at_us and event.effective_from <= day]
    return max(counted, key=lambda event: event.seq, default=None)
