"""Classes of licensees never permit what somebody denied, and no order of events turns silence into a yes."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ritornello.domain.consent import ConsentEvent
from ritornello.domain.licensee_class import Admission
from tests.domain.class_worlds import ASSET, DAY, KNOWN_US, MANDATES, ONE, OTHER_HASH, PURPOSES, TWO, World, claim, make_programme, worlds
from tests.outside.test_verifier_on_classes import verify

MANY = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


def counted(world: World) -> list[ConsentEvent]:
    return [event for event in world.events if event.recorded_at_us <= KNOWN_US and event.effective_from <= DAY]


def latest(world: World, party: str, purpose: str, scope: str, kinds: tuple[str, str]) -> ConsentEvent | None:
    """By the plainest search: last in order."""
    found = None
    for event in counted(world):
        if (event.party_id, event.purpose, event.programme_id) == (party, purpose, scope) and event.decision in kinds:
            found = event
    return found


def everyone_asked(world: World) -> set[str]:
    """Who must agree whatever the others say: the publishing lane asks everyone."""
    return {claim.party_id for claim in world.claims if claim.lane == "publishing"}


@MANY
@given(worlds())
def test_a_class_grant_never_permits_what_somebody_denied(world: World) -> None:
    answer = world.ask()
    for event in counted(world):
        if event.decision == "hold":
            last = latest(world, event.party_id, event.purpose, event.programme_id, ("hold", "release"))
            assert not (answer.allowed and last and last.decision == "hold")
    for party in everyone_asked(world):
        for purpose in PURPOSES:
            own = latest(world, party, purpose, "p", ("grant", "withdraw"))
            if own and own.decision == "withdraw":
                assert not answer.allowed
            in_classes = [latest(world, party, purpose, scope, ("grant", "withdraw")) for scope in ("class:one", "class:two")]
            if own is None and any(event and event.decision == "withdraw" for event in in_classes):
                assert not answer.allowed


@MANY
@given(worlds(), st.randoms(use_true_random=False))
def test_no_order_of_events_turns_silence_into_a_yes(world: World, random: st.random_module) -> None:
    """Whatever somebody who must agree says or others grant: without a grant of their own there is no yes, in any order."""
    silent = sorted(everyone_asked(world))[0]
    events = [event for event in world.events if not (event.party_id == silent and event.decision == "grant")]
    random.shuffle(events)  # type: ignore[attr-defined]
    shuffled = tuple(replace(event, seq=number, event_id=f"e{number:03d}") for number, event in enumerate(events, 1))
    assert not replace(world, events=shuffled).ask().allowed


@MANY
@given(worlds())
def test_only_what_is_met_and_admitted_counts(world: World) -> None:
    """Without admissions, or without the documents, a class is worth nothing: the answer is that of the events about the programme alone."""
    plain = replace(
        world, events=tuple(event for event in world.events if event.programme_id == "p" or event.decision in {"hold", "withdraw"})
    )
    for bare in (replace(world, admissions=()), replace(world, documents=())):
        assert bare.ask().allowed == plain.ask().allowed
        assert not bare.ask().allowed or world.ask().allowed, "an admission takes nothing away"


@MANY
@given(worlds(), st.data())
def test_a_further_denial_never_turns_a_no_into_a_yes(world: World, data: st.DataObject) -> None:
    assume(world.events)
    like = data.draw(st.sampled_from(world.events))
    number = len(world.events) + 1
    denial = replace(
        like,
        seq=number,
        event_id=f"e{number:03d}",
        decision=data.draw(st.sampled_from(["withdraw", "hold"])),
        programme_id=data.draw(st.sampled_from(["p", "class:one", "class:two"])),
        effective_from=DAY,
        recorded_at_us=KNOWN_US,
    )
    before, after = world.ask(), replace(world, events=(*world.events, denial)).ask()
    assert before.allowed or not after.allowed


@MANY
@given(worlds())
def test_a_yes_names_grants_that_stand_and_a_no_names_a_reason(world: World) -> None:
    answer = world.ask()
    known = {event.event_id: event for event in counted(world)}
    assert answer.allowed != bool(answer.missing)
    for event_id in answer.consent_events:
        event = known[event_id]
        assert event.decision == "grant"
        assert latest(world, event.party_id, event.purpose, event.programme_id, ("grant", "withdraw")) == event
        if event.programme_id != "p":
            assert latest(world, event.party_id, event.purpose, "p", ("grant", "withdraw")) is None


def good_world() -> World:
    """Everyone granted everything to class one alone, and the programme falls under it."""
    programme = make_programme(TWO)
    admission = Admission("a", "one", sha256(ONE).hexdigest(), "p", sha256(programme).hexdigest(), "seen", DAY - timedelta(days=1), None, 0)
    like = ConsentEvent(
        1, "e", "grant", "ana", "ana", None, "", "r1", "", "class:one", sha256(ONE).hexdigest(), "WW", DAY, None, KNOWN_US - 200, "t", "t", None, "0" * 64
    )  # fmt: skip
    decided = [(party, purpose) for party in ("ana", "ben", "cleo") for purpose in PURPOSES]
    events = tuple(
        replace(like, seq=number, event_id=f"e{number}", party_id=party, actor_id=party, purpose=purpose, asset_id=ASSET.asset_id)
        for number, (party, purpose) in enumerate(decided, 1)
    )
    claims = (claim("ana", "master", 100_000_000), claim("ana", "publishing", 100_000_000))
    return World(programme, (ONE, TWO), (admission,), MANDATES, claims, events)


def test_everyone_granted_to_the_class() -> None:
    assert good_world().ask().allowed and verify(good_world())


@pytest.mark.parametrize(
    "change",
    [
        {"terms_sha256": OTHER_HASH},
        {"terms_sha256": sha256(TWO).hexdigest()},
        {"programme_id": "class:two"},
        {"programme_id": "p"},
        {"programme_id": "class:three"},
        {"decision": "withdraw"},
        {"territory": "DE"},
        {"effective_from": DAY + timedelta(days=1)},
        {"effective_to": DAY - timedelta(days=1)},
        {"recorded_at_us": KNOWN_US + 1},
        {"actor_id": "ben", "mandate_id": "m-*"},
        {"actor_id": "ben", "mandate_id": "m-p"},
        {"actor_id": "ben"},
        {"purpose": "voice_model"},
    ],
    ids=str,
)
def test_one_thing_wrong_with_one_grant_is_enough(change: dict[str, Any]) -> None:
    world = good_world()
    spoiled = replace(world, events=(replace(world.events[0], **change), *world.events[1:]))
    assert not spoiled.ask().allowed and verify(spoiled) is None
    again = replace(world, events=(*world.events, replace(world.events[0], seq=99, event_id="e99", **change)))
    assert again.ask().allowed == (verify(again) is not None)


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "withdraw", "programme_id": "class:two", "terms_sha256": sha256(TWO).hexdigest()},
        {"decision": "withdraw", "programme_id": "p"},
        {"decision": "hold", "programme_id": "class:two", "party_id": "stranger"},
        {"programme_id": "p", "terms_sha256": OTHER_HASH},
    ],
    ids=str,
)
def test_a_no_elsewhere_outweighs_the_grant_to_a_class_whichever_came_first(change: dict[str, Any]) -> None:
    world = good_world()
    for seq in (0, 99):
        denied = replace(world, events=(*world.events, replace(world.events[0], seq=seq, event_id=f"e{seq}", **change)))
        assert not denied.ask().allowed and verify(denied) is None
