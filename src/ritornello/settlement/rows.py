"""A settlement's books as the rows of its tables: the result folder of docs/formats/settlement.md."""

from collections import defaultdict
from typing import Any

from ritornello.domain.money import digits_of
from ritornello.domain.period import Reported
from ritornello.settlement.balances import Balance
from ritornello.settlement.books import Books
from ritornello.settlement.correct import Delta
from ritornello.settlement.pools import Pool
from ritornello.settlement.statements import state

Rows = list[dict[str, Any]]
TOTALS = ("opening", "opening_reserves", "received", "recouped", "fees", "tax", "paid", "held", "reserved", "carried")


def tables_of(books: Books) -> dict[str, Rows]:
    """Every table of the result, by name."""
    return {
        "receipts": [_receipt_row(receipt) for receipt in books.receipts],
        "pools": _pool_rows(books),
        "splits": _split_rows(books),
        "allocations": _line_rows(books) if isinstance(books.allocation.lines, list) else [],
        "deltas": [_delta_row(delta) for delta in books.deltas] if isinstance(books.deltas, list) else [],
        "postings": [
            {
                "transfer_id": p.transfer_id,
                "account": p.account,
                "currency": p.currency,
                "amount_units": str(p.amount_units),
                "state": p.state,
            }
            for p in books.postings
        ],
        "balances": [_balance_row(balance) for balance in books.balances],
        "reserves_closing": [
            {
                "party_id": row.party_id,
                "currency": row.currency,
                "settlement_id": row.settlement_id,
                "units": str(row.units),
                "release_on": row.release_on.isoformat(),
            }
            for row in books.reserves
        ],
        "recoupments": _recoupment_rows(books),
        "payouts": _payout_rows(books),
        "statements": state(books),
        "after_tail": [
            {
                "model_version": row.model_version,
                "recording_id": row.recording_id,
                "party_id": row.party_id,
                "withdrawn_from": row.withdrawn_from.isoformat(),
                "tail_until": row.tail_until.isoformat(),
            }
            for row in books.after_tail
        ],
    }


def totals_of(books: Books) -> Rows:
    """Where each currency's money came from and went."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(TOTALS, 0))
    for sign, receipts, pools in (
        (1, books.receipts, [(pool.currency, pool.units) for pool in books.pools]),
        (-1, books.period.previous_receipts, [(pool.currency, pool.units) for pool in books.period.previous_pools]),
    ):
        for receipt in receipts:
            sums[receipt.currency]["received"] += sign * receipt.fee_units
            sums[receipt.currency]["fees"] += sign * receipt.fee_units
        for currency, units in pools:
            sums[currency]["received"] += sign * units
    for name, rows in (("opening_reserves", books.period.reserves), ("reserved", books.reserves)):
        for row in rows:
            sums[row.currency][name] += row.units
    for balance in books.balances:
        total = sums[balance.currency]
        total["opening"] += balance.opening
        total["recouped"] += sum(balance.recouped.values())
        total["fees"] += balance.fee
        total["tax"] += balance.tax
        total["paid"] += balance.paid
        total["carried" if balance.party_id else "held"] += balance.closing
    return [
        {"currency": currency, **{f"{name}_units": str(units) for name, units in total.items()}}
        for currency, total in sorted(sums.items())
        if any(total.values())
    ]


def _receipt_row(receipt: Reported) -> dict[str, Any]:
    return {
        "income": receipt.income,
        "model_version": receipt.model_version,
        "territory": receipt.territory,
        "reported_currency": receipt.reported_currency,
        "reported_units": str(receipt.reported_units),
        "currency": receipt.currency,
        "added_units": str(receipt.added_units),
        "units": str(receipt.units),
        "fee_units": str(receipt.fee_units),
        "upstream_units": str(receipt.upstream_units),
    }


def _pool_rows(books: Books) -> Rows:
    recordings: dict[str, set[str]] = {pool.name: set() for pool in books.pools}
    for line in books.allocation.lines:
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
            "denominator": str(books.allocation.denominators[pool.name]),
            "recordings": len(recordings[pool.name]),
            "terms_version": pool.terms_version,
            **_signal(pool),
        }
        for pool in books.pools
    ]


def _signal(pool: Pool) -> dict[str, int | str]:
    """The columns of a pool that was asked for its signal."""
    found = pool.signal
    if found is None:
        return {}
    figures = {"signal_ppm": found.signal_ppm, "noise_ppm": found.noise_ppm, "min_signal_to_noise_e3": found.asked_e3}
    return {**figures, "compared_by": found.level}


def _split_rows(books: Books) -> Rows:
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
        for (recording_id, lane, territory), split in books.allocation.splits.items()
        for share in split.shares
    ]


def _line_rows(books: Books) -> Rows:
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
        for line in books.allocation.lines
    ]


def _delta_row(delta: Delta) -> dict[str, Any]:
    return {
        "pool": delta.pool,
        "payee": delta.payee,
        "recording_id": delta.recording_id,
        "line_id": delta.line_id,
        "before_numerator": str(delta.before_numerator),
        "after_numerator": str(delta.after_numerator),
        "before_units": str(delta.before_units),
        "after_units": str(delta.after_units),
        "delta_units": str(delta.units),
    }


def _balance_row(balance: Balance) -> dict[str, Any]:
    return {
        "account": balance.account,
        "currency": balance.currency,
        "opening_units": str(balance.opening),
        "earned_units": str(balance.earned),
        "withheld_units": str(balance.withheld),
        "released_units": str(balance.released),
        "recouped_units": str(sum(balance.recouped.values())),
        "tax_units": str(balance.tax),
        "fee_units": str(balance.fee),
        "paid_units": str(balance.paid),
        "closing_units": str(balance.closing),
    }


def _recoupment_rows(books: Books) -> Rows:
    if books.period.corrects:
        return []
    recouped = {name: units for balance in books.balances for name, units in balance.recouped.items()}
    return [
        {
            "advance_id": advance.advance_id,
            "party_id": advance.party_id,
            "currency": advance.currency,
            "opening_units": str(advance.open_units),
            "recouped_units": str(recouped.get(advance.advance_id, 0)),
            "closing_units": str(advance.open_units - recouped.get(advance.advance_id, 0)),
        }
        for advance in books.period.advances
        if advance.open_units
    ]


def _payout_rows(books: Books) -> Rows:
    return [
        {
            "payout_id": f"{books.period.settlement_id}/{balance.party_id}/{balance.currency}",
            "party_id": balance.party_id,
            "currency": balance.currency,
            "amount_units": str(balance.paid),
            "minor_digits": digits_of(balance.currency),
        }
        for balance in books.balances
        if balance.paid
    ]
