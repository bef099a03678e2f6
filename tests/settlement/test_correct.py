"""Corrections: what changed is posted as differences, and nobody else is touched, over many rounds of random change."""

import random
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from ritornello.domain.period import Dispute, Period, Reported, StandingLine, StandingPool
from ritornello.settlement.settle import Settlement, settle
from tests.settlement.periods import FEE, claim, exposure, period, programme, random_period, revenue, share_income


def standing(given: Period, result: Settlement, number: int, **changes: Any) -> Period:
    """The period again, to be corrected from what `result` left."""
    numbers = {"reported_units", "added_units", "units", "fee_units", "upstream_units"}
    owed = {(row["account"], row["currency"]): int(row["closing_units"]) for row in result.tables["balances"]}
    return replace(
        given,
        corrects="s",
        settlement_id=f"s-c{number}",
        opening={**given.opening, **owed},
        previous_receipts=[
            Reported(**{name: int(value) if name in numbers else value for name, value in row.items()}) for row in result.tables["receipts"]
        ],
        previous_pools=[
            StandingPool(
                row["pool"], row["income"], row["currency"], int(row["amount_units"]), int(row["denominator"]), row["terms_version"]
            )
            for row in result.tables["pools"]
        ],
        previous_lines=[
            StandingLine(row["pool"], row["payee"], row["recording_id"], int(row["numerator"]), int(row["amount_units"]))
            for row in result.tables["allocations"]
        ],
        **changes,
    )


def payees(result: Settlement) -> dict[tuple[str, str], tuple[int, int]]:
    """(pool, payee) → numerator, units."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in result.tables["allocations"]:
        found[row["pool"], row["payee"]][0] += int(row["numerator"])
        found[row["pool"], row["payee"]][1] += int(row["amount_units"])
    return {key: (numerator, units) for key, (numerator, units) in found.items()}


def test_nothing_changed_is_nothing_posted() -> None:
    source = random.Random(7)
    for _ in range(30):
        given = random_period(source)
        first = settle(given)
        again = settle(standing(given, first, 1))
        assert not again.tables["deltas"] and not again.tables["postings"] and not again.tables["balances"]
        assert [row["amount_units"] for row in again.tables["allocations"]] == [row["amount_units"] for row in first.tables["allocations"]]


def test_random_changes_touch_nobody_without_a_change() -> None:
    source, untouched = random.Random(20261124), 0
    for _ in range(150):
        given = random_period(source)
        result = settle(given)
        for number in range(1, 4):
            given = standing(_change_a_claim(source, given), result, number)
            corrected = settle(given)
            before, after = payees(result), payees(corrected)
            pools = {row["pool"]: (row["amount_units"], row["denominator"]) for row in result.tables["pools"]}
            same = {row["pool"] for row in corrected.tables["pools"] if pools.get(row["pool"]) == (row["amount_units"], row["denominator"])}
            for (pool, payee), (numerator, units) in after.items():
                if pool in same and (pool, payee) in before and before[pool, payee][0] == numerator:
                    assert units == before[pool, payee][1], "a payee without a change"
                    untouched += 1
            _apply(result, corrected)
            result = corrected
    assert untouched > 1000


def test_a_late_report_raises_everybody_by_its_share() -> None:
    terms = programme(share_income(1_000_000))
    given = period(
        terms,
        claims=[claim("r", "a", 25_000_000), claim("r", "b", 75_000_000)],
        exposures=[exposure("r", 1)],
        revenue=[revenue(1_000_000)],
        error_ppm={},
    )
    late = standing(given, settle(given), 1, revenue=[revenue(1_000_000), revenue(400, line="l2")])
    result = settle(late)
    assert {row["payee"]: row["delta_units"] for row in result.tables["deltas"]} == {"party:a": "100", "party:b": "300"}
    assert [(row["account"], row["amount_units"]) for row in result.tables["postings"] if "/receive/" in row["transfer_id"]] == [
        ("pool:share/m/EUR/DE/master/exposure", "-400"),
        ("received:share", "400"),
    ]
    assert all(row["paid_units"] == "0" for row in result.tables["balances"])


def test_a_withdrawn_report_takes_back_what_it_brought() -> None:
    given = period(
        programme(share_income(1_000_000)),
        claims=[claim("r", "a", 100_000_000)],
        exposures=[exposure("r", 1)],
        revenue=[revenue(5_000_000)],
    )
    first = settle(given)
    assert first.tables["balances"][0]["paid_units"] == "5000000"
    gone = settle(standing(given, first, 1, revenue=[]))
    assert gone.tables["balances"][0]["closing_units"] == "-5000000", "overpaid: made up by what the party earns next"
    assert [row["received_units"] for row in gone.totals] == ["-5000000"]
    later = settle(replace(given, opening={("party:a", "EUR"): -5_000_000}, revenue=[revenue(7_000_000)]))
    assert later.tables["balances"][0]["paid_units"] == "2000000"


def test_a_dispute_holds_only_the_contested_part_and_its_resolution_nets_to_zero() -> None:
    contested, other = claim("r", "a", 40_000_000), claim("r", "b", 60_000_000)
    given = period(programme(FEE), claims=[contested, other], exposures=[exposure("r", 1)])
    first = settle(given)
    dispute = Dispute("d1", contested.claim_id, 5, None)
    opened = settle(standing(given, first, 1, disputes=[dispute]))
    assert {row["payee"]: row["delta_units"] for row in opened.tables["deltas"]} == {"held:dispute": "40000000", "party:a": "-40000000"}
    resolved = settle(standing(replace(given, corrects="s", disputes=[dispute]), opened, 2, disputes=[replace(dispute, resolved_at_us=9)]))
    assert {row["payee"]: row["delta_units"] for row in resolved.tables["deltas"]} == {"held:dispute": "-40000000", "party:a": "40000000"}
    assert payees(resolved) == payees(first)


def test_money_in_suspense_is_released_to_the_claim_that_comes_late() -> None:
    given = period(programme(FEE), claims=[claim("r", "a", 40_000_000)], exposures=[exposure("r", 1)], parties={}, payable=frozenset())
    named = period(programme(FEE), claims=[claim("r", "a", 40_000_000), claim("r", "b", 60_000_000)], exposures=[exposure("r", 1)])
    result = settle(standing(named, settle(replace(named, claims=given.claims)), 1))
    assert {row["payee"]: row["delta_units"] for row in result.tables["deltas"]} == {"held:suspense": "-60000000", "party:b": "60000000"}


def test_a_line_that_does_not_add_up_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    given = period(programme(FEE), claims=[claim("r", "a", 100_000_000)], exposures=[exposure("r", 1)])
    first = settle(given)
    wrong = standing(given, first, 1)
    wrong = replace(wrong, previous_lines=[replace(line, units=line.units - 1) for line in wrong.previous_lines])
    with pytest.raises(AssertionError, match="breaks"):
        settle(wrong)


def _change_a_claim(source: random.Random, given: Period) -> Period:
    """One claim gets another share, moves to another party, or goes."""
    if not given.claims:
        return given
    claims = list(given.claims)
    place = source.randrange(len(claims))
    kind = source.choice(["share", "party", "gone"])
    if kind == "gone":
        del claims[place]
    elif kind == "share":
        claims[place] = replace(claims[place], share_e8=source.randint(1, 100_000_000))
    else:
        claims[place] = replace(claims[place], party_id=source.choice(sorted(given.parties)))
    return replace(given, claims=claims)


def _apply(result: Settlement, corrected: Settlement) -> None:
    """What stood, with the deltas, is what stands."""
    lines = {(row["pool"], row["payee"], row["recording_id"]): int(row["amount_units"]) for row in result.tables["allocations"]}
    for row in corrected.tables["deltas"]:
        key = (row["pool"], row["payee"], row["recording_id"])
        assert lines.pop(key, 0) == int(row["before_units"])
        assert int(row["after_units"]) - int(row["before_units"]) == int(row["delta_units"])
        if row["after_numerator"] != "0":
            lines[key] = int(row["after_units"])
    assert lines == {(row["pool"], row["payee"], row["recording_id"]): int(row["amount_units"]) for row in corrected.tables["allocations"]}
