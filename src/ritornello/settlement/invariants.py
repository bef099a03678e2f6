"""What must be true of every settlement. A failed check is a broken promise of ours: the run stops before anything is written."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.ledger import Posting, unbalanced
from ritornello.settlement.allocate import Allocation
from ritornello.settlement.pools import Pool, Receipt
from ritornello.settlement.post import Balance


def check(
    receipts: Iterable[Receipt], pools: Sequence[Pool], allocation: Allocation, postings: Sequence[Posting], balances: Sequence[Balance]
) -> list[tuple[str, bool]]:
    """(name, passed) of every invariant, in the order of docs/formats/settlement.md."""
    received: dict[str, int] = defaultdict(int)
    for receipt in receipts:
        received[receipt.currency] += receipt.units
    pooled: dict[str, int] = defaultdict(int)
    for pool in pools:
        pooled[pool.currency] += pool.units
    numerators: dict[str, int] = defaultdict(int)
    allocated: dict[str, int] = defaultdict(int)
    payees: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in allocation.lines:
        numerators[line.pool] += line.numerator
        allocated[line.pool] += line.units
        payees[line.pool, line.payee][0] += line.numerator
        payees[line.pool, line.payee][1] += line.units
    units = {pool.name: pool.units for pool in pools}
    return [
        ("lanes_total", received == pooled),
        ("splits_total", all(sum(share.share_e8 for share in split.shares) == WHOLE_E8 for split in allocation.splits.values())),
        ("numerators_total", dict(numerators) == {pool.name: allocation.denominators[pool.name] for pool in pools}),
        ("allocations_total", dict(allocated) == units),
        (
            "lines_within_one_unit",
            all(_within_one(units[pool], n, allocation.denominators[pool], amount) for (pool, _), (n, amount) in payees.items()),
        ),
        ("transfers_zero", not unbalanced(postings)),
        ("pools_cleared", not any(_sums(postings, "pool:").values())),
        ("balances_total", all(balance.closing >= 0 and balance.paid >= 0 for balance in balances) and _ledger_agrees(postings, balances)),
        ("money_total", _money_agrees(received, balances)),
    ]


def _within_one(pool_units: int, numerator: int, denominator: int, amount: int) -> bool:
    return abs(amount * denominator - pool_units * numerator) < denominator


def _sums(postings: Iterable[Posting], prefix: str) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        if posting.account.startswith(prefix):
            sums[posting.account, posting.currency] += posting.amount_units
    return sums


def _ledger_agrees(postings: Sequence[Posting], balances: Iterable[Balance]) -> bool:
    """The ledger's movement of each account is what its balance says: earned − paid."""
    moved = {**_sums(postings, "party:"), **_sums(postings, "held:")}
    return all(-moved.pop((balance.account, balance.currency), 0) == balance.earned - balance.paid for balance in balances) and not any(
        moved.values()
    )


def _money_agrees(received: dict[str, int], balances: Sequence[Balance]) -> bool:
    currencies = {*received, *(balance.currency for balance in balances)}
    return all(
        sum(balance.opening for balance in balances if balance.currency == currency) + received.get(currency, 0)
        == sum(balance.paid + balance.closing for balance in balances if balance.currency == currency)
        for currency in currencies
    )
