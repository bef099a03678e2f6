"""The invariants of settlement.md, asked of the recomputed settlement."""

from collections import defaultdict
from collections.abc import Iterable

from ritornello_verify.allocation import Allocation
from ritornello_verify.balances import Balances
from ritornello_verify.claims import SplitSet
from ritornello_verify.correction import Delta, count_payees, stands
from ritornello_verify.earnings import HELD, PARTY, Account
from ritornello_verify.forms import MILLION
from ritornello_verify.kinds import WHOLE_SHARE
from ritornello_verify.ledger import Posting
from ritornello_verify.pools import LINEAGE, Pool
from ritornello_verify.programme import Programme
from ritornello_verify.receipts import Receipt
from ritornello_verify.report import Step
from ritornello_verify.standing import StandingPool

SETTLEMENT = "result/settlement.json"
NAMES = (
    "receipts_total",
    "lanes_total",
    "splits_total",
    "numerators_total",
    "allocations_total",
    "lines_within_one_unit",
    "transfers_zero",
    "pools_cleared",
    "balances_total",
    "money_total",
    "deltas_total",
)


def check_receipts(receipts: list[Receipt], pools: list[Pool], step: Step) -> None:
    """What came in is what fees, ancestors and pools got, per income; and what ancestors get is in pools of lineage."""
    left: dict[tuple[int, str, str], int] = defaultdict(int)
    upstream: dict[tuple[int, str, str], int] = defaultdict(int)
    for receipt in receipts:
        key = receipt.terms.version, receipt.income.name, receipt.currency
        left[key] += receipt.units - receipt.find_fee_units() - receipt.find_upstream_units()
        upstream[key] += receipt.find_upstream_units()
    for pool in pools:
        totals = upstream if pool.reason == LINEAGE else left
        totals[pool.part.terms.version, pool.part.income.name, pool.part.currency] -= pool.units
    demand(step, "receipts_total", not any((*left.values(), *upstream.values())), "an income")


def check_pool(allocation: Allocation, standing: StandingPool | None, step: Step) -> None:
    """Per pool: numerators, amounts, and how far each payee is from the exact value."""
    pool, denominator = allocation.pool, allocation.denominator
    numerators: dict[str, int] = defaultdict(int)
    for line in allocation.lines:
        numerators[line.payee] += line.find_numerator()
    amounts = allocation.sum_payees()
    demand(step, "numerators_total", sum(numerators.values()) == denominator, pool.name)
    demand(step, "allocations_total", sum(amounts.values()) == pool.units, pool.name)
    limit = denominator
    if stands(pool.units, denominator, standing):
        limit *= 1 + count_payees(amounts, standing)
    close = all(abs(units * denominator - pool.units * numerators[payee]) < limit for payee, units in amounts.items())
    demand(step, "lines_within_one_unit", close, pool.name)


def check_terms(programmes: Iterable[Programme], sets: Iterable[SplitSet], step: Step) -> None:
    whole = all(sum(income.lanes.values()) == MILLION for programme in programmes for income in programme.incomes)
    demand(step, "lanes_total", whole, "programme.toml")
    demand(step, "splits_total", all(sum(share.share_e8 for share in found.shares) == WHOLE_SHARE for found in sets), "a split set")


def check_postings(postings: list[Posting], balances: Balances, step: Step) -> None:
    """Transfers and pools' accounts come to nothing, accounts of parties and of held money to what they close with."""
    transfers: dict[Account, int] = defaultdict(int)
    accounts: dict[Account, int] = defaultdict(int)
    for posting in postings:
        transfers[posting.transfer_id, posting.currency] += posting.units
        accounts[posting.account, posting.currency] -= posting.units
    demand(step, "transfers_zero", not any(transfers.values()), "a transfer")
    pools = [units for (account, _), units in accounts.items() if account.startswith("pool:")]
    demand(step, "pools_cleared", not any(pools), "a pool's account")
    moved = {key: units for key, units in accounts.items() if key[0].startswith((PARTY, HELD)) and units}
    differences = {key: balance.find_closing() - balance.opening for key, balance in balances.items()}
    same = moved == {key: units for key, units in differences.items() if units}
    demand(step, "balances_total", same, "the postings of an account are not closing − opening")


def check_balances(balances: Balances, step: Step) -> None:
    for (account, currency), balance in balances.items():
        parts = (balance.withheld, balance.released, balance.find_recouped(), balance.tax, balance.fee, balance.paid)
        lowest = min(parts) if account.startswith(PARTY) else min(*parts, balance.opening, balance.find_closing())
        demand(step, "balances_total", lowest >= 0, f"{account} {currency} has an amount below zero")


def check_deltas(deltas: list[Delta], balances: Balances, is_correction: bool, step: Step) -> None:
    """After less before is the difference, per account; without a correction there are none."""
    if not is_correction:
        demand(step, "deltas_total", not deltas, "there are deltas")
        return
    totals: dict[Account, int] = defaultdict(int)
    for delta in deltas:
        totals[delta.payee, delta.place.currency] += delta.find_units()
    same = all(units == (balances[key].earned if key in balances else 0) for key, units in totals.items())
    demand(step, "deltas_total", same and totals.keys() >= balances.keys(), "an account")


def demand(step: Step, name: str, holds: bool, where: str) -> None:
    step.count("invariants checked")
    if not holds:
        step.fail(SETTLEMENT, f"the invariant {name} does not hold: {where}")
