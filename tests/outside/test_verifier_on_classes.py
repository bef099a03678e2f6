"""The independent verifier and the product judge the same small worlds alike: allowed or not, and by which grants."""

from collections import Counter, defaultdict
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from ritornello.formats.period_folder import row_of
from ritornello.store.classes import admission_row
from ritornello.store.consents import event_row, mandate_row
from ritornello_verify.claims import Claim, Claims
from ritornello_verify.decisions import Decisions, NoConsent, find_footings, find_grants
from ritornello_verify.licensee_class import Classes, open_document
from ritornello_verify.period import Header, Period
from ritornello_verify.programme import read_programme
from ritornello_verify.terms import Terms
from tests.domain.class_worlds import ASSET, DAY, KNOWN_US, PURPOSES, World, worlds

seen: Counter[str] = Counter()


def compare(world: World) -> None:
    answer, verdict = world.ask(), verify(world)
    assert verdict == (list(answer.consent_events) if answer.allowed else None), answer
    by_class = answer.allowed and any(event.programme_id != "p" for event in world.events if event.event_id in answer.consent_events)
    seen["no" if not answer.allowed else "yes, on a class grant" if by_class else "yes"] += 1


@pytest.mark.parametrize("examples", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_both_judge_alike(examples: int) -> None:
    seen.clear()
    settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])(
        given(worlds())(compare)
    )()
    assert min(seen["no"], seen["yes"], seen["yes, on a class grant"]) > 10, seen


def verify(world: World) -> list[str] | None:
    """The grants that the verifier relies on, or None."""
    terms = sha256(world.programme_bytes).hexdigest()
    period = _period(world, terms)
    events: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in world.events:
        events[event.asset_id, event.programme_id].append(event_row(event))
    documents = {}
    for data in world.documents:
        row = {"class_sha256": sha256(data).hexdigest(), "text": data.decode(), "class_id": data.split(b'"')[3].decode()}
        documents[row["class_sha256"]] = open_document(row)
    classes = Classes(documents, [admission_row(one) for one in world.admissions], frozenset(documents))
    decisions = Decisions(dict(events), {one.mandate_id: mandate_row(one) for one in world.mandates}, frozenset(), classes)
    snapshot = {
        "programme_id": "p",
        "programme_sha256": terms,
        "purposes": list(PURPOSES),
        "territory": "WW",
        "quorum": {"master": 600_000, "publishing": 1_000_000},
        "day": DAY.isoformat(),
        "known_at_us": KNOWN_US,
    }
    row = {"asset_id": ASSET.asset_id, "recording_id": "r1"}
    try:
        return find_grants(period, decisions, snapshot, row, find_footings(Terms(terms, {terms: period.programme}, {}), classes, snapshot))
    except NoConsent:
        return None


def _period(world: World, terms: str) -> Period:
    claims: dict[tuple[str, str, str], list[Claim]] = defaultdict(list)
    for one in world.claims:
        row = row_of(one)
        key = (row.pop("subject_kind"), row.pop("subject_id"), row.pop("lane"))
        claims[key].append(Claim(**row))
    header = Header("ritornello-period-1", "s", "p", terms, "2026-09", "2026-09-01", "2026-09-30", KNOWN_US)
    nothing: dict[Any, Any] = {}
    return Period(header, read_programme(world.programme_bytes), nothing, Claims(dict(claims), {"r1": "w1"}), *(nothing,) * 7)
