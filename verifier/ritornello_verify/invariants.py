"""The invariants of settlement.md, asked of the recomputed settlement."""

from collections import defaultdict
from collections.abc import Iterable

from ritornello_verify.allocation import Allocation
from ritornello_verify.claims import SplitSet
from ritornello_verify.kinds import WHOLE_SHARE
from ritornello_verify.ledger import HELD, PARTY, Account, Balance, Posting
from ritornello_verify.programme import MILLION, Programme
from ritornello_verify.reading import Values
from ritornello_verify.receipts import Receipt
from ritornello_verify.report import Step

SETTLEMENT = "result/settlement.json"
NAMES = (
    "lanes_total",
    "splits_total",
    "numerators_total",
    "allocations_total",
    "lines_within_one_unit",
    "transfers_zero",
    "pools_cleared",
    "balances_total",
    "money_total",
)


def check_pool(allocation: Allocation, step: Step) -> None:
    """Per pool: numerators, amounts, and each payee within one unit of the exact value."""
    pool, denominator = allocation.pool, allocation.denominator
    numerators: dict[str, int] = defaultdict(int)
    for line in allocation.lines:
        numerators[line.payee] += line.find_numerator()
    amounts = allocation.sum_payees()
    demand(step, "numerators_total", sum(numerators.values()) == denominator, pool.name)
    demand(step, "allocations_total", sum(amounts.values()) == pool.units, pool.name)
    close = all(abs(units * denominator - pool.units * numerators[payee]) < denominator for payee, units in amounts.items())
    demand(step, "lines_within_one_unit", close, pool.name)


def check_terms(programme: Programme, sets: Iterable[SplitSet], step: Step) -> None:
    demand(step, "lanes_total", sum(programme.lanes.values()) == MILLION, "programme.toml")
    demand(step, "splits_total", all(sum(share.share_e8 for share in found.shares) == WHOLE_SHARE for found in sets), "a split set")


def check_postings(postings: list[Posting], step: Step) -> None:
    transfers: dict[Account, int] = defaultdict(int)
    pools: dict[Account, int] = defaultdict(int)
    for posting in postings:
        transfers[posting.transfer_id, posting.currency] += posting.units
        if posting.account.startswith("pool:"):
            pools[posting.account, posting.currency] += posting.units
    demand(step, "transfers_zero", not any(transfers.values()), "a transfer")
    demand(step, "pools_cleared", not any(pools.values()), "a pool's account")


def total_money(receipts: list[Receipt], balances: dict[Account, Balance], step: Step) -> list[Values]:
    """`totals` of settlement.json, with the last two invariants."""
    demand(step, "balances_total", all(balance.find_closing() >= 0 for balance in balances.values()), "a closing balance is negative")
    received: dict[str, int] = defaultdict(int)
    for receipt in receipts:
        received[receipt.currency] += receipt.units
    totals = []
    for currency in sorted({*received, *(currency for _, currency in balances)}):
        own = {account: balance for (account, other), balance in balances.items() if other == currency}
        opening, paid = sum(balance.opening for balance in own.values()), sum(balance.paid for balance in own.values())
        held = sum(balance.find_closing() for account, balance in own.items() if account.startswith(HELD))
        carried = sum(balance.find_closing() for account, balance in own.items() if account.startswith(PARTY))
        demand(step, "money_total", opening + received[currency] == paid + held + carried, currency)
        totals.append(
            {
                "currency": currency,
                "opening_units": str(opening),
                "received_units": str(received[currency]),
                "paid_units": str(paid),
                "held_units": str(held),
                "carried_units": str(carried),
            }
        )
    return totals


def demand(step: Step, name: str, holds: bool, where: str) -> None:
    step.count("invariants checked")
    if not holds:
        step.fail(SETTLEMENT, f"the invariant {name} does not hold: {where}")
