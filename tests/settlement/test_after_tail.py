"""Use after the tail of a withdrawal, against cases by hand (docs/formats/settlement.md, step 9)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ritornello.domain.period import Decision, Exposure, Member, Run, Usage
from ritornello.settlement.settle import settle
from tests.settlement.periods import FEE, attributed, claim, period, programme, revenue, share_income

GRANT = Decision("e1", "grant", "a", "x1", "ai_training", "p", date(2025, 1, 1), 1)


def decide(**changes: Any) -> Decision:
    return replace(GRANT, event_id="e2", decision="withdraw", effective_from=date(2025, 9, 30), recorded_at_us=2, **changes)


def after(*decisions: Decision, **changes: Any) -> tuple[list[tuple[str, str, str, str, str]], dict[str, str]]:
    """The table's rows, and what each party earned after a tail, of model m trained on r1 (asset x1, a's) and r2 (b's)."""
    terms = programme(FEE, share_income(1_000_000), classes={"research": "0" * 64})
    values: dict[str, Any] = {
        "claims": [claim("r1", "a", 60_000_000), claim("r1", "c", 40_000_000), claim("r2", "b", 100_000_000)],
        "exposures": [Exposure("m", "x1", "r1", 5), Exposure("m", "x2", "r2", 5)],
        "runs": {"m": Run("m", (), ("s1",))},
        "members": [Member("s1", "x1", "r1", 9, ("e1",)), Member("s1", "x2", "r2", 9, ())],
        "outputs": {"o": "m"},
        "usage": [Usage("u", "o", "DE", 1)],
        "attribution": attributed("o", r1=500_000, r2=500_000),
        "error_ppm": {"m": 0},
        "revenue": [revenue(1_000)],
        "decisions": (GRANT, *decisions),
    }
    result = settle(period(terms, **{**values, **changes}))
    owed = {row["party_id"]: row["after_tail_units"] for row in result.tables["statements"] if row["after_tail_units"] != "0"}
    return [tuple(row.values()) for row in result.tables["after_tail"]], owed  # type: ignore[misc]


def test_the_money_is_divided_as_ever_and_named() -> None:
    """365 days from 30 September 2025 end on 30 September 2026; the period begins the day after. Half of 1,000 goes through r1."""
    assert after(decide()) == ([("m", "r1", "a", "2025-09-30", "2026-09-30")], {"a": "300", "c": "200"})


@pytest.mark.parametrize(
    "decisions",
    [
        (),
        (decide(purpose="data_mining"),),
        (decide(asset_id="x2"),),
        (decide(party_id="b"),),
        (decide(programme_id="q"),),
        (replace(decide(), effective_from=date(2025, 10, 1)),),
        (replace(decide(), recorded_at_us=10**15 + 1),),
        (decide(), replace(GRANT, event_id="e3", recorded_at_us=3)),
        (decide(programme_id="class:research"),),
        (decide(programme_id="class:other"),),
    ],
)
def test_what_names_nothing(decisions: tuple[Decision, ...]) -> None:
    """Other purposes, assets, parties and programmes; a day too late; not known; granted anew; an answer about the programme decides alone."""
    assert after(*decisions) == ([], {})


def test_a_withdrawal_from_the_class_that_was_relied_on() -> None:
    granted = replace(GRANT, programme_id="class:research")
    rows, _ = after(decisions=(granted, decide(programme_id="class:research")))
    assert rows == [("m", "r1", "a", "2025-09-30", "2026-09-30")]


def test_only_models_that_earn_or_are_used() -> None:
    assert after(decide(), revenue=[])[0], "used"
    assert after(decide(), usage=[])[0], "earns"
    assert after(decide(), usage=[], revenue=[]) == ([], {})
    assert after(decide(), exposures=[Exposure("m", "x1", "r1", 0), Exposure("m", "x2", "r2", 5)], attribution=[])[0] == []
