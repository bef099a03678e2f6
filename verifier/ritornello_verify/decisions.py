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
from ritornello_verify.licensee_class import SCOPE, Classes, find_obstacle, load_classes
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
class Footing:
    """The class document that a programme names, and why the programme does not fall under the class, or None."""

    terms_sha256: str
    obstacle: str | None


Footings = dict[str, Footing]
"""By class, ascending."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Rows of consents.jsonl by asset and programme (or `class:` and class), ascending by `seq`, rows of mandates.jsonl by id, the hashes of all terms shown,
    and the classes of licensees."""

    events: dict[tuple[str, str], list[Columns]]
    mandates: dict[str, Columns]
    terms: frozenset[str]
    classes: Classes


@dataclass(frozen=True, slots=True)
class Case:
    """One asset asked about: the snapshot's row with its terms, and the decisions known and in effect by then.
    `events` by programme or `class:` and class."""

    period: Period
    mandates: dict[str, Columns]
    recording_id: str
    snapshot: Values
    events: dict[str, list[Columns]]
    footings: Footings

    @property
    def day(self) -> str:
        return str(self.snapshot["day"])

    def find_latest(self, scope: str, party_id: str, purpose: str, kinds: tuple[str, str]) -> Columns | None:
        """The event of highest `seq`."""
        found = [
            event
            for event in self.events[scope]
            if (event["party_id"], event["purpose"]) == (party_id, purpose) and event["decision"] in kinds
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
    classes = load_classes(bundle, step)
    for row in bundle.read_rows(CONSENTS):
        wrong = find_broken_chain(last, row) or find_wrong_terms(terms, classes, row.values["terms_sha256"], row.values["programme_id"])
        if row.values["event_id"] in known:
            wrong = f"event_id {show(row.values['event_id'])} occurs twice"
        if wrong:
            step.fail(CONSENTS, wrong, row.number, identify(row.values, TABLES[CONSENTS]))
        last = row
        known.add(row.values["event_id"])
        if not row.values["programme_id"].startswith(SCOPE):
            shown.add(row.values["terms_sha256"])
        if row.values["terms_sha256"] != terms.current:
            step.count("of the consent events were shown other terms than programme.toml")
        events[row.values["asset_id"], row.values["programme_id"]].append(row.values)
    step.count("consent events read", len(known))
    mandates = {row.values["mandate_id"]: row.values for row in bundle.read_rows("period/mandates.jsonl")}
    return Decisions(dict(events), mandates, frozenset(shown), classes)


def find_wrong_terms(terms: Terms, classes: Classes, sha256_of_terms: str, scope: str) -> str | None:
    """What is wrong with the terms that an event names: those of a programme, or a class document."""
    if scope.startswith(SCOPE):
        return classes.find_wrong(sha256_of_terms, scope.removeprefix(SCOPE))
    return terms.find_wrong(sha256_of_terms, scope)


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


def find_grants(period: Period, decisions: Decisions, snapshot: Values, row: Values, footings: Footings) -> list[str]:
    """The ids of the grants that let an asset into a snapshot, ascending; NoConsent when it may not be there."""
    recording_id, day, known_at_us = row["recording_id"], snapshot["day"], snapshot["known_at_us"]
    if recording_id not in period.claims.works:
        raise NoConsent("recording_id is not in recordings.jsonl")
    events = {
        scope: [
            event
            for event in decisions.events.get((row["asset_id"], scope), [])
            if event["recorded_at_us"] <= known_at_us and event["effective_from"] <= day
        ]
        for scope in (snapshot["programme_id"], *(SCOPE + class_id for class_id in footings))
    }
    case = Case(period, decisions.mandates, recording_id, snapshot, events, footings)
    refuse_holds(case)
    grants: set[str] = set()
    for lane, share_ppm in sorted(snapshot["quorum"].items()):
        grants.update(ask_lane(case, lane, share_ppm, known_at_us))
    return sorted(grants)


def find_footings(terms: Terms, classes: Classes, snapshot: Values) -> Footings:
    """How a snapshot's programme stands in each class that the snapshot's terms name, ascending."""
    sha256_of_terms, day, known_at_us = snapshot["programme_sha256"], snapshot["day"], snapshot["known_at_us"]
    programme = terms.programmes.get(sha256_of_terms)
    if programme is None:
        return {}
    return {
        class_id: Footing(named, find_obstacle(classes, programme, sha256_of_terms, class_id, day, known_at_us))
        for class_id, named in sorted(programme.licensing.classes.items())
    }


def refuse_holds(case: Case) -> None:
    """Anybody may hold, in the programme or in a class that it names."""
    for scope, events in case.events.items():
        for party_id in sorted({event["party_id"] for event in events if event["decision"] == "hold"}):
            for purpose in case.snapshot["purposes"]:
                event = case.find_latest(scope, party_id, purpose, ("hold", "release"))
                if event is not None and event["decision"] == "hold":
                    where = f" in {scope}" if scope.startswith(SCOPE) else ""
                    raise NoConsent(f"party {show(party_id)} holds it{where} for {show(purpose)} (seq {event['seq']})")


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
    """The id of the grant by which a party agrees in a lane to one purpose. An answer about the programme decides alone."""
    kinds = ("grant", "withdraw")
    event = case.find_latest(case.snapshot["programme_id"], party_id, purpose, kinds)
    if event is not None:
        return stand(case, lane, event, case.snapshot["programme_sha256"])
    answers = {class_id: case.find_latest(SCOPE + class_id, party_id, purpose, kinds) for class_id in case.footings}
    found: list[str] = []
    reasons: list[str] = []
    for class_id, answer in answers.items():
        if answer is None:
            continue
        try:
            event_id = stand(case, lane, answer, case.footings[class_id].terms_sha256)
            obstacle = case.footings[class_id].obstacle
            if obstacle is not None:
                raise NoConsent(
                    f"party {show(party_id)} granted it to class {show(class_id)}, under which the programme does not fall: {obstacle}"
                )
            found.append(event_id)
        except NoConsent as reason:
            if answer["decision"] != "grant":  # a no to one class outweighs a yes to another
                raise
            reasons.append(str(reason))
    if not found:
        raise NoConsent(
            reasons[0] if reasons else f"party {show(party_id)} has decided nothing about {show(purpose)}, and no event means no"
        )
    return found[0]


def stand(case: Case, lane: str, event: Columns, terms_sha256: str) -> str:
    """The event's id, when it is a grant that stands under these terms."""
    party_id, purpose = event["party_id"], event["purpose"]
    who = f"the grant of party {show(party_id)} (seq {event['seq']})"
    if event["decision"] != "grant":
        raise NoConsent(f"the latest decision of party {show(party_id)} about {show(purpose)} is a withdrawal (seq {event['seq']})")
    if event["terms_sha256"] != terms_sha256:
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
        and (
            mandate["programme_id"] == event["programme_id"]
            or (mandate["programme_id"] == "*" and not event["programme_id"].startswith(SCOPE))
        )
        and mandate["recorded_at_us"] <= moment
        and (retracted is None or retracted > moment)
        and mandate["valid_from"] <= day
        and (mandate["valid_to"] is None or mandate["valid_to"] >= day)
    )
