"""Each way for money to come in and to be divided, against numbers worked out by hand (settlement.md, steps 1–4; programme.md)."""

from dataclasses import replace
from typing import Any

import pytest
from periods import EURO, FEE, MASTER, SHARE, claim, line, make_period, settle, use_output

from ritornello_verify.claims import Claims
from ritornello_verify.estimate import Signal
from ritornello_verify.incomes import Income
from ritornello_verify.period import Asset, Period, Run
from ritornello_verify.programme import Fee, Lineage, read_programme
from ritornello_verify.receipts import Receipt, find_parts, find_receipts
from ritornello_verify.report import Malformed

TRACKS = Income("tracks", "exposure", MASTER, "EUR", unit_rate_units=11_000, unit="minute")


def list_receipts(**changes: Any) -> list[tuple[str, str, int, str, int, int]]:
    """Model version, reported currency and units, currency, units, added."""
    return [
        (one.model_version, one.reported_currency, one.reported_units, one.currency, one.units, one.added_units)
        for one in find_receipts(make_period(**changes))
    ]


def list_pools(period: Period) -> dict[str, tuple[str, int, dict[str, int]]]:
    """Name without income and territory → reason, units, weights by recording."""
    pools, allocations, _ = settle(period)
    return {
        pool.name: (pool.reason, pool.units, {line.recording_id: line.weight for line in allocation.lines})
        for pool, allocation in zip(pools, allocations, strict=True)
    }


def test_a_lump_sum_comes_in_its_period_alone_and_may_be_one_models() -> None:
    lump = replace(FEE, amount_units=7, period_id="2026-10", model_version="m1")
    assert list_receipts(incomes=(lump, replace(lump, name="later", period_id="2026-Q4"))) == [("m1", "EUR", 7, "EUR", 7, 0)]


def test_gross_revenue_products_and_models() -> None:
    income = replace(SHARE, rate_ppm=500_000, of_gross=True, products=frozenset({"app"}), model_versions=frozenset({"m1"}))
    rows = [line(1, gross_units=9), line(2, gross_units=4), line(5), line(1, gross_units=100, product="api"), line(1, "m2", gross_units=50)]
    assert list_receipts(incomes=(income,), revenue=rows) == [("m1", "EUR", 6, "EUR", 6, 0)]


def test_a_price_of_a_unit() -> None:
    """2.5 + 1 minutes at 0.011 EUR: 38,500 units; per 1000, 38.5, so 38."""
    rows = [
        line(0, currency="JPY", quantity_e6=2_500_000, unit="minute"),
        line(0, quantity_e6=1_000_000, unit="minute"),
        line(0, quantity_e6=9_000_000, unit="track"),
        line(0, unit="minute"),
    ]
    assert list_receipts(incomes=(TRACKS,), revenue=rows) == [("m1", "EUR", 38_500, "EUR", 38_500, 0)]
    assert list_receipts(incomes=(replace(TRACKS, per=1000),), revenue=rows) == [("m1", "EUR", 38, "EUR", 38, 0)]
    with pytest.raises(Malformed, match="may not be negative"):
        list_receipts(incomes=(TRACKS,), revenue=[line(0, quantity_e6=-1, unit="minute")])


def test_conversion_rounds_down_between_minor_digits() -> None:
    """2000.0001 JPY (0 digits) at 0.00625 EUR (2 digits): 20,000,001 × 0.00625 × 100 = 12,500,000.625."""
    income = replace(SHARE, rate_ppm=1_000_000)
    revenue = [line(20_000_001, currency="JPY"), line(3, currency="USD"), line(4)]
    rates = {"JPY": 6_250_000_000, "USD": 300_000_000_000}
    found = list_receipts(incomes=(income,), revenue=revenue, conversion="EUR", rates=rates)
    assert found == [("m1", "EUR", 4, "EUR", 4, 0), ("m1", "JPY", 20_000_001, "EUR", 12_500_000, 0)], "3 USD come to 0.9, so to nothing"
    with pytest.raises(Malformed, match="has no rate of USD in EUR"):
        list_receipts(incomes=(income,), revenue=[line(3, currency="USD")], conversion="EUR")


def test_a_minimum_tops_up_converted_receipts_one_by_one_and_their_parts_are_one() -> None:
    """10 and, converted, 20 units towards 41: 11 missing, 3⅔ : 7⅓, so 4 and 7."""
    income = replace(SHARE, rate_ppm=1_000_000, minimum_units=41)
    changes = {"revenue": [line(10), line(40, currency="USD")], "conversion": "EUR", "rates": {"USD": 500_000_000_000}}
    period = make_period(incomes=(income,), **changes)
    assert [(one.reported_currency, one.units, one.added_units) for one in find_receipts(period)] == [("EUR", 14, 4), ("USD", 27, 7)]
    assert [(part.currency, part.units) for part in find_parts(find_receipts(period))] == [("EUR", 41)]


def test_a_minimums_tie_goes_by_model_territory_and_reported_currency() -> None:
    """One unit for two equal receipts: `m1/DE/USD` comes before `m1/SE/EUR`."""
    income = replace(SHARE, rate_ppm=1_000_000, minimum_units=21)
    changes = {"revenue": [line(10, territory="SE"), line(10, currency="USD")], "conversion": "EUR", "rates": {"USD": 10**12}}
    assert list_receipts(incomes=(income,), **changes) == [("m1", "USD", 10, "EUR", 11, 1), ("m1", "EUR", 10, "EUR", 10, 0)]


def test_each_fee_takes_of_each_receipt() -> None:
    fees = (Fee("levy", 333_333, None), Fee("administration", 100_000, frozenset({"fee"})))
    incomes = (replace(FEE, amount_units=1_000), replace(FEE, name="other", amount_units=1_000))
    found = find_receipts(make_period(incomes=incomes, fees=fees))
    assert [(one.fees, one.find_own_units()) for one in found] == [({"levy": 333, "administration": 100}, 567), ({"levy": 333}, 667)]


def family(only_parents: bool, **links: int) -> tuple[dict[str, int], list[tuple[str, bool, int]]]:
    """Upstream money of 1,000 units of m4 ← m3, m2; m3 ← m2; m2 ← m1; and all parts."""
    runs = {"m1": Run((), ()), "m2": Run(("m1",), ()), "m3": Run(("m2",), ()), "m4": Run(("m2", "m3"), ())}
    lineage = Lineage(only_parents, 100_000, {(name[:2], name[3:]): share for name, share in links.items()}, "exposure")
    income = replace(FEE, amount_units=1_000, model_version="m4")
    receipts = find_receipts(make_period(incomes=(income,), runs=runs, lineage=lineage))
    return receipts[0].upstream, [(part.model_version, part.is_upstream, part.units) for part in find_parts(receipts)]


def test_lineage_takes_for_each_link_once() -> None:
    """m2 is a parent of both m4 and m3, so it gets two parts of a tenth; its own link to m1 counts once."""
    assert family(only_parents=True) == ({"m2": 100, "m3": 100}, [("m2", True, 100), ("m3", True, 100), ("m4", False, 800)])
    assert family(only_parents=False)[0] == {"m1": 100, "m2": 200, "m3": 100}
    assert family(only_parents=False, m1_m2=0, m2_m4=555_555)[0] == {"m2": 655, "m3": 100}
    with pytest.raises(Malformed, match="more than all"):
        family(only_parents=False, m1_m2=700_001)


def test_an_ancestor_that_is_to_get_money_needs_a_run() -> None:
    income = replace(FEE, amount_units=1, model_version="m2")
    for share, wrong in ((0, False), (1, True)):
        period = make_period(incomes=(income,), runs={"m2": Run(("m1",), ())}, lineage=Lineage(True, share, {}, "exposure"))
        if wrong:
            with pytest.raises(Malformed, match="has no run"):
                find_receipts(period)
        else:
            assert find_receipts(period) == [Receipt(income, "m2", "WW", "EUR", 1, "EUR", 1, period.programme)]


def test_upstream_money_is_divided_over_what_the_ancestor_read() -> None:
    income = replace(SHARE, rate_ppm=1_000_000)
    period = use_output(
        incomes=(income,),
        revenue=[line(100)],
        runs={"m0": Run((), ()), "m1": Run(("m0",), ())},
        lineage=Lineage(False, 250_000, {}, "exposure"),
        exposure={"m0": {"r2": 5}, "m1": {"r1": 1}},
    )
    pools = list_pools(period)
    assert pools["share/m0/EUR/DE/master/lineage-exposure"] == ("lineage", 25, {"r2": 5})
    assert sum(units for _, units, _ in pools.values()) == 100


TRAINING = {
    "manifests": {
        "s1": {"a1": Asset("r1", 10), "a2": Asset("r1", 20), "a3": Asset("r2", 5)},
        "s2": {"a1": Asset("r1", 10), "a4": Asset("r3", 7), "a5": Asset("r4", 1)},
        "s3": {"a6": Asset("r5", 99)},
    },
    "runs": {"m1": Run((), ("s1",)), "m2": Run((), ("s1", "s2"))},
    "claims": Claims({}, {"r1": "w1", "r2": "w1", "r3": None, "r4": "w2", "r5": None}),
    "exposure": {"m1": {"r1": 3}, "m2": {"r1": 4, "r2": 1}},
    "points": {"r2": (1, "gold"), "r9": (2, "plain"), "r3": (5, "silver")},
    "tiers": {"gold": 2_500_000, "plain": 500_000},
}


@pytest.mark.parametrize(
    ("rule", "model_version", "weights"),
    [
        ("exposure", "m1", {"r1": 3}),
        ("exposure", "*", {"r1": 7, "r2": 1}),
        ("count", "m1", {"r1": 1, "r2": 1}),
        ("count", "*", {"r1": 1, "r2": 1, "r3": 1, "r4": 1}),
        ("seconds", "m1", {"r1": 30, "r2": 5}),
        ("seconds", "*", {"r1": 30, "r2": 5, "r3": 7, "r4": 1}),
        ("works", "m2", {"r1": 1, "r3": 1, "r4": 1}),
        ("points", "m1", {"r2": 2_500_000, "r9": 1_000_000}),
    ],
)
def test_what_recordings_weigh(rule: str, model_version: str, weights: dict[str, int]) -> None:
    """An asset in two snapshots counts once; a snapshot of no run counts for nothing."""
    income = replace(FEE, amount_units=100, divide_by=rule, model_version=model_version)
    assert list_pools(make_period(incomes=(income,), **TRAINING)) == {f"fee/{model_version}/EUR/WW/master/{rule}": ("rule", 100, weights)}


@pytest.mark.parametrize(
    ("rule", "model_version", "weights"),
    [
        ("exposure", "*", {"r1": 6, "r2": 1}),
        ("count", "m1", {"r1": 500_000, "r2": 500_000}),
        ("count", "*", {"r1": 500_000, "r2": 500_000, "r3": 1_000_000, "r4": 1_000_000}),
        ("seconds", "*", {"r1": 26, "r2": 4, "r3": 7, "r4": 1}),
        ("works", "m2", {"r1": 1, "r3": 1, "r4": 1}),
        ("points", "m1", {"r2": 2_500_000, "r9": 1_000_000}),
    ],
)
def test_copies_count_once(rule: str, model_version: str, weights: dict[str, int]) -> None:
    """r1 and r2 are one sound: 7 ms of exposure over 7 and 1 is 6.125 and 0.875; 30 ms over 30 and 5 is 25.71 and 4.29. One of them alone counts as ever."""
    income = replace(FEE, amount_units=100, divide_by=rule, model_version=model_version)
    period = make_period(incomes=(income,), clusters=[frozenset({"r1", "r2"})], **TRAINING)
    assert list_pools(period) == {f"fee/{model_version}/EUR/WW/master/{rule}": ("rule", 100, weights)}


@pytest.mark.parametrize("fallback", ["count", "reserve"])
def test_the_fallback_is_the_basis(fallback: str) -> None:
    income = replace(SHARE, rate_ppm=1_000_000, fallback=fallback)
    period = make_period(incomes=(income,), revenue=[line(9)], manifests=TRAINING["manifests"], runs=TRAINING["runs"])
    weights = {"count": {"r1": 1, "r2": 1}, "reserve": {"": 1}}[fallback]
    assert list_pools(period) == {f"share/m1/EUR/DE/master/{fallback}": ("no_measured_error", 9, weights)}


def test_unattributed_may_be_shared_among_what_was_heard() -> None:
    income = replace(SHARE, rate_ppm=1_000_000, unattributed="attribution", fallback="exposure")
    pools = list_pools(use_output(incomes=(income,), revenue=[line(100)]))
    assert pools == {"share/m1/EUR/DE/master/attribution": ("rule", 100, {"r1": 1_800_000, "r2": 1_000_000})}
    silent = use_output(incomes=(income,), revenue=[line(100)], attribution={"o1": [("r1", 0), ("unattributed", 1_000_000)]})
    assert list_pools(silent) == {"share/m1/EUR/DE/master/exposure": ("nothing_heard", 100, {"r1": 1000})}


ESTIMATED = replace(SHARE, rate_ppm=1_000_000, unattributed="exposure", least_signal_e3=1500)
EXPOSED = {"exposure": {"m1": {"r1": 100, "r2": 300}}, "revenue": [line(100)]}


def test_attribution_divides_what_it_moves_beyond_its_noise() -> None:
    """w is 1,800,000 : 1,000,000, f is 100 : 300: r1 gains 9/14 − 1/4 = 39.2857 %, rounded down. 1.5 times 261,904 ppm is reached, 261,905 isn't."""
    for noise, reason in ((261_904, "rule"), (261_905, "signal_below_noise"), (None, "no_measured_noise")):
        pool, *_ = settle(use_output(incomes=(ESTIMATED,), recording_noise={"m1": noise}, **EXPOSED))[0]
        assert pool.reason == reason
        assert pool.signal == (None if noise is None else Signal(False, 392_857, noise, 1500))


def test_catalogues_are_one_owners_and_divided_by_exposure() -> None:
    """r1 and r2 are of b, who claims most of both: all is theirs, so nothing moves, and 2,800,000 goes 1 : 3."""
    shares = {"r1": (("a", 49_000_000), ("b", 51_000_000)), "r2": (("b", 100_000_000),)}
    claims = Claims(
        {("recording", name, "master"): [claim(party, share) for party, share in own] for name, own in shares.items()},
        {"r1": None, "r2": None},
    )
    income = replace(ESTIMATED, levels=(True,))
    pools, allocations, _ = settle(use_output(incomes=(income,), catalogue_noise={"m1": 0}, claims=claims, **EXPOSED))
    assert pools[0].signal == Signal(True, 0, 0, 1500) and pools[0].reason == "rule"
    assert {line.recording_id: line.weight for line in allocations[0].lines} == {"r1": 700_000, "r2": 2_100_000}


def test_a_cap_is_one_sounds() -> None:
    """A + U is 4,000,000, so the limit is 1,200,000: r1 loses 600,000 to what nobody explains; as one sound, both together keep it 9 : 5."""
    income = replace(ESTIMATED, least_signal_e3=None, cap_ppm=300_000)
    pools = list_pools(use_output(incomes=(income,), **EXPOSED))
    assert pools["share/m1/EUR/DE/master/attribution"] == ("rule", 55, {"r1": 1_200_000, "r2": 1_000_000})
    pools = list_pools(use_output(incomes=(income,), clusters=[frozenset({"r1", "r2"})], **EXPOSED))
    assert pools["share/m1/EUR/DE/master/attribution"] == ("rule", 30, {"r1": 771_429, "r2": 428_571})


def by_users(revenue: list[Any], **changes: Any) -> dict[str, tuple[str, int, dict[str, int]]]:
    """o1 is used once by ann and three times by zoe, o2 twice by zoe; o1 is r1 by 60 %, o2 r2 entirely; o3 is not attributed."""
    income = replace(SHARE, divide_by="user_centric", rate_ppm=1_000_000, unattributed="count", **changes)
    usage = {("o1", "DE", "ann"): 1, ("o1", "DE", "zoe"): 3, ("o2", "DE", "zoe"): 2, ("o3", "DE", "bo"): 9, ("o1", "FR", "bo"): 1}
    return list_pools(use_output(incomes=(income,), revenue=revenue, usage=usage, manifests=TRAINING["manifests"], runs=TRAINING["runs"]))


def test_each_users_money_follows_what_they_used() -> None:
    """ann's 100: 60 to r1, 40 to none. zoe's 50 over 1,800,000 r1, 2,000,000 r2 and 1,200,000: 18, 20, 12. bo's 7 used nothing here."""
    pools = by_users([line(70, user_id="ann"), line(30, user_id="ann"), line(50, user_id="zoe"), line(7, user_id="bo")])
    assert pools == {
        "share/m1/EUR/DE/master/user_centric": ("rule", 98, {"r1": 78, "r2": 20}),
        "share/m1/EUR/DE/master/unattributed-count": ("unattributed", 59, {"r1": 1, "r2": 1}),
    }


def test_users_who_paid_nothing_count_for_nothing() -> None:
    """zoe got back more than she paid, so all of the 90 is ann's; without ann, nobody who paid used anything."""
    assert by_users([line(100, user_id="ann"), line(-10, user_id="zoe")])["share/m1/EUR/DE/master/user_centric"][1:] == (54, {"r1": 54})
    assert by_users([line(100, user_id="bo"), line(-10, user_id="zoe")])["share/m1/EUR/DE/master/exposure"][:2] == ("no_usage", 90)


def test_a_users_unit_that_no_recording_gets() -> None:
    """ann's one unit goes to the larger remainder, r1; with 40 % of it to r1 it goes to none, so nothing was heard."""
    assert by_users([line(1, user_id="ann")]) == {"share/m1/EUR/DE/master/user_centric": ("rule", 1, {"r1": 1})}
    income = replace(SHARE, divide_by="user_centric", rate_ppm=1_000_000, unattributed="attribution")
    attribution = {"o1": [("r1", 400_000), ("unattributed", 600_000)]}
    period = use_output(incomes=(income,), revenue=[line(1, user_id="ann")], usage={("o1", "DE", "ann"): 1}, attribution=attribution)
    assert list_pools(period) == {"share/m1/EUR/DE/master/exposure": ("nothing_heard", 1, {"r1": 1000})}


def test_each_currency_brings_what_became_of_its_receipt() -> None:
    """ann pays 100 in EUR, bo 200 in USD at 0.50, less a tenth each: 90 and 90, whatever the numbers of the two currencies."""
    income = replace(SHARE, divide_by="user_centric", rate_ppm=1_000_000, unattributed="attribution")
    period = use_output(
        incomes=(income,),
        revenue=[line(100, user_id="ann"), line(200, currency="USD", user_id="bo"), line(-5, currency="USD", user_id="ann")],
        usage={("o1", "DE", "ann"): 1, ("o2", "DE", "bo"): 7},
        attribution={"o1": [("r1", 1_000_000), ("unattributed", 0)], "o2": [("r2", 1_000_000), ("unattributed", 0)]},
        conversion="EUR",
        rates={"USD": 512_820_512_821},
        fees=(Fee("levy", 100_000, None),),
    )
    assert list_pools(period) == {"share/m1/EUR/DE/master/user_centric": ("rule", 180, {"r1": 90, "r2": 90})}


def test_a_tie_between_heard_and_not_heard_is_the_heard_ones() -> None:
    """Two units, one to r1 and one to none, over two lanes: each lane's unit is a tie."""
    income = replace(SHARE, divide_by="user_centric", rate_ppm=1_000_000, unattributed="count", lanes={"master": 500_000, "voice": 500_000})
    attribution = {"o1": [("r1", 500_000), ("unattributed", 500_000)]}
    period = use_output(incomes=(income,), revenue=[line(2, user_id="ann")], usage={("o1", "DE", "ann"): 1}, attribution=attribution)
    assert {name.rpartition("/")[2] for name in list_pools(period)} == {"user_centric"}


def test_disputed_claims_are_held_and_the_rest_stands() -> None:
    claims = [claim("a", 40_000_000), claim("b", 35_000_000), claim("b", 25_000_000, claim_id="other")]
    period = make_period(
        incomes=(replace(FEE, amount_units=100),),
        claims=Claims({("recording", "r1", "master"): claims}, {"r1": None}, frozenset({"c-b", "c-a"})),
    )
    _, (allocation,), _ = settle(period)
    assert [(one.payee, one.share_e8, one.units) for one in allocation.lines] == [
        ("held:dispute", 75_000_000, 75),
        ("party:b", 25_000_000, 25),
    ]


TERMS = """format = "ritornello-programme-1"
programme_id = "mosaic"
version = 1
title = "Mosaic"
licensor = "Society"
licensee = "Company"
purposes = ["ai_training"]
licence = "LicenseRef-mosaic-1"
valid_from = 2026-01-01
valid_to = 2027-12-31
notice_days = 30
tail_days = 365
quorum = ["master"]
"""
LANES = "[lanes]\nmaster = 300_001\npublishing = 699_999\n"
INCOME = '[[income]]\nname = "i"\nrate = "0.5"\ndivide_by = "exposure"\n'
UNIT = '[[income]]\nname = "i"\nunit_rate = {}\nunit = "minute"\ncurrency = "EUR"\ndivide_by = "exposure"\n'


def read(text: str) -> Income:
    return read_programme(f"{TERMS}{text}".encode()).incomes[0]


@pytest.mark.parametrize(
    ("ladder", "units"),
    [('"0.011"', 11_000), ('"0.123456"', 123_456), ('{ 0 = "1", 30 = "2", 31 = "3" }', 2_000_000), ('{ 0 = "1", 90 = "3" }', 1_000_000)],
)
def test_a_price_by_notice(ladder: str, units: int) -> None:
    assert read(LANES + UNIT.format(ladder)).unit_rate_units == units


def test_parity_levels_lanes_again_and_again() -> None:
    assert read('parity = ["master>=publishing"]\n' + LANES + INCOME).lanes == {"master": 500_000, "publishing": 500_000}
    odd = "[lanes]\nmaster = 100_000\npublishing = 200_001\nvoice = 699_999\n"
    assert read('parity = ["master>=publishing"]\n' + odd + INCOME).lanes == {"master": 150_001, "publishing": 150_000, "voice": 699_999}
    chain = 'parity = ["master>=publishing", "publishing>=voice"]\n'
    assert read(chain + "[lanes]\nmaster = 500_000\npublishing = 200_000\nvoice = 300_000\n" + INCOME).lanes == {
        "master": 500_000,
        "publishing": 250_000,
        "voice": 250_000,
    }
    own = INCOME + "lanes = { master = 1_000_000 }\n"
    assert read('parity = ["publishing>=master"]\n' + LANES + own).lanes == {"master": 1_000_000}, "no rule about a lane it hasn't"
    with pytest.raises(Malformed, match="parity cannot be reached"):
        read(chain + "[lanes]\nmaster = 100_000\npublishing = 200_000\nvoice = 700_000\n" + INCOME)


HEARD = 'unattributed = "count"\nfallback = "count"\nmax_error_ppm = 5\n'


@pytest.mark.parametrize(
    "text",
    [
        LANES + INCOME.replace('"0.5"', '"1.1"'),
        LANES + INCOME + 'amount = "1"\ncurrency = "EUR"\n',
        LANES + INCOME + "per = 2\n",
        LANES + INCOME + 'model_version = "m1"\n',
        LANES + INCOME + "products = []\n",
        LANES + INCOME + 'minimum = "1"\n',
        LANES + INCOME + HEARD,
        LANES + INCOME.replace("exposure", "attribution"),
        LANES + INCOME.replace("exposure", "attribution") + HEARD.replace('unattributed = "count"', 'unattributed = "works"'),
        LANES + INCOME.replace("exposure", "works"),
        LANES + INCOME.replace("exposure", "points"),
        LANES + INCOME + "lanes = { master = 999_999 }\n",
        LANES + UNIT.format('"1"').replace("exposure", "user_centric") + HEARD,
        LANES + UNIT.format('{ 1 = "1" }'),
        LANES + UNIT.format('"0.1234567"'),
        LANES + '[[income]]\nname = "i"\namount = "1"\ncurrency = "EUR"\ndivide_by = "attribution"\n' + HEARD,
        LANES + INCOME + "[held]\nrelease_after_days = 0\n",
        LANES + INCOME + '[held]\nrelease_after_days = 9\nreserve = "attribution"\n',
        LANES + INCOME + 'minimum = "1"\ncurrency = "USD"\n[conversion]\ncurrency = "EUR"\n',
        LANES + INCOME + '[[fee]]\nname = "f"\nrate = "0.6"\n[[fee]]\nname = "g"\nrate = "0.6"\n',
        LANES + INCOME + '[[fee]]\nname = "f"\nrate = "0.6"\nincomes = ["other"]\n',
        LANES + INCOME + '[[fee]]\nname = "payout"\nrate = "0.6"\n',
        LANES + INCOME + '[reserve]\nrate = "0.1"\nrelease_after_days = 0\n',
        LANES + INCOME + '[reserve]\nrate = "1.1"\nrelease_after_days = 1\n',
        LANES + INCOME + '[lineage]\nancestors = "all"\n',
        LANES + INCOME + '[lineage]\nancestors = "some"\ndivide_by = "count"\n',
        LANES + INCOME + '[payout]\nfees = { EUR = "0.1234567" }\n',
        LANES + INCOME + "[payout]\nother = 1\n",
        "[lanes]\nmaster = 1_000_000\npublishing = 0\n" + INCOME,
        "[lanes]\ndrums = 1_000_000\n" + INCOME,
        'parity = ["master>master"]\n' + LANES + INCOME,
    ],
)
def test_terms_that_are_none(text: str) -> None:
    with pytest.raises(Malformed):
        read(text)
    assert read(LANES + INCOME).rate_ppm == 500_000


def test_every_key_together() -> None:
    programme = read_programme(
        f"""{TERMS}parity = ["publishing>=master"]
tiers = {{ gold = "2.5", plain = "1" }}
{LANES}{INCOME}of = "gross"
minimum = "1.50"
currency = "EUR"
[conversion]
currency = "EUR"
[[fee]]
name = "f"
rate = "0.1"
incomes = ["i"]
[lineage]
ancestors = "direct"
links = [{{ parent = "a", child = "b", share_ppm = 3 }}]
divide_by = "seconds"
[reserve]
rate = "0.25"
release_after_days = 90
[payout]
thresholds = {{ EUR = "2.00" }}
fees = {{ EUR = "0.353535" }}
""".encode()
    )
    assert (programme.tiers, programme.conversion) == ({"gold": 2_500_000, "plain": 1_000_000}, "EUR")
    assert programme.fees == (Fee("f", 100_000, frozenset({"i"})),)
    assert programme.lineage == Lineage(True, 0, {("a", "b"): 3}, "seconds")
    assert (programme.withholding and programme.withholding.rate_ppm, programme.payout_fees) == (250_000, {"EUR": 353_535})
    assert (programme.incomes[0].of_gross, programme.incomes[0].minimum_units) == (True, EURO * 3 // 2)
