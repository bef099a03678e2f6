"""What happens to earned money, and what a correction keeps, against numbers worked out by hand (settlement.md, steps 6–8 and Corrections)."""

from dataclasses import replace
from typing import Any

import pytest
from periods import EURO, FEE, MASTER, balance, claim, line, make_period, settle

from ritornello_verify.balances import Balance, find_balances, list_reserves
from ritornello_verify.claims import Claims
from ritornello_verify.correction import Delta, Place, find_deltas, keep_payees, keeps_lines
from ritornello_verify.earnings import Earnings
from ritornello_verify.following import check_release
from ritornello_verify.incomes import Income
from ritornello_verify.invariants import check_balances, check_deltas, check_pool
from ritornello_verify.ledger import Ledger
from ritornello_verify.period import Advance, Period, Tax
from ritornello_verify.programme import Fee, Release, Withholding
from ritornello_verify.receipts import find_receipts, restore_receipts
from ritornello_verify.report import Malformed, Step
from ritornello_verify.standing import Standing, StandingLine, StandingPool

A = ("party:a", "EUR")


def earn(units: int, **changes: Any) -> Period:
    return make_period(incomes=(replace(FEE, amount_units=units),), **changes)


def reserve(units: int, release_on: str, party: str = "a", settlement: str = "earlier") -> dict[str, Any]:
    return {"party_id": party, "currency": "EUR", "settlement_id": settlement, "units": str(units), "release_on": release_on}


def advance(name: str, group: str, units: int, *recordings: str, rate: int = 1_000_000, day: str = "2026-01-01") -> Advance:
    return Advance(name, "a", group, "EUR", frozenset(recordings) or None, rate, day, units)


def test_a_part_is_withheld_and_released_on_its_day() -> None:
    reserves = [reserve(5, "2026-10-31"), reserve(7, "2026-11-01"), reserve(2, "2026-01-01", "b")]
    period = earn(EURO + 1, withholding=Withholding(333_333, 60), reserves=reserves)
    balances = balance(period)
    assert balances[A] == Balance(0, EURO + 1, 333_333, 5, {}, 0, 0, 0)
    assert balances["party:b", "EUR"] == Balance(0, 0, 0, 2, {}, 0, 0, 0), "who gets a reserve back has a balance"
    found = sorted((row["party_id"], row["settlement_id"], row["units"], row["release_on"]) for row in list_reserves(period, balances))
    assert found == [("a", "earlier", "7", "2026-11-01"), ("a", "s", "333333", "2026-12-30")]


def test_held_money_is_not_withheld() -> None:
    period = earn(100, claims=Claims({}, {"r1": None}), withholding=Withholding(500_000, 60))
    assert balance(period)["held:suspense", "EUR"] == Balance(0, 100)


EARNED = {"r1": 600, "r2": 300, "r3": -100}


@pytest.mark.parametrize(
    ("advances", "recouped"),
    [
        ([advance("x", "g", 100)], {"x": 100}),
        ([advance("x", "g", 1_000, "r1")], {"x": 600}),
        ([advance("x", "g", 1_000, "r1", rate=333_333)], {"x": 199}),
        ([advance("x", "g", 1_000, "r3")], {}),
        ([advance("x", "g", 1_000, "r9")], {}),
        ([advance("x", "g", 0, "r1"), advance("y", "g", 900, "r2")], {"y": 800}),
        ([advance("x", "g", 250, "r1"), advance("y", "g", 900, "r2")], {"x": 250, "y": 550}),
        ([advance("x", "g", 400, "r1"), advance("y", "h", 900, "r2"), advance("z", "g", 900, "r1")], {"x": 400, "z": 200, "y": 200}),
    ],
)
def test_advances_are_recouped_group_by_group(advances: list[Advance], recouped: dict[str, int]) -> None:
    """Of 800 earned: 600 through r1, 300 through r2, −100 through r3."""
    period = make_period(advances=advances)
    earnings = Earnings(period)
    for recording_id, units in EARNED.items():
        earnings.add(A, "exposure", 1, recording_id, units)
    assert find_balances(period, earnings)[A].advances == recouped


def test_another_partys_and_another_currencys_advances_are_left_alone() -> None:
    advances = [replace(advance("x", "g", 5), party_id="b"), replace(advance("y", "h", 5), currency="JPY")]
    assert balance(earn(100, advances=advances))[A].advances == {}


def pay(due: int, **changes: Any) -> tuple[int, int, int]:
    found = balance(earn(due, **changes))[A]
    return found.tax, found.fee, found.paid


def test_a_payout_pays_tax_and_its_fee() -> None:
    """15.825 % of 12.34 EUR are 1.952805 EUR, so 1.95; what is left less 0.353535 is 10.036465, so 10.03 is sent."""
    due = 12_340_000 + 9_999
    tax = {"a": Tax(158_250, "DE")}
    assert pay(due, taxes=tax) == (1_950_000, 0, 10_390_000)
    assert pay(due, taxes=tax, payout_fees={"EUR": 353_535}) == (1_950_000, 353_535, 10_030_000)
    assert balance(earn(due, taxes=tax, payout_fees={"EUR": 353_535}))[A].find_closing() == 9_999 + 6_465
    assert pay(due, taxes=tax, payout_fees={"JPY": 5}) == (1_950_000, 0, 10_390_000)


def test_where_nothing_would_be_sent_nothing_is_taken() -> None:
    assert pay(20 * EURO, taxes={"a": Tax(1_000_000, "DE")}) == (0, 0, 0)
    assert pay(20 * EURO, payout_fees={"EUR": 20 * EURO - 9_999}) == (0, 0, 0)
    assert pay(20 * EURO, payout_fees={"EUR": 20 * EURO - 10_000}) == (0, 20 * EURO - 10_000, 10_000)


def test_what_is_withheld_and_recouped_counts_for_the_threshold() -> None:
    """The threshold is 10 EUR, of 11 earned."""
    assert pay(11 * EURO, withholding=Withholding(100_000, 1)) == (0, 0, 0)
    assert pay(11 * EURO, advances=[advance("x", "g", EURO + 1)]) == (0, 0, 0)
    assert pay(11 * EURO, advances=[advance("x", "g", EURO)]) == (0, 0, 10 * EURO)
    assert pay(9 * EURO, reserves=[reserve(EURO, "2026-10-01")]) == (0, 0, 10 * EURO)


def list_postings(ledger: Ledger) -> list[tuple[str, str, str, int]]:
    return [(one.transfer_id.removeprefix("s/"), one.account, one.currency, one.units) for one in ledger.list_postings()]


def test_a_converted_and_topped_up_receipt_is_posted_through_the_exchange() -> None:
    income = Income("share", "exposure", MASTER, "EUR", rate_ppm=1_000_000, minimum_units=100)
    period = make_period(
        incomes=(income,), revenue=[line(80, currency="USD")], conversion="EUR", rates={"USD": 10**12}, fees=(Fee("levy", 100_000, None),)
    )
    ledger = Ledger(period)
    (receipt,) = find_receipts(period)
    ledger.post_receipt(receipt)
    ledger.post_pool("POOL", "share", "EUR", 90)
    assert list_postings(ledger) == [
        ("allocate/POOL", "pool:POOL", "EUR", 90),
        ("receive/share", "exchange:USD", "EUR", 80),
        ("receive/share", "exchange:USD", "USD", -80),
        ("receive/share", "fee:levy", "EUR", -10),
        ("receive/share", "pool:POOL", "EUR", -90),
        ("receive/share", "received:share", "EUR", 20),
        ("receive/share", "received:share", "USD", 80),
    ]


def test_a_receipt_that_stood_is_posted_back() -> None:
    before = {"model_version": "*", "territory": "WW", "reported_currency": "EUR", "currency": "EUR"}
    row = {**before, "income": "fee", "reported_units": "70", "added_units": "0", "units": "70", "fee_units": "7", "upstream_units": "0"}
    changes = {"fees": (Fee("levy", 100_000, None),), "standing": Standing([row], {})}
    period = earn(100, **changes)
    ledger = Ledger(period)
    for sign, receipts in ((1, find_receipts(period)), (-1, restore_receipts(period))):
        for receipt in receipts:
            ledger.post_receipt(receipt, sign)
    assert list_postings(ledger) == [("receive/fee", "fee:levy", "EUR", -3), ("receive/fee", "received:fee", "EUR", 30)]
    with pytest.raises(Malformed, match=r"fee_units of income .* is 8, which does not follow"):
        restore_receipts(earn(100, **{**changes, "standing": Standing([{**row, "fee_units": "8"}], {})}))
    with pytest.raises(Malformed, match="is not in its terms"):
        restore_receipts(earn(100, **{**changes, "standing": Standing([{**row, "income": "gone"}], {})}))


def stand(units: int, **payees: int) -> StandingPool:
    """One recording, the same numerator for each payee."""
    lines = {payee: {"r1": StandingLine(1, own)} for payee, own in payees.items()}
    return StandingPool("fee", "EUR", units, len(payees), 1, lines)


def test_who_did_not_change_keeps_the_odd_unit() -> None:
    """100 over three: a had the odd unit. Anew it would go to B, the first by name."""
    standing = stand(100, a=34, b=33, c=33)
    assert keep_payees(100, 3, {"B": 1, "a": 1, "b": 1}, standing) == {"B": 33, "a": 34, "b": 33}
    assert keep_payees(100, 3, {"B": 2, "a": 1}, standing) == {"B": 66, "a": 34}
    assert keep_payees(100, 3, {"a": 1, "b": 1, "c": 1}, standing) == {"a": 34, "b": 33, "c": 33}
    for units, denominator in ((101, 3), (100, 4)):
        assert keep_payees(units, denominator, {"a": 1, "b": 1, "c": 1}, standing) is None, "another pool is divided anew"


def test_amounts_that_drifted_too_far_are_apportioned_anew() -> None:
    """Four payees, before and now: an amount may be less than 5 from 33⅓."""
    assert keep_payees(100, 3, {"B": 1, "a": 1, "b": 1}, stand(100, a=38, b=33, c=29)) == {"B": 29, "a": 38, "b": 33}
    assert keep_payees(100, 3, {"B": 1, "a": 1, "b": 1}, stand(100, a=39, b=33, c=28)) is None
    exact = StandingPool("fee", "EUR", 100, 4, 1, {"a": {"r1": StandingLine(2, 54)}, "b": {"r1": StandingLine(2, 46)}})
    assert keep_payees(100, 4, {"a": 2, "c": 2}, exact) is None, "exactly 4 from 50, with three payees, is as much as 1 + 3"


def test_lines_stay_where_amount_and_numerators_do() -> None:
    lines = {"a": {"r1": StandingLine(1, 3), "r2": StandingLine(1, 7)}}
    standing = StandingPool("fee", "EUR", 10, 2, 1, lines)
    assert keeps_lines("a", 10, {"r1": 1, "r2": 1}, standing)
    assert not keeps_lines("a", 11, {"r1": 1, "r2": 1}, standing)
    assert not keeps_lines("a", 10, {"r1": 2}, standing)
    assert not keeps_lines("b", 10, {"r1": 1, "r2": 1}, standing)


def test_deltas_are_lines_that_differ_or_stand_on_one_side() -> None:
    standing = StandingPool(
        "fee", "EUR", 10, 4, 1, {"a": {"r1": StandingLine(1, 3), "r2": StandingLine(2, 7)}, "b": {"r1": StandingLine(1, 0)}}
    )
    now = {("a", "r1"): StandingLine(1, 3), ("a", "r2"): StandingLine(3, 7), ("c", "r1"): StandingLine(1, 0)}
    deltas = {(one.payee, one.recording_id): (one.before, one.after) for one in find_deltas(Place("p", "EUR", 1), now, standing)}
    nothing = StandingLine(0, 0)
    assert deltas == {
        ("a", "r2"): (StandingLine(2, 7), StandingLine(3, 7)),
        ("b", "r1"): (StandingLine(1, 0), nothing),
        ("c", "r1"): (nothing, StandingLine(1, 0)),
    }


def test_a_corrected_pool_keeps_its_payees() -> None:
    """Claims of a third each; a's is gone, c's is new: z keeps what it has, and b and c share the rest, by what they are now."""
    claims = [claim("a", 33_330_000), claim("b", 33_330_000), claim("z", 33_330_000)]
    first = earn(100, claims=Claims({("recording", "r1", "master"): claims}, {"r1": None}))
    _, (before,), _ = settle(first)
    lines: dict[str, dict[str, StandingLine]] = {}
    for one in before.lines:
        lines.setdefault(one.payee, {})[one.recording_id] = StandingLine(one.find_numerator(), one.units)
    standing = StandingPool("fee", "EUR", 100, before.denominator, 1, lines)
    later = [claim("z", 33_330_000), claim("b", 33_330_000), claim("c", 33_330_000)]
    again = earn(
        100,
        claims=Claims({("recording", "r1", "master"): later}, {"r1": None}),
        standing=Standing([], {before.pool.name: standing}),
    )
    _, (after,), _ = settle(again)
    assert [(one.payee, one.units) for one in before.lines] == [("party:a", 34), ("party:b", 33), ("party:z", 33)]
    assert [(one.payee, one.share_e8, one.units) for one in after.lines] == [
        ("party:b", 33_333_334, 34),
        ("party:c", 33_333_333, 33),
        ("party:z", 33_333_333, 33),
    ]
    step = Step("money")
    check_pool(after, standing, step)
    assert not step.problems


def test_a_correction_moves_balances_and_pays_nothing() -> None:
    """b's line changes its numerator but no unit, so b has no balance row."""
    period = earn(0, opening={A: 7, ("party:c", "EUR"): 3}, withholding=Withholding(500_000, 1), reserves=[reserve(5, "2026-01-01")])
    period = replace(period, standing=Standing([], {}))
    deltas = [
        Delta(Place("i/m/EUR/WW/master/count", "EUR", 1), "party:a", "r1", StandingLine(1, 30 * EURO), StandingLine(0, 0)),
        Delta(Place("i/m/EUR/WW/master/count", "EUR", 1), "party:b", "r1", StandingLine(1, 5), StandingLine(2, 5)),
        Delta(Place("i/m/EUR/WW/master/count", "EUR", 1), "held:suspense", "r1", StandingLine(0, 0), StandingLine(1, 20 * EURO)),
    ]
    earnings = Earnings(period)
    earnings.add_deltas(deltas)
    balances = find_balances(period, earnings)
    assert balances == {("held:suspense", "EUR"): Balance(0, 20 * EURO), A: Balance(7, -30 * EURO)}
    assert list(list_reserves(period, balances)) == [reserve(5, "2026-01-01")]
    step = Step("money")
    check_balances(balances, step)
    check_deltas(deltas, balances, True, step)
    assert not step.problems
    check_deltas(deltas[1:], balances, True, step)
    assert "deltas_total" in step.problems[0].message


def test_held_money_is_never_below_zero() -> None:
    step = Step("money")
    check_balances({("held:suspense", "EUR"): Balance(5, -6)}, step)
    assert "balances_total" in step.problems[0].message


def released(reserve_rule: str | None, claims: list[Any], **header: Any) -> dict[str, int]:
    """30 units over r1 and r2, and 20 in reserve, in a correction that releases what is held: payee → units."""
    income = Income("share", "attribution", MASTER, "EUR", rate_ppm=1_000_000, fallback="reserve")
    period = make_period(
        incomes=(replace(FEE, amount_units=30), income),
        release=Release(1, reserve_rule),
        revenue=[line(20)],
        exposure={"m1": {"r1": 1, "r2": 1}},
        claims=Claims({("recording", "r1", "master"): claims}, {"r1": None, "r2": None}),
        standing=Standing([], {}),
    )
    period = replace(period, header=replace(period.header, corrects="s0", **header))
    found: dict[str, int] = {}
    for allocation in settle(period)[1]:
        for payee, units in allocation.sum_payees().items():
            found[payee] = found.get(payee, 0) + units
    return found


def test_held_money_is_released_to_those_who_are_known() -> None:
    gap = [claim("a", 60_000_000)]
    assert released("exposure", gap) == {"party:a": 9, "held:suspense": 21, "held:reserve": 20}
    assert released(None, gap, released_at_us=100) == {"party:a": 30, "held:reserve": 20}
    assert released("exposure", gap, released_at_us=100) == {"party:a": 50}
    assert released("exposure", [], released_at_us=100) == {"held:suspense": 50}
    late = [*gap, claim("b", 40_000_000, recorded_at_us=100)]
    assert released(None, late, released_at_us=99) == {"party:a": 30, "held:reserve": 20}
    assert released(None, late, released_at_us=100) == {"party:a": 18, "party:b": 12, "held:reserve": 20}


def test_a_release_before_its_day_or_in_no_correction_is_refused() -> None:
    """Of a period up to 31 October, released after a day, so from 1 November: 1,793,491,200 seconds."""
    day = 1_793_491_200_000_000
    for corrects, moment, wrong in (("s0", day, False), ("s0", day - 1, True), (None, day, True)):
        period = make_period(release=Release(1, None))
        period = replace(period, header=replace(period.header, corrects=corrects, released_at_us=moment))
        if wrong:
            with pytest.raises(Malformed, match="released_at_us is in no correction"):
                check_release(period)
        else:
            check_release(period)
