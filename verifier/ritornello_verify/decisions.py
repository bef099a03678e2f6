"""The snapshot rule (period-folder.md): whose grants an asset needs, and whether they stand."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from ritornello_verify.bundle import Bundle
from ritornello_verify.claims import WORLD, split
from ritornello_verify.kinds import WHOLE_PPM
from ritornello_verify.period import Period
from ritornello_verify.reading import Row, Values, identify
from ritornello_verify.report import Step, show
from ritornello_verify.tables import TABLES
from ritornello_verify.terms import Terms

CONSENTS = "period/consents.jsonl"
MICROSECONDS_A_DAY = 86_400_000_000
NO_EVENT = "0" * 64
E8_PER_PPM = 100

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decisions:
    """Rows of consents.jsonl by asset and programme, ascending by `seq`, rows of mandates.jsonl by id, and the hashes of all terms shown."""

    events: dict[tuple[str, str], list[Columns]]
    mandates: dict[str, Columns]
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Case:
    """One asset asked about: the snapshot's row with its terms, and the decisions known and in effect by then."""

    period: Period
    mandates: dict[str, Columns]
    recording_id: str
    snapshot: Values
    events: list[Columns]

    @property
    def day(self) -> str:
        return str(self.snapshot["day"])

    def find_latest(self, party_id: str, purpose: str, kinds: tuple[str, str]) -> Columns | None:
        """The event of highest `seq`."""
        found = [
            event for event in self.events if (event["party_id"], event["purpose"]) == (party_id, purpose) and event["decision"] in kinds
        ]
        return max(found, key=lambda event: int(event["seq"]), default=None)


class NoConsent(Exception):
    """Why an asset may not be in a snapshot, or a party does not agree."""


def load_decisions(bundle: Bundle, terms: Terms, step: Step) -> Decisions:
    """All events, each made under terms that are there, with a count of those shown other terms than programme.toml."""
    events: dict[tuple[str, str], list[Columns]] = defaultdict(list)
    known: set[str] = set()
    shown: set[str] = set()
    last: Row | None = None
    for row in bundle.read_rows(CONSENTS):
        wrong = find_broken_chain(last, row) or terms.find_wrong(row.values["terms_sha256"], row.values["programme_id"])
        if row.values["event_id"] in known:
            wrong = f"event_id {show(row.values['event_id'])} occurs twice"
        if wrong:
            step.fail(CONSENTS, wrong, row.number, identify(row.values, TABLES[CONSENTS]))
        last = row
        known.add(row.values["event_id"])
        shown.add(row.values["terms_sha256"])
        if row.values["terms_sha256"] != terms.current:
            step.count("of the consent events were shown other terms than programme.toml")
        events[row.values["asset_id"], row.values["programme_id"]].append(row.values)
    step.count("consent events read", len(known))
    mandates = {row.values["mandate_id"]: row.values for row in bundle.read_rows("period/mandates.jsonl")}
    return Decisions(dict(events), mandates, frozenset(shown))


def find_broken_chain(last: Row | None, row: Row) -> str | None:
    """`previous_sha256`, where the event before is in the folder too."""
    if row.values["seq"] == 1:
        expected = NO_EVENT
    elif last is not None and last.values["seq"] == row.values["seq"] - 1:
        expected = sha256(last.line).hexdigest()
    else:
        return None
    found = row.values["previous_sha256"]
    return None if found == expected else f"previous_sha256 is {found}, recomputed {expected}"


def find_grants(period: Period, decisions: Decisions, snapshot: Values, row: Values) -> list[str]:
    """The ids of the grants that let an asset into a snapshot, ascending; NoConsent when it may not be there."""
    recording_id, day, known_at_us = row["recording_id"], snapshot["day"], snapshot["known_at_us"]
    if recording_id not in period.claims.works:
        raise NoConsent("recording_id is not in recordings.jsonl")
    events = decisions.events.get((row["asset_id"], snapshot["programme_id"]), [])
    counted = [event for event in events if event["recorded_at_us"] <= known_at_us and event["effective_from"] <= day]
    case = Case(period, decisions.mandates, recording_id, snapshot, counted)
    refuse_holds(case)
    grants: set[str] = set()
    for lane, share_ppm in sorted(snapshot["quorum"].items()):
        grants.update(ask_lane(case, lane, share_ppm, known_at_us))
    return sorted(grants)


def refuse_holds(case: Case) -> None:
    """Anybody may hold."""
    for party_id in sorted({event["party_id"] for event in case.events if event["decision"] == "hold"}):
        for purpose in case.snapshot["purposes"]:
            event = case.find_latest(party_id, purpose, ("hold", "release"))
            if event is not None and event["decision"] == "hold":
                raise NoConsent(f"party {show(party_id)} holds it for {show(purpose)} (seq {event['seq']})")


def ask_lane(case: Case, lane: str, share_ppm: int, known_at_us: int) -> set[str]:
    """The grants of everybody in a lane who agrees. Its claims must be complete in `WW` and in each territory they name, and enough agree in each."""
    claims = case.period.claims.select(case.recording_id, lane, known_at_us, case.day)
    grants: set[str] = set()
    for territory in sorted({WORLD, *(claim.territory for claim in claims)}):
        shares = split(claims, territory)
        if not shares.is_complete():
            raise NoConsent(f"lane {show(lane)} in {territory} is {shares.status} (claims total {shares.total_e8} of 100000000)")
        agreed, refused = ask_parties(case, lane, shares.claimants)
        grants.update(event_id for ids in agreed.values() for event_id in ids)
        held = sum(share.share_e8 for share in shares.shares if share.payee.removeprefix("party:") in agreed)
        if share_ppm == WHOLE_PPM and refused:
            raise NoConsent(refused[0])
        if held < share_ppm * E8_PER_PPM:
            raise NoConsent(
                f"in lane {show(lane)} in {territory} shares of {held} agree, {share_ppm * E8_PER_PPM} must; {'; '.join(refused)}"
            )
    return grants


def ask_parties(case: Case, lane: str, parties: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Those who agree with their grants, and why the others do not."""
    agreed: dict[str, list[str]] = {}
    refused: list[str] = []
    for party_id in parties:
        try:
            agreed[party_id] = [ask_party(case, lane, party_id, purpose) for purpose in case.snapshot["purposes"]]
        except NoConsent as reason:
            refused.append(str(reason))
    return agreed, refused


def ask_party(case: Case, lane: str, party_id: str, purpose: str) -> str:
    """The id of the grant by which a party agrees in a lane to one purpose."""
    event = case.find_latest(party_id, purpose, ("grant", "withdraw"))
    if event is None:
        raise NoConsent(f"party {show(party_id)} has decided nothing about {show(purpose)}, and no event means no")
    who = f"the grant of party {show(party_id)} (seq {event['seq']})"
    if event["decision"] != "grant":
        raise NoConsent(f"the latest decision of party {show(party_id)} about {show(purpose)} is a withdrawal (seq {event['seq']})")
    if event["terms_sha256"] != case.snapshot["programme_sha256"]:
        raise NoConsent(f"{who} was given under other terms ({event['terms_sha256']})")
    if event["effective_to"] is not None and event["effective_to"] < case.day:
        raise NoConsent(f"{who} ended on {event['effective_to']}")
    if event["territory"] not in (WORLD, case.snapshot["territory"]):
        raise NoConsent(f"{who} is for territory {event['territory']} alone")
    if event["recording_id"] != case.recording_id:
        raise NoConsent(f"{who} is for recording {show(event['recording_id'])}")
    if not is_entitled(case, lane, event):
        raise NoConsent(f"{who} was made by {show(event['actor_id'])} without a mandate for it in lane {show(lane)}")
    event_id: str = event["event_id"]
    return event_id


def is_entitled(case: Case, lane: str, event: Columns) -> bool:
    """By the party itself, or under a mandate known and in force when the event was recorded."""
    if event["mandate_id"] is None:
        return bool(event["actor_id"] == event["party_id"])
    mandate = case.mandates.get(event["mandate_id"])
    if mandate is None:
        return False
    moment, retracted = event["recorded_at_us"], mandate["retracted_at_us"]
    day = (date(1970, 1, 1) + timedelta(days=moment // MICROSECONDS_A_DAY)).isoformat()
    return (
        (mandate["party_id"], mandate["representative_id"]) == (event["party_id"], event["actor_id"])
        and lane in mandate["lanes"]
        and event["purpose"] in mandate["purposes"]
        and mandate["programme_id"] in (case.snapshot["programme_id"], "*")
        and mandate["recorded_at_us"] <= moment
        and (retracted is None or retracted > moment)
        and mandate["valid_from"] <= day
        and (mandate["valid_to"] is None or mandate["valid_to"] >= day)
    )
