"""Steps 1–8 of settlement.md, each against numbers worked out by hand."""

from dataclasses import replace
from typing import Any

import pytest
from periods import DAY, EURO, FEE, SHARE, balance, claim, line, make_period, settle, use_output

from ritornello_verify.apportion import apportion
from ritornello_verify.claims import Claims, SplitSet, split
from ritornello_verify.currency import read_amount, read_decimal
from ritornello_verify.heard import Ear
from ritornello_verify.incomes import Income
from ritornello_verify.period import Party
from ritornello_verify.pools import find_reason
from ritornello_verify.receipts import Part, Receipt, find_receipts
from ritornello_verify.report import Malformed


def list_shares(found: SplitSet) -> list[tuple[str, int, int, tuple[str, ...]]]:
    return [(share.payee, share.declared_e8, share.share_e8, share.claim_ids) for share in found.shares]


def test_largest_remainder_with_ties_goes_by_key() -> None:
    assert apportion(100, {"b": 1, "c": 1, "a": 1}) == {"a": 34, "b": 33, "c": 33}
    assert apportion(2, {"é": 1, "z": 1, "Z": 1}) == {"Z": 1, "z": 1, "é": 0}
    assert apportion(7, {"a": 0, "b": 3, "c": 1}) == {"a": 0, "b": 5, "c": 2}
    assert apportion(0, {"a": 1}) == {"a": 0}
    assert sum(apportion(10**40 + 1, {"a": 10**30, "b": 7, "c": 10**30 - 1}).values()) == 10**40 + 1
    for total, weights in ((1, {}), (1, {"a": 0}), (-1, {"a": 1}), (1, {"a": 2, "b": -1})):
        with pytest.raises(ValueError, match="apportion"):
            apportion(total, weights)


def test_three_times_33_33_is_completed() -> None:
    found = split([claim(party, 33_330_000) for party in "cab"], "WW")
    assert found.status == "completed"
    assert list_shares(found) == [
        ("party:a", 33_330_000, 33_333_334, ("c-a",)),
        ("party:b", 33_330_000, 33_333_333, ("c-b",)),
        ("party:c", 33_330_000, 33_333_333, ("c-c",)),
    ]


def test_a_little_too_much_is_completed_downwards() -> None:
    found = split([claim("a", 50_025_000), claim("b", 50_025_000)], "WW")
    assert (found.status, [share.share_e8 for share in found.shares]) == ("completed", [50_000_000, 50_000_000])


@pytest.mark.parametrize(
    ("total", "status"),
    [(99_949_999, "gap"), (99_950_000, "completed"), (100_000_000, "complete"), (100_050_000, "completed"), (100_050_001, "overclaim")],
)
def test_the_limits_of_completion(total: int, status: str) -> None:
    assert split([claim("a", 60_000_000), claim("b", total - 60_000_000)], "WW").status == status


def test_a_gap_holds_the_rest_in_suspense() -> None:
    found = split([claim("a", 40_000_000)], "WW")
    assert (found.status, list_shares(found)) == (
        "gap",
        [("held:suspense", 0, 60_000_000, ()), ("party:a", 40_000_000, 40_000_000, ("c-a",))],
    )


def test_an_overclaim_is_held_in_dispute_with_all_claims() -> None:
    found = split([claim("b", 60_000_000), claim("a", 70_000_000)], "WW")
    assert (found.status, list_shares(found)) == ("overclaim", [("held:dispute", 0, 100_000_000, ("c-a", "c-b"))])
    assert found.claimants == ("a", "b")


def test_no_claim_or_no_work_is_unclaimed() -> None:
    found = split([claim("a", 100_000_000, "DE")], "AT")
    assert (found.status, list_shares(found)) == ("unclaimed", [("held:suspense", 0, 100_000_000, ())])
    claims = Claims({("work", "w1", "publishing"): [claim("a", 100_000_000)]}, {"r1": "w1", "r2": None})
    assert len(claims.select("r1", "publishing", 100, DAY)) == 1
    assert claims.select("r2", "publishing", 100, DAY) == []


def test_one_partys_claims_are_added_up_and_territories_apply() -> None:
    found = split([claim("a", 30_000_000, claim_id="2"), claim("a", 20_000_000, "DE", "1"), claim("b", 50_000_000)], "DE")
    assert (found.status, list_shares(found)) == (
        "complete",
        [("party:a", 50_000_000, 50_000_000, ("1", "2")), ("party:b", 50_000_000, 50_000_000, ("c-b",))],
    )


def test_known_and_in_force() -> None:
    assert claim("a", 1, recorded_at_us=100).is_known(100)
    assert not claim("a", 1, recorded_at_us=101).is_known(100)
    assert not claim("a", 1, retracted_at_us=100).is_known(100)
    assert claim("a", 1, retracted_at_us=101).is_known(100)
    assert claim("a", 1, valid_from=DAY, valid_to=DAY).is_in_force(DAY)
    assert not claim("a", 1, valid_to="2026-10-30").is_in_force(DAY)
    assert not claim("a", 1, valid_from="2026-11-01").is_in_force(DAY)


def test_a_fixed_amount_is_one_receipt_and_jpy_has_no_minor_digits() -> None:
    assert read_amount("1200.00", "EUR") == 1_200 * EURO
    assert read_amount("10", "JPY") == 100_000
    assert read_amount("1.5", "KWD") == 15_000_000
    assert read_decimal("0.3", 6) == 300_000
    for text, currency in (("1.5", "JPY"), ("1.555", "EUR"), ("-1", "EUR"), ("1,5", "EUR"), ("1e3", "EUR"), ("", "EUR"), (".5", "EUR")):
        with pytest.raises(ValueError, match="decimal"):
            read_amount(text, currency)
    income = replace(FEE, amount_units=read_amount("10", "JPY"), currency="JPY")
    period = make_period(incomes=(income,))
    assert find_receipts(period) == [Receipt(income, "*", "WW", "JPY", 100_000, "JPY", 100_000, period.programme)]


def test_a_fixed_amount_of_nothing_is_no_receipt() -> None:
    nothing = replace(FEE, amount_units=0)
    assert find_receipts(make_period(incomes=(nothing,))) == []


def test_a_rate_rounds_down_and_drops_nothing() -> None:
    revenue = [line(11), line(3, territory="FR"), line(0, "m2", "JPY", "JP")]
    period = make_period(incomes=(SHARE,), revenue=revenue)
    assert find_receipts(period) == [Receipt(SHARE, "m1", "DE", "EUR", 3, "EUR", 3, period.programme)]
    with pytest.raises(Malformed, match="may not be negative"):
        find_receipts(make_period(incomes=(SHARE,), revenue=[line(5), line(-6)]))


def test_a_minimum_tops_up_the_receipts_of_its_currency() -> None:
    """10 + 20 units of a minimum of 40: the missing 10 go 3.33 : 6.67, so 3 and 7; the yen are left alone."""
    income = replace(SHARE, rate_ppm=1_000_000, minimum_units=40)
    revenue = [line(10), line(20, territory="AT"), line(5, currency="JPY", territory="JP")]
    found = {
        (receipt.currency, receipt.territory): receipt.units for receipt in find_receipts(make_period(incomes=(income,), revenue=revenue))
    }
    assert found == {("EUR", "DE"): 13, ("EUR", "AT"): 27, ("JPY", "JP"): 5}


def test_a_minimum_tie_goes_to_the_first_key() -> None:
    income = replace(SHARE, rate_ppm=1_000_000, minimum_units=21)
    revenue = [line(10, "m2", territory="AT"), line(10)]
    found = {receipt.model_version: receipt.units for receipt in find_receipts(make_period(incomes=(income,), revenue=revenue))}
    assert found == {"m1": 11, "m2": 10}


def test_a_minimum_without_receipts_is_one_of_its_own() -> None:
    income = replace(SHARE, minimum_units=500 * EURO)
    period = make_period(incomes=(income,))
    assert find_receipts(period) == [Receipt(income, "*", "WW", "EUR", 0, "EUR", 500 * EURO, period.programme, 500 * EURO)]
    above = find_receipts(make_period(incomes=(income,), revenue=[line(2_000 * EURO)]))
    assert [receipt.units for receipt in above] == [600 * EURO]


@pytest.mark.parametrize(
    ("income", "model_version", "territory", "reason"),
    [
        (SHARE, "*", "WW", "no_model_version"),
        (SHARE, "m2", "DE", "no_measured_error"),
        (SHARE, "m3", "DE", "no_measured_error"),
        (replace(SHARE, max_error_ppm=199_999), "m1", "DE", "error_above_limit"),
        (SHARE, "m1", "FR", "no_usage"),
        (SHARE, "m1", "AT", "no_usage"),
        (SHARE, "m1", "DE", None),
    ],
)
def test_every_reason_for_exposure(income: Income, model_version: str, territory: str, reason: str | None) -> None:
    period = use_output()
    part = Part(income, model_version, "EUR", territory, False, 100, period.programme)
    assert find_reason(period, part, Ear(period).listen(part)) == reason


def test_attribution_and_the_unattributed_part() -> None:
    """A = 3 × 600,000 + 1 × 1,000,000 = 2,800,000; U = 3 × 400,000 = 1,200,000: 100 units part 70 : 30."""
    income = replace(SHARE, rate_ppm=1_000_000)
    claims = Claims(
        {("recording", name, "master"): [claim(party, 100_000_000)] for name, party in (("r1", "a"), ("r2", "b"))}, {"r1": None}
    )
    period = use_output(incomes=(income,), revenue=[line(100)], claims=claims, exposure={"m1": {"r1": 1, "r2": 2}, "m2": {"r1": 9}})
    pools, allocations, _ = settle(period)
    assert [(pool.basis, pool.reason, pool.units) for pool in pools] == [
        ("attribution", "rule", 70),
        ("unattributed-exposure", "unattributed", 30),
    ]
    assert allocations[0].denominator == 2_800_000 * 100_000_000
    assert [(line.payee, line.weight, line.units) for line in allocations[0].lines] == [
        ("party:a", 1_800_000, 45),
        ("party:b", 1_000_000, 25),
    ]
    assert [(line.payee, line.weight, line.units) for line in allocations[1].lines] == [("party:a", 1, 10), ("party:b", 2, 20)]


def test_the_reserve_is_one_line() -> None:
    income = replace(SHARE, rate_ppm=1_000_000, unattributed="reserve")
    pools, allocations, _ = settle(use_output(incomes=(income,), revenue=[line(100)]))
    assert pools[1].name == "share/m1/EUR/DE/master/unattributed-reserve"
    (kept,) = allocations[1].lines
    assert (kept.payee, kept.recording_id, kept.weight, kept.share_e8, kept.units) == ("held:reserve", "", 1, 100_000_000, 30)
    assert (allocations[1].denominator, allocations[1].recordings) == (100_000_000, 0)
    balances = balance(use_output(incomes=(income,), revenue=[line(100)]))
    assert balances["held:reserve", "EUR"].find_closing() == 30


def test_any_model_weighs_all_exposure_and_none_at_all_is_refused() -> None:
    income = replace(FEE, amount_units=10)
    period = make_period(incomes=(income,), exposure={"m1": {"r1": 1, "r2": 0}, "m2": {"r1": 2, "r2": 7}})
    _, (allocation,), _ = settle(period)
    assert [(line.payee, line.recording_id, line.weight, line.units) for line in allocation.lines] == [
        ("held:suspense", "r2", 7, 7),
        ("party:a", "r1", 3, 3),
    ]
    with pytest.raises(Malformed, match="no recording with a weight"):
        settle(make_period(incomes=(income,), exposure={"m1": {"r1": 0}}))


def test_lines_of_no_units_stay() -> None:
    """Claims of 100,000,001 in all are completed: the unit left over goes to b, whose remainder is the largest."""
    claims = Claims({("recording", "r1", "master"): [claim("a", 100_000_000), claim("b", 1)]}, {"r1": None})
    income = replace(FEE, amount_units=1)
    _, (allocation,), earnings = settle(make_period(incomes=(income,), claims=claims, exposure={"m1": {"r1": 1, "r2": 3}}))
    assert [(line.payee, line.share_e8, line.units) for line in allocation.lines] == [
        ("held:suspense", 100_000_000, 1),
        ("party:a", 99_999_999, 0),
        ("party:b", 1, 0),
    ]
    assert earnings.units["party:b", "EUR"] == 0
    assert earnings.lines["party:b", "EUR"] == 1


def test_lanes_are_apportioned_and_empty_parts_dropped() -> None:
    income = replace(FEE, amount_units=3, lanes={"master": 500_000, "performer": 500_000, "voice": 0})
    pools, _, _ = settle(make_period(incomes=(income,)))
    assert [(pool.lane, pool.units) for pool in pools] == [("master", 2), ("performer", 1)]


def pay(earned: int, currency: str = "EUR", **changes: Any) -> dict[str, int]:
    balances = balance(make_period(incomes=(replace(FEE, amount_units=earned, currency=currency),), **changes))
    return {account: found.paid for (account, _), found in balances.items() if found.paid}


def test_payouts_need_the_threshold_and_are_whole_minor_units() -> None:
    assert pay(10 * EURO - 1) == {}
    assert pay(10 * EURO) == {"party:a": 10 * EURO}
    assert pay(10 * EURO + 19_999) == {"party:a": 10 * EURO + 10_000}


def test_unnamed_currencies_pay_from_one_minor_unit() -> None:
    assert pay(9_999, "JPY") == {}
    assert pay(10_000, "JPY") == {"party:a": 10_000}
    assert pay(10_000, thresholds={"EUR": 0}) == {"party:a": 10_000}


def test_not_payable_carries_forward() -> None:
    assert pay(50 * EURO, parties={"a": Party("a", False)}) == {}
    assert pay(50 * EURO, parties={}) == {}


def test_opening_balances_count_for_payout_and_carry() -> None:
    opening = {("party:a", "EUR"): 9 * EURO, ("party:b", "EUR"): -5, ("held:dispute", "JPY"): 3}
    balances = balance(make_period(incomes=(replace(FEE, amount_units=EURO + 7),), opening=opening))
    assert {account: (found.opening, found.earned, found.paid, found.find_closing()) for account, found in balances.items()} == {
        ("held:dispute", "JPY"): (3, 0, 0, 3),
        ("party:a", "EUR"): (9 * EURO, EURO + 7, 10 * EURO, 7),
        ("party:b", "EUR"): (-5, 0, 0, -5),
    }
