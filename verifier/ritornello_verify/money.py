"""Step 4 of bundle.md: the settlement recomputed from the period folder alone, against every row of the result folder."""

from collections.abc import Iterator

from ritornello_verify.allocation import Allocation, Allocator, make_line_id
from ritornello_verify.bundle import Bundle
from ritornello_verify.comparison import compare_rows
from ritornello_verify.currency import MINOR_DIGITS
from ritornello_verify.invariants import check_pool, check_postings, check_terms, total_money
from ritornello_verify.ledger import Account, Balance, Ledger
from ritornello_verify.period import Period
from ritornello_verify.reading import Values
from ritornello_verify.receipts import Pool, divide_receipts, find_receipts, sum_uses
from ritornello_verify.report import Step
from ritornello_verify.settlement import check_settlement
from ritornello_verify.statements import make_statements, note_held


def check_money(bundle: Bundle, period: Period, step: Step) -> None:
    """Recompute and compare, table by table."""
    receipts, uses = find_receipts(period), sum_uses(period)
    pools = divide_receipts(period, receipts, uses)
    allocator, ledger = Allocator(period, uses), Ledger(period)
    ledger.post_receipts(receipts, pools)
    pool_rows: list[Values] = []
    lines = make_lines(pools, allocator, ledger, pool_rows, step)
    compare_rows(bundle, "result/allocations.jsonl", lines, step, "allocation lines recomputed")
    compare_rows(bundle, "result/pools.jsonl", pool_rows, step, "pools recomputed")
    compare_rows(bundle, "result/splits.jsonl", make_splits(allocator), step, "split shares recomputed")
    payouts = ledger.find_payouts()
    ledger.post_payouts(payouts)
    compare_rows(bundle, "result/postings.jsonl", make_postings(ledger), step, "postings recomputed")
    balances = ledger.find_balances(payouts)
    compare_rows(bundle, "result/balances.jsonl", make_balances(balances), step, "balances recomputed")
    compare_rows(bundle, "result/payouts.jsonl", make_payouts(period, payouts), step, "payouts recomputed")
    compare_rows(bundle, "result/statements.jsonl", make_statements(ledger, balances), step, "statements recomputed")
    check_terms(period.programme, allocator.sets.values(), step)
    check_postings(ledger.postings, step)
    check_settlement(bundle, period, total_money(receipts, balances, step), step)


def make_lines(pools: list[Pool], allocator: Allocator, ledger: Ledger, pool_rows: list[Values], step: Step) -> Iterator[Values]:
    """Rows of allocations.jsonl, pool by pool; the ledger and the rows of pools.jsonl grow on the way."""
    for pool in pools:
        allocation = allocator.allocate(pool)
        check_pool(allocation, step)
        ledger.post_allocation(allocation)
        note_held(ledger, allocator, allocation)
        pool_rows.append(make_pool(allocation))
        for line in allocation.lines:
            yield {
                "pool": pool.name,
                "payee": line.payee,
                "recording_id": line.recording_id,
                "line_id": make_line_id(ledger.period.header.settlement_id, pool.name, line.payee, line.recording_id),
                "weight": str(line.weight),
                "share_e8": line.share_e8,
                "numerator": str(line.find_numerator()),
                "amount_units": str(line.units),
            }


def make_pool(allocation: Allocation) -> Values:
    pool = allocation.pool
    return {
        "pool": pool.name,
        "income": pool.receipt.income.name,
        "model_version": pool.receipt.model_version,
        "currency": pool.receipt.currency,
        "territory": pool.receipt.territory,
        "lane": pool.lane,
        "basis": pool.basis,
        "reason": pool.reason,
        "amount_units": str(pool.units),
        "denominator": str(allocation.denominator),
        "recordings": allocation.recordings,
    }


def make_splits(allocator: Allocator) -> Iterator[Values]:
    for (recording_id, lane, territory), found in sorted(allocator.sets.items(), key=lambda item: item[0]):
        for share in found.shares:
            yield {
                "recording_id": recording_id,
                "lane": lane,
                "territory": territory,
                "payee": share.payee,
                "status": found.status,
                "declared_e8": share.declared_e8,
                "share_e8": share.share_e8,
                "claim_ids": list(share.claim_ids),
            }


def make_postings(ledger: Ledger) -> Iterator[Values]:
    for posting in sorted(ledger.postings, key=lambda posting: (posting.transfer_id, posting.account)):
        yield {
            "transfer_id": posting.transfer_id,
            "account": posting.account,
            "currency": posting.currency,
            "amount_units": str(posting.units),
            "state": posting.state,
        }


def make_balances(balances: dict[Account, Balance]) -> Iterator[Values]:
    for (account, currency), balance in balances.items():
        yield {
            "account": account,
            "currency": currency,
            "opening_units": str(balance.opening),
            "earned_units": str(balance.earned),
            "paid_units": str(balance.paid),
            "closing_units": str(balance.find_closing()),
        }


def make_payouts(period: Period, payouts: dict[Account, int]) -> Iterator[Values]:
    for (party_id, currency), units in payouts.items():
        yield {
            "party_id": party_id,
            "currency": currency,
            "payout_id": f"{period.header.settlement_id}/{party_id}/{currency}",
            "amount_units": str(units),
            "minor_digits": MINOR_DIGITS[currency],
        }
