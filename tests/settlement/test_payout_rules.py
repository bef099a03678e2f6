"""Published payout rules (payout_rules.json), each written as a programme's TOML and settled: the rules are composed, not coded one by one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ritornello.domain.catalogue import Recording
from ritornello.domain.money import parse_units
from ritornello.domain.period import Member, Points, Run, Usage
from ritornello.formats.programme_toml import read_programme
from ritornello.settlement.settle import Settlement, settle
from tests.settlement.periods import attributed, claim, exposure, period, revenue

CASES = {case["id"]: case for case in json.loads((Path(__file__).parent / "payout_rules.json").read_text())["cases"]}
HEAD = """
format = "ritornello-programme-1"
programme_id = "p"
version = 1
title = "T"
licensor = "L"
licensee = "A"
purposes = ["ai_training"]
licence = "LicenseRef-x"
valid_from = 2026-01-01
valid_to = 2027-12-31
notice_days = {notice}
tail_days = 365
quorum = ["master"]
"""


def money(text: str) -> int:
    return parse_units(text, 2)


def settled(terms: str, *, notice: int = 30, lanes: str = "[lanes]\nmaster = 1_000_000", **facts: Any) -> Settlement:
    """A period of recordings, each owned by the party of its first letters, settled under these terms."""
    programme = read_programme("programme.toml", (HEAD.format(notice=notice) + terms + "\n" + lanes).encode())
    return settle(period(programme, **facts))


def owned(*recordings: str, lane: str = "master") -> list[Any]:
    """Each recording wholly owned by the party before its first dot."""
    return [claim(name, name.partition(".")[0], 100_000_000, lane=lane) for name in recordings]


def trained(lengths: dict[str, int], model: str = "m") -> dict[str, Any]:
    """A model trained on one snapshot of recordings with these durations (ms), each read once."""
    return {
        "runs": {model: Run(model, (), ("s1",))},
        "members": [Member("s1", f"sha256:{name}-{model}", name, length) for name, length in lengths.items()],
        "exposures": [exposure(name, length, model) for name, length in lengths.items()],
    }


def earned(result: Settlement) -> dict[str, int]:
    return {row["account"].removeprefix("party:"): int(row["earned_units"]) for row in result.tables["balances"]}


def expected(case: dict[str, Any]) -> dict[str, int]:
    return {name: money(text) for name, text in case["expect"].items()}


@pytest.mark.parametrize("name", ["landr-tracks", "landr-seconds", "landr-share"])
def test_part_of_revenue_by_recordings_or_seconds(name: str) -> None:
    case = CASES[name]
    lengths = {
        f"{party}.{n}": one.get("seconds_each", 1) * 1000 for party, one in case["contributed"].items() for n in range(one["recordings"])
    }
    rule = {"recordings": "count", "seconds": "seconds"}[case["unit"]]
    terms = f'[[income]]\nname = "pool"\nrate = "{case["rate"]}"\ndivide_by = "{rule}"'
    lines = [revenue(money(case["revenue"]), currency=case["currency"])]
    found = earned(settled(terms, claims=owned(*lengths), revenue=lines, **trained(lengths)))
    # whole ledger units differ from the published cents by the rounding of cents only
    assert {party: round(units / 10_000) for party, units in found.items()} == {p: round(u / 10_000) for p, u in expected(case).items()}
    assert sum(found.values()) == sum(expected(case).values())


def test_a_fee_split_equally_over_works() -> None:
    case = CASES["stim-training-fee"]
    names = [f"w{n}.r" for n in range(case["works"])]
    terms = (
        f'[[income]]\nname = "fee"\namount = "{case["fee"]}"\ncurrency = "SEK"\ndivide_by = "works"\nlanes = {{ publishing = 1_000_000 }}'
    )
    claims = [claim(f"w-{name}", name, 100_000_000, lane="publishing") for name in names]
    found = earned(settled(terms, claims=claims, **trained(dict.fromkeys(names, 1))))
    assert sorted(found.values()) == sorted(money(text) for text in case["expect_each_unit"])


def test_two_recordings_of_one_work_are_one_work() -> None:

    terms = '[[income]]\nname = "fee"\namount = "100.00"\ncurrency = "EUR"\ndivide_by = "works"\nlanes = { publishing = 1_000_000 }'
    works = {"a.1": "wa", "a.2": "wa", "b.1": "wb"}
    recordings = {name: Recording(name, name, "x", None, work) for name, work in works.items()}
    claims = [claim(work, work[1:], 100_000_000, lane="publishing") for work in ("wa", "wb")]
    found = earned(settled(terms, claims=claims, recordings=recordings, **trained(dict.fromkeys(works, 1))))
    assert found == {"a": money("50.00"), "b": money("50.00")}


def test_by_analogy_where_attribution_is_not_reliable() -> None:
    case = CASES["stim-analogy"]
    lengths = {name: seconds * 1000 for name, seconds in case["exposure_seconds"].items()}
    terms = (
        '[[income]]\nname = "share"\nrate = "1"\ndivide_by = "attribution"\nmax_error_ppm = 200_000\n'
        'fallback = "exposure"\nunattributed = "reserve"'
    )
    result = settled(
        terms,
        claims=owned(*lengths),
        revenue=[revenue(money(case["pool"]), currency=case["currency"])],
        outputs={"o": "m"},
        usage=[Usage("u", "o", "DE", 3)],
        attribution=attributed("o", **{name: case["attribution"][name] for name in lengths}),
        error_ppm={"m": 0 if case["reliable"] else 1_000_000},
        **trained(lengths),
    )
    assert earned(result) == expected(case)
    assert [row["reason"] for row in result.tables["pools"]] == ["error_above_limit"]


@pytest.mark.parametrize("name", ["gema-minimum", "gema-rate"])
def test_part_of_net_income_but_at_least_a_minimum(name: str) -> None:
    case = CASES[name]
    terms = f'[[income]]\nname = "share"\nrate = "{case["rate"]}"\nminimum = "{case["minimum"]}"\ncurrency = "EUR"\ndivide_by = "count"'
    result = settled(terms, claims=owned("a"), revenue=[revenue(money(case["net_income"]))], **trained({"a": 1}))
    assert result.totals[0]["received_units"] == str(money(case["expect_pool"]))


def test_publishing_gets_at_least_what_master_gets() -> None:
    case = CASES["lane-parity"]
    lanes = "[lanes]\n" + "\n".join(f"{lane} = {ppm}" for lane, ppm in case["lanes_declared"].items())
    terms = (
        f'parity = {json.dumps(case["mfn"])}\n[[income]]\nname = "fee"\namount = "{case["pool"]}"\ncurrency = "USD"\ndivide_by = "count"'
    )
    claims = [claim("a", "master", 100_000_000), claim("w-a", "publishing", 100_000_000, lane="publishing")]
    assert earned(settled(terms, lanes=lanes, claims=claims, **trained({"a": 1}))) == expected(case)


def test_a_price_per_minute() -> None:
    case = CASES["kits-minutes"]
    terms = f'[[income]]\nname = "minutes"\nunit_rate = "{case["rate_per_minute"]}"\nunit = "minute"\ncurrency = "USD"\ndivide_by = "count"'
    lines = [_quantity(case["minutes"], "minute"), _quantity(5, "download", "l2")]
    assert earned(settled(terms, claims=owned("a"), revenue=lines, **trained({"a": 1}))) == {"a": money(case["expect"])}


def test_below_the_threshold_the_balance_carries() -> None:
    case = CASES["kits-threshold"]
    terms = (
        f'[[income]]\nname = "minutes"\nunit_rate = "{case["rate_per_minute"]}"\nunit = "minute"\ncurrency = "USD"\ndivide_by = "count"\n'
        f'[payout]\nthresholds = {{ USD = "{case["threshold"]}" }}'
    )
    result = settled(terms, claims=owned("a"), revenue=[_quantity(case["minutes"], "minute")], **trained({"a": 1}))
    (balance,) = result.tables["balances"]
    found = [int(balance[f"{name}_units"]) for name in ("earned", "paid", "closing")]
    assert found == [money(case[f"expect_{name}"]) for name in ("earned", "paid", "closing")]


def test_longer_notice_earns_a_higher_price() -> None:
    case = CASES["notice-ladder"]
    ladder = ", ".join(f'{days} = "{rate}"' for days, rate in case["rates_per_1000"].items())
    terms = f'[[income]]\nname = "uses"\nunit_rate = {{ {ladder} }}\nper = 1000\nunit = "character"\ncurrency = "USD"\ndivide_by = "count"'
    facts = {"claims": owned("a"), "revenue": [_quantity(case["units"], "character")], **trained({"a": 1})}
    assert earned(settled(terms, notice=case["notice_days"], **facts)) == {"a": money(case["expect"])}
    assert earned(settled(terms, notice=89, **facts)) == {"a": money("30.00")}
    assert earned(settled(terms, notice=0, **facts)) == {"a": money("22.00")}


def test_points_share_a_fixed_pool_and_never_overspend_it() -> None:
    case = CASES["points-balanced"]
    tiers = {one["tier"]: f"t{n}" for n, one in enumerate(case["points"].values())}
    terms = f'[[income]]\nname = "pool"\namount = "{case["pool"]}"\ncurrency = "USD"\ndivide_by = "points"\n[tiers]\n' + "\n".join(
        f'{name} = "{tier}"' for tier, name in tiers.items()
    )
    points = [Points(name, one["points"], tiers[one["tier"]]) for name, one in case["points"].items()]
    assert earned(settled(terms, claims=owned(*case["points"]), points=points, **trained(dict.fromkeys(case["points"], 1)))) == expected(
        case
    )


def test_tiers_weigh_points() -> None:
    terms = '[[income]]\nname = "pool"\namount = "30.00"\ncurrency = "EUR"\ndivide_by = "points"\n[tiers]\ngold = "2.5"\nplain = "1"'
    points = [Points("a", 2, "gold"), Points("b", 5, "plain")]
    assert earned(settled(terms, claims=owned("a", "b"), points=points, **trained({"a": 1, "b": 1}))) == {
        "a": money("15"),
        "b": money("15"),
    }


@pytest.mark.parametrize(("name", "rule"), [("pro-rata", "attribution"), ("user-centric", "user_centric")])
def test_money_follows_all_uses_or_each_users_own(name: str, rule: str) -> None:
    case = CASES[name]
    songs = sorted({song for user in case["users"].values() for song in user["use"]})
    terms = f'[[income]]\nname = "s"\nrate = "1"\ndivide_by = "{rule}"\nmax_error_ppm = 0\nfallback = "count"\nunattributed = "attribution"'
    result = settled(
        terms,
        claims=owned(*songs),
        revenue=[_paid(user, money(facts["paid"])) for user, facts in case["users"].items()],
        outputs={f"o-{song}": "m" for song in songs},
        usage=[
            Usage(f"{user}-{song}", f"o-{song}", "DE", uses, user)
            for user, facts in case["users"].items()
            for song, uses in facts["use"].items()
        ],
        attribution=[weight for song in songs for weight in attributed(f"o-{song}", **{song: 1_000_000})],
        error_ppm={"m": 0},
        **trained(dict.fromkeys(songs, 1)),
    )
    assert {song: round(units / 10_000) for song, units in earned(result).items()} == {s: u // 10_000 for s, u in expected(case).items()}
    assert result.tables["pools"][0]["basis"] == rule


@pytest.mark.parametrize("name", ["lineage-direct", "lineage-all"])
def test_ancestors_of_a_model_get_their_links_share(name: str) -> None:
    case = CASES[name]
    links = ", ".join(f'{{ parent = "{a}", child = "{b}", share_ppm = {ppm} }}' for a, b, ppm in case["chain"])
    terms = (
        '[[income]]\nname = "s"\nrate = "1"\ndivide_by = "exposure"\n'
        f'[lineage]\nancestors = "{name.removeprefix("lineage-")}"\ndivide_by = "exposure"\nlinks = [{links}]'
    )
    runs = {"m1": Run("m1", (), ()), "m2": Run("m2", ("m1",), ()), "m3": Run("m3", ("m2",), ())}
    result = settled(
        terms,
        claims=owned("m1", "m2", "m3"),
        runs=runs,
        exposures=[exposure(model, 1, model) for model in runs],
        revenue=[revenue(money(case["amount"]), model=case["revenue_of"], currency=case["currency"])],
    )
    found = earned(result)
    assert found["m3"] == money(case["expect_kept"])
    assert sum(found.values()) - found["m3"] == money(case["expect_upstream"])


def test_splitting_one_contribution_over_two_names_gains_nothing() -> None:
    case = CASES["clone-proof"]
    terms = '[[income]]\nname = "pool"\namount = "600.00"\ncurrency = "EUR"\ndivide_by = "count"'
    honest = [f"{party}.{n}" for party, items in case["items"].items() for n in range(items)]
    split = [f"{name}.0" for name in case["A_reports_as"]] + [name for name in honest if not name.startswith("A.")]
    for names in (honest, split):
        found = earned(settled(terms, claims=owned(*names), **trained(dict.fromkeys(names, 1))))
        of_a = sum(units for party, units in found.items() if party.startswith("A"))
        assert f"{of_a / money('600.00'):.4f}" == case["expect_A_total_share"]


def test_every_published_case_is_here() -> None:
    source = Path(__file__).read_text()
    assert [name for name in CASES if f'"{name}"' not in source] == []


def test_lump_sums_come_once_and_gross_is_not_net() -> None:
    terms = (
        '[[income]]\nname = "settlement"\namount = "50.00"\ncurrency = "EUR"\nperiod = "2026-10"\ndivide_by = "count"\n'
        '[[income]]\nname = "later"\namount = "70.00"\ncurrency = "EUR"\nperiod = "2026-11"\ndivide_by = "count"\n'
        '[[income]]\nname = "share"\nrate = "0.1"\nof = "gross"\ndivide_by = "count"'
    )

    lines = [replace(revenue(money("80")), gross_units=money("100"))]
    assert earned(settled(terms, claims=owned("a"), revenue=lines, **trained({"a": 1}))) == {"a": money("60.00")}


def test_a_licence_per_version_and_product() -> None:
    terms = (
        '[[income]]\nname = "one"\nrate = "0.1"\nmodel_versions = ["m1"]\ndivide_by = "count"\n'
        '[[income]]\nname = "two"\nrate = "0.5"\nmodel_versions = ["m2"]\nproducts = ["app"]\ndivide_by = "count"'
    )
    lines = [revenue(money("100"), model=model, line=model) for model in ("m1", "m2")]
    facts = trained({"a": 1}, "m1")
    facts["runs"]["m2"] = Run("m2", (), ("s1",))
    found = settled(terms, claims=owned("a"), revenue=lines, **facts)
    assert {row["pool"]: row["amount_units"] for row in found.tables["pools"]} == {
        "one/m1/EUR/DE/master/count": str(money("10")),
        "two/m2/EUR/DE/master/count": str(money("50")),
    }


def _quantity(count: int, unit: str, line: str = "l1") -> Any:

    return replace(revenue(0, currency="USD", line=line), quantity_e6=count * 10**6, unit=unit)


def _paid(user: str, units: int) -> Any:

    return replace(revenue(units, currency="USD", line=user), user_id=user)
