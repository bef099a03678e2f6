"""One settlement from beginning to end: a period in, the rows of the result folder out (docs/formats/settlement.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ritornello.domain.money import digits_of
from ritornello.domain.period import Period
from ritornello.settlement.allocate import Allocation, allocate
from ritornello.settlement.invariants import check
from ritornello.settlement.pools import Pool, collect_receipts, form_pools, measure_use
from ritornello.settlement.post import Balance, post, settle_balances
from ritornello.settlement.statements import state

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result's tables by name, its totals per currency, and the checks it passed."""

    tables: dict[str, Rows]
    totals: Rows
    checks: tuple[str, ...]


def settle(period: Period) -> Settlement:
    """Divide the period's money. Raises BadInput for money that nothing divides; a failed invariant is an AssertionError."""
    receipts = collect_receipts(period)
    pools = form_pools(period, receipts, measure_use(period))
    allocation = allocate(period, pools)
    balances = settle_balances(period, pools, allocation.lines)
    postings = post(period.settlement_id, pools, allocation.lines, balances)
    checks = check(receipts, pools, allocation, postings, balances)
    failed = [name for name, passed in checks if not passed]
    assert not failed, f"settlement {period.settlement_id} breaks {', '.join(failed)}; nothing was written"
    tables = {
        "pools": _pool_rows(pools, allocation),
        "splits": _split_rows(allocation),
        "allocations": _line_rows(allocation),
        "postings": [
            {
                "transfer_id": p.transfer_id,
                "account": p.account,
                "currency": p.currency,
                "amount_units": str(p.amount_units),
                "state": p.state,
            }
            for p in postings
        ],
        "balances": [_balance_row(balance) for balance in balances],
        "payouts": _payout_rows(period.settlement_id, balances),
        "statements": state(period, pools, allocation.lines, balances),
    }
    return Settlement(tables, _totals(receipts_by_currency(pools), balances), tuple(name for name, _ in checks))


def receipts_by_currency(pools: Sequence[Pool]) -> dict[str, int]:
    """Currency → units received."""
    received: dict[str, int] = {}
    for pool in pools:
        received[pool.currency] = received.get(pool.currency, 0) + pool.units
    return received


def _pool_rows(pools: Sequence[Pool], allocation: Allocation) -> Rows:
    recordings: dict[str, set[str]] = {pool.name: set() for pool in pools}
    for line in allocation.lines:
        if line.recording_id:
            recordings[line.pool].add(line.recording_id)
    return [
        {
            "pool": pool.name,
            "income": pool.income,
            "model_version": pool.model_version,
            "currency": pool.currency,
            "territory": pool.territory,
            "lane": pool.lane,
            "basis": pool.basis,
            "reason": pool.reason,
            "amount_units": str(pool.units),
            "denominator": str(allocation.denominators[pool.name]),
            "recordings": len(recordings[pool.name]),
        }
        for pool in pools
    ]


def _split_rows(allocation: Allocation) -> Rows:
    return [
        {
            "recording_id": recording_id,
            "lane": lane,
            "territory": territory,
            "payee": share.payee,
            "status": split.status,
            "declared_e8": share.declared_e8,
            "share_e8": share.share_e8,
            "claim_ids": list(share.claim_ids),
        }
        for (recording_id, lane, territory), split in allocation.splits.items()
        for share in split.shares
    ]


def _line_rows(allocation: Allocation) -> Rows:
    return [
        {
            "line_id": line.line_id,
            "pool": line.pool,
            "payee": line.payee,
            "recording_id": line.recording_id,
            "weight": str(line.weight),
            "share_e8": line.share_e8,
            "numerator": str(line.numerator),
            "amount_units": str(line.units),
        }
        for line in allocation.lines
    ]


def _balance_row(balance: Balance) -> dict[str, Any]:
    return {
        "account": balance.account,
        "currency": balance.currency,
        "opening_units": str(balance.opening),
        "earned_units": str(balance.earned),
        "paid_units": str(balance.paid),
        "closing_units": str(balance.closing),
    }


def _payout_rows(settlement_id: str, balances: Sequence[Balance]) -> Rows:
    return [
        {
            "payout_id": f"{settlement_id}/{balance.account.removeprefix('party:')}/{balance.currency}",
            "party_id": balance.account.removeprefix("party:"),
            "currency": balance.currency,
            "amount_units": str(balance.paid),
            "minor_digits": digits_of(balance.currency),
        }
        for balance in balances
        if balance.paid
    ]


def _totals(received: dict[str, int], balances: Sequence[Balance]) -> Rows:
    def total(currency: str, prefix: str, field: str) -> str:
        return str(sum(getattr(b, field) for b in balances if b.currency == currency and b.account.startswith(prefix)))

    return [
        {
            "currency": currency,
            "opening_units": total(currency, "", "opening"),
            "received_units": str(received.get(currency, 0)),
            "paid_units": total(currency, "party:", "paid"),
            "held_units": total(currency, "held:", "closing"),
            "carried_units": total(currency, "party:", "closing"),
        }
        for currency in sorted({*received, *(balance.currency for balance in balances)})
    ]
