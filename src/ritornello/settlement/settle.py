"""One settlement from beginning to end: a period in, the rows of the result folder out (docs/formats/settlement.md)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ritornello.domain.period import Period
from ritornello.settlement.after_tail import find_after_tail
from ritornello.settlement.allocate import Allocation, Line, allocate
from ritornello.settlement.balances import correct_balances, keep_reserves, settle_balances
from ritornello.settlement.books import Books
from ritornello.settlement.catalogues import Catalogues
from ritornello.settlement.correct import Amended, Delta, amend
from ritornello.settlement.estimate import Estimate
from ritornello.settlement.heard import Heard
from ritornello.settlement.invariants import check
from ritornello.settlement.pools import Pool, form_pools
from ritornello.settlement.post import post, post_correction
from ritornello.settlement.receipts import collect_receipts, form_parts
from ritornello.settlement.released import drop_unclaimed
from ritornello.settlement.rows import Rows, tables_of, totals_of
from ritornello.settlement.trained import Trained
from ritornello.settlement.weights import weigh

Divide = Callable[[Period, Sequence[Pool], Mapping[str, Mapping[str, int]]], Allocation]
Amend = Callable[[Period, Sequence[Pool], Mapping[str, Mapping[str, int]]], Amended]


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result's tables by name (without those whose rows are stored), its totals per currency, and the checks it passed."""

    tables: dict[str, Rows]
    totals: Rows
    checks: tuple[str, ...]
    lines: Sequence[Line]
    deltas: Sequence[Delta]


def settle(period: Period, heard: Heard | None = None, divide: Divide = allocate, amend: Amend = amend) -> Settlement:
    """Divide the period's money, or correct what was divided; `heard`, `divide`, `amend`: where an engine has summed use and makes the lines.

    Raises BadInput for money that nothing divides; a failed invariant is an AssertionError.
    """
    books = _keep_books(period, heard or Heard(period), divide, amend)
    checks = check(books)
    failed = [name for name, passed in checks if not passed]
    assert not failed, f"settlement {period.settlement_id} breaks {', '.join(failed)}; nothing was written"
    return Settlement(tables_of(books), totals_of(books), tuple(name for name, _ in checks), books.allocation.lines, books.deltas)


def _keep_books(period: Period, heard: Heard, divide: Divide, amend: Amend) -> Books:
    receipts = collect_receipts(period)
    after_tail = find_after_tail(period, receipts, heard)
    parts = form_parts(period, receipts)
    trained = Trained(period)
    estimate = Estimate(period, heard, trained, Catalogues(period))
    pools = form_pools(period, parts, estimate)
    weights = drop_unclaimed(period, pools, weigh(period, pools, parts, estimate, trained))
    if period.corrects is None:
        allocation = divide(period, pools, weights)
        balances = settle_balances(period, pools, allocation.lines)
        postings = post(period, receipts, pools, allocation.lines, balances)
        reserves = keep_reserves(period, balances)
        return Books(period, receipts, pools, allocation, frozenset(), [], balances, reserves, postings, after_tail)
    amended = amend(period, pools, weights)
    currency_of = {pool.pool: pool.currency for pool in period.previous_pools} | {pool.name: pool.currency for pool in pools}
    balances = correct_balances(period, amended.deltas, currency_of)
    postings = post_correction(period, receipts, pools, amended.deltas)
    reserves = keep_reserves(period, [])
    return Books(period, receipts, pools, amended.allocation, amended.kept, amended.deltas, balances, reserves, postings, after_tail)
