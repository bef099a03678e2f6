"""Settlement against an oracle in plain integers, the published payout rules, and hand-computed cases."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from ritornello.domain.errors import BadInput
from ritornello.domain.period import Rate, Usage
from ritornello.settlement.settle import Settlement, settle
from tests.settlement.periods import (
    FEE,
    attributed,
    claim,
    exposure,
    oracle,
    period,
    programme,
    random_period,
    revenue,
    share_income,
)

POOLS_WANTED = 10_000


def lines_of(result: Settlement) -> dict[str, dict[tuple[str, str], int]]:
    found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for row in result.tables["allocations"]:
        found[row["pool"]][row["payee"], row["recording_id"]] = int(row["amount_units"])
    return dict(found)


def earned(result: Settlement) -> dict[str, str]:
    return {row["account"].removeprefix("party:"): row["earned_units"] for row in result.tables["balances"]}


def test_ten_thousand_random_pools_agree_with_the_oracle_line_by_line() -> None:
    source, seen, periods = random.Random(20261001), 0, 0
    while seen < POOLS_WANTED:
        given = _merge_many(source) if periods % 4 else random_period(source)
        result, exact = settle(given), oracle(given)
        found = lines_of(result)
        units = {row["pool"]: int(row["amount_units"]) for row in result.tables["pools"]}
        assert set(found) == set(exact) == set(units)
        for pool, lines in found.items():
            assert set(lines) == set(exact[pool])
            assert sum(lines.values()) == units[pool] == sum(exact[pool].values())
            by_payee: dict[str, Fraction] = defaultdict(Fraction)
            for (payee, recording), amount in lines.items():
                assert amount >= 0
                assert abs(amount - exact[pool][payee, recording]) < 2, "one unit by payee, one by line"
                by_payee[payee] += amount - exact[pool][payee, recording]
            assert all(abs(difference) < 1 for difference in by_payee.values())
        seen, periods = seen + len(found), periods + 1


def _merge_many(source: random.Random) -> Any:
    """A wide period: the same recordings, sold in very many territories."""
    given = random_period(source)
    territories = [a + b for a in "ABCDEFGHIJKL" for b in "MNOPQRST"]
    models = sorted({row.model_version for row in given.exposures})
    lines = [revenue(source.randint(1, 10**12), model=source.choice(models), territory=t, line=f"x{t}") for t in territories]
    usage = [
        Usage(f"x{t}", source.choice(sorted(given.outputs)), t, source.randint(1, 1000))
        for t in territories
        if given.outputs and source.random() < 0.7
    ]
    return replace(given, revenue=[*given.revenue, *lines], usage=[*given.usage, *usage])


def test_the_order_of_rows_changes_nothing() -> None:
    source = random.Random(7)
    for _ in range(10):
        given = random_period(source)
        rows = {name: list(getattr(given, name)) for name in ("claims", "exposures", "usage", "attribution", "revenue")}
        for values in rows.values():
            source.shuffle(values)
        assert settle(replace(given, **rows)) == settle(given)


def test_a_period_without_money_settles_to_nothing() -> None:
    result = settle(period(programme(share_income()), claims=[claim("r", "a", 100_000_000)], exposures=[exposure("r", 1)]))
    assert not any(result.tables.values())
    assert result.totals == []


def test_gaps_wait_in_suspense_and_overclaims_go_to_dispute_whole() -> None:
    given = period(
        programme(FEE),
        claims=[
            claim("gap", "a", 80_000_000),
            claim("over", "a", 60_000_000),
            claim("over", "b", 50_000_000),
            claim("thirds", "a", 33_330_000),
            claim("thirds", "b", 33_330_000),
            claim("thirds", "c", 33_330_000),
        ],
        exposures=[exposure("gap", 10), exposure("over", 10), exposure("thirds", 10), exposure("nobody", 10)],
    )
    result = settle(given)
    quarter = 25_000_000
    assert earned(result) == {
        "a": str(quarter * 80 // 100 + 8_333_334),
        "b": "8333333",
        "c": "8333333",
        "held:dispute": str(quarter),
        "held:suspense": str(quarter * 20 // 100 + quarter),
    }
    status = {(row["recording_id"], row["payee"]): (row["status"], row["share_e8"]) for row in result.tables["splits"]}
    assert status["thirds", "party:a"] == ("completed", 33_333_334)
    assert status["over", "held:dispute"] == ("overclaim", 100_000_000)
    (total,) = result.totals
    assert int(total["paid_units"]) + int(total["held_units"]) + int(total["carried_units"]) == 100_000_000


def test_claims_count_as_known_and_in_force() -> None:
    base = claim("r", "a", 100_000_000)
    cases = {
        "a": base,
        "late": replace(base, party_id="late", claim_id="c1", recorded_at_us=10**15 + 1),
        "retracted": replace(base, party_id="retracted", claim_id="c2", retracted_at_us=5),
        "ended": replace(base, party_id="ended", claim_id="c3", valid_to=date(2026, 10, 30)),
        "future": replace(base, party_id="future", claim_id="c4", valid_from=date(2026, 11, 1)),
        "elsewhere": replace(base, party_id="elsewhere", claim_id="c5", territory="FR"),
    }
    assert earned(settle(period(programme(FEE), claims=list(cases.values()), exposures=[exposure("r", 1)]))) == {"a": "100000000"}


def test_a_recording_heard_often_earns_and_the_unexplained_part_is_reserved() -> None:
    given = period(
        programme(share_income(1_000_000, unattributed="reserve")),
        claims=[claim("r1", "a", 100_000_000), claim("r2", "b", 100_000_000)],
        exposures=[exposure("r1", 1), exposure("r2", 1)],
        outputs={"o1": "m", "o2": "m"},
        usage=[Usage("u1", "o1", "DE", 3), Usage("u2", "o2", "DE", 1)],
        attribution=[*attributed("o1", r1=500_000, r2=250_000), *attributed("o2", r2=1_000_000)],
        error_ppm={"m": 0},
        revenue=[revenue(4_000_000)],
    )
    assert earned(settle(given)) == {"a": "1500000", "b": "1750000", "held:reserve": "750000"}


def test_refunds_beyond_revenue_are_refused() -> None:
    with pytest.raises(BadInput, match="totals less than zero"):
        settle(
            period(
                programme(share_income()),
                claims=[claim("r", "a", 100_000_000)],
                exposures=[exposure("r", 1)],
                revenue=[revenue(5), revenue(-6, line="l2")],
            )
        )


def test_balances_carry_until_the_threshold_and_pay_whole_minor_units() -> None:
    terms = programme(replace(FEE, amount_units=30_001), thresholds={})
    given = period(
        terms,
        claims=[claim("r", "a", 50_000_000), claim("r", "b", 50_000_000)],
        exposures=[exposure("r", 1)],
        opening={("party:a", "EUR"): 5_000},
    )
    rows = {row["account"]: row for row in settle(replace(given, payable=frozenset({"a"}))).tables["balances"]}
    assert (rows["party:a"]["earned_units"], rows["party:a"]["paid_units"], rows["party:a"]["closing_units"]) == ("15001", "20000", "1")
    assert (rows["party:b"]["paid_units"], rows["party:b"]["closing_units"]) == ("0", "15000")


def test_users_money_in_several_currencies_is_never_added_up() -> None:
    """ann's 100 and bo's 200 in dollars at one half: half each, however their numbers compare."""
    income = replace(share_income(1_000_000), divide_by="user_centric", unattributed="attribution")
    given = period(
        programme(income, convert_to="EUR"),
        claims=[claim("r1", "a", 100_000_000), claim("r2", "b", 100_000_000)],
        exposures=[exposure("r1", 1), exposure("r2", 1)],
        outputs={"o1": "m", "o2": "m"},
        usage=[Usage("u1", "o1", "DE", 1, "ann"), Usage("u2", "o2", "DE", 9, "bo")],
        attribution=[*attributed("o1", r1=1_000_000), *attributed("o2", r2=1_000_000)],
        error_ppm={"m": 0},
        revenue=[replace(revenue(100), user_id="ann"), replace(revenue(200, currency="USD", line="l2"), user_id="bo")],
        rates={("USD", "EUR"): Rate("USD", "EUR", 500_000_000_000)},
    )
    assert earned(settle(given)) == {"a": "100", "b": "100"}
