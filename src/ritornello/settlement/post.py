"""Postings, payouts and balances: steps 7–9 of docs/formats/settlement.md."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ritornello.domain.ledger import Posting
from ritornello.domain.money import UNITS_PER_MINOR
from ritornello.domain.period import Period
from ritornello.settlement.allocate import Line
from ritornello.settlement.pools import Pool


@dataclass(frozen=True, slots=True)
class Balance:
    """What one account is owed: opening + earned − paid = closing, in units."""

    account: str
    currency: str
    opening: int
    earned: int
    paid: int

    @property
    def closing(self) -> int:
        return self.opening + self.earned - self.paid


def settle_balances(period: Period, pools: Sequence[Pool], lines: Iterable[Line]) -> list[Balance]:
    """Every account with an opening balance or a line, ascending; parties that may be paid and reach the threshold are paid whole minor units."""
    currency_of = {pool.name: pool.currency for pool in pools}
    earned: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        earned[line.payee, currency_of[line.pool]] += line.units
    return [
        Balance(
            account,
            currency,
            opening := period.opening.get((account, currency), 0),
            earned.get((account, currency), 0),
            _pay(period, account, currency, opening + earned.get((account, currency), 0)),
        )
        for account, currency in sorted({*period.opening, *earned})
    ]


def post(settlement_id: str, pools: Sequence[Pool], lines: Iterable[Line], balances: Iterable[Balance]) -> list[Posting]:
    """Double entry of the whole settlement, ascending by transfer and account."""
    sums: dict[tuple[str, str, str, str], int] = defaultdict(int)
    currency_of = {pool.name: pool.currency for pool in pools}
    for pool in pools:
        receive = f"{settlement_id}/receive/{pool.income}/{pool.currency}"
        sums[receive, f"received:{pool.income}", pool.currency, "posted"] += pool.units
        sums[receive, f"pool:{pool.name}", pool.currency, "posted"] -= pool.units
        sums[f"{settlement_id}/allocate/{pool.name}", f"pool:{pool.name}", pool.currency, "posted"] += pool.units
    for line in lines:
        sums[f"{settlement_id}/allocate/{line.pool}", line.payee, currency_of[line.pool], "posted"] -= line.units
    for balance in balances:
        pay = f"{settlement_id}/pay/{balance.account.removeprefix('party:')}/{balance.currency}"
        sums[pay, balance.account, balance.currency, "pending"] += balance.paid
        sums[pay, f"paid:{balance.currency}", balance.currency, "pending"] -= balance.paid
    return [
        Posting(transfer, account, currency, units, state) for (transfer, account, currency, state), units in sorted(sums.items()) if units
    ]


def _pay(period: Period, account: str, currency: str, owed: int) -> int:
    party_id = account.removeprefix("party:")
    if party_id == account or party_id not in period.payable:
        return 0
    threshold = max(period.programme.thresholds.get(currency, 0), UNITS_PER_MINOR)
    return owed // UNITS_PER_MINOR * UNITS_PER_MINOR if owed >= threshold else 0
