"""Periods in memory for tests of the rules, and the settlement of one."""

from dataclasses import replace
from typing import Any

from ritornello_verify.allocation import Allocation, Allocator
from ritornello_verify.balances import Balances, find_balances
from ritornello_verify.claims import Claim, Claims
from ritornello_verify.earnings import Earnings
from ritornello_verify.heard import Ear
from ritornello_verify.incomes import Income
from ritornello_verify.period import Header, Party, Period, Revenue
from ritornello_verify.pools import Pool, find_pools
from ritornello_verify.programme import Licensing, Programme
from ritornello_verify.receipts import find_parts, find_receipts
from ritornello_verify.weights import Scales

DAY = "2026-10-31"
EURO = 1_000_000
MASTER = {"master": 1_000_000}
FEE = Income("fee", "exposure", MASTER, "EUR")
SHARE = Income("share", "attribution", MASTER, "EUR", rate_ppm=300_000, max_error_ppm=200_000)
LICENSING = Licensing("Society", "Company", 30, 365, {})


def claim(party: str, share: int, territory: str = "WW", claim_id: str = "", **more: Any) -> Claim:
    values = {"valid_from": "2000-01-01", "valid_to": None, "recorded_at_us": 0, "retracted_at_us": None, **more}
    return Claim(claim_id or f"c-{party}", party, share, territory, **values)


def line(units: int, model_version: str = "m1", currency: str = "EUR", territory: str = "DE", product: str = "app", **more: Any) -> Revenue:
    return Revenue(product, model_version, territory, currency, units, **more)


def make_period(**changes: Any) -> Period:
    programme = Programme("mosaic", ("ai_training",), "licence", "WW", {"master": None}, (FEE,), {"EUR": 10 * EURO}, licensing=LICENSING)
    period = Period(
        header=Header("ritornello-period-1", "s", "mosaic", "", "2026-10", "2026-10-01", DAY, 100),
        programme=programme,
        parties={name: Party(name, True) for name in ("a", "b", "c")},
        claims=Claims({("recording", "r1", "master"): [claim("a", 100_000_000)]}, {"r1": None, "r2": None}),
        exposure={"m1": {"r1": 1000}},
    )
    names = ("incomes", "thresholds", "payout_fees", "tiers", "lineage", "conversion", "fees", "withholding", "release")
    if "rates" in changes:
        changes["rates"] = {(currency, changes["conversion"]): rate for currency, rate in changes["rates"].items()}
    programme_changes = {name: changes.pop(name) for name in names if name in changes}
    return replace(period, **changes, programme=replace(programme, **programme_changes))


def settle(period: Period) -> tuple[list[Pool], list[Allocation], Earnings]:
    scales = Scales(period, Ear(period))
    pools = find_pools(period, find_parts(find_receipts(period)), scales)
    allocator, earnings = Allocator(period, scales), Earnings(period)
    allocations = [allocator.allocate(pool) for pool in pools]
    for allocation in allocations:
        earnings.add_allocation(allocation)
    return pools, allocations, earnings


def balance(period: Period) -> Balances:
    return find_balances(period, settle(period)[2])


def use_output(**changes: Any) -> Period:
    values: dict[str, Any] = {
        "outputs": {"o1": "m1", "o2": "m1", "o3": "m1"},
        "usage": {("o1", "DE", ""): 3, ("o2", "DE", ""): 1, ("o3", "FR", ""): 9},
        "attribution": {"o1": [("r1", 600_000), ("unattributed", 400_000)], "o2": [("r2", 1_000_000), ("unattributed", 0)]},
        "errors": {"m1": 200_000, "m2": None},
    }
    return make_period(**{**values, **changes})
