"""What must be true of every settlement. A failed check is a broken promise of ours: the run stops before anything is written."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.ledger import Posting, unbalanced
from ritornello.domain.period import StandingLine
from ritornello.settlement.allocate import Line
from ritornello.settlement.books import Books
from ritornello.settlement.correct import Delta
from ritornello.settlement.rows import totals_of

_Payees = Mapping[tuple[str, str], Sequence[int]]  # (pool, payee) → numerator, units


def check(books: Books) -> list[tuple[str, bool]]:
    """(name, passed) of every invariant, in the order of docs/formats/settlement.md."""
    allocation = books.allocation
    payees: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in allocation.lines:
        payees[line.pool, line.payee][0] += line.numerator
        payees[line.pool, line.payee][1] += line.units
    numerators, allocated = (_by_pool(payees, field) for field in (0, 1))
    return [
        ("receipts_total", _receipts_agree(books)),
        ("lanes_total", _lanes_agree(books)),
        ("splits_total", all(sum(share.share_e8 for share in split.shares) == WHOLE_E8 for split in allocation.splits.values())),
        ("numerators_total", numerators == {pool.name: allocation.denominators[pool.name] for pool in books.pools}),
        ("allocations_total", allocated == {pool.name: pool.units for pool in books.pools}),
        ("lines_within_one_unit", _near_exact(books, payees)),
        ("transfers_zero", not unbalanced(books.postings)),
        ("pools_cleared", not any(_sums(books.postings, "pool:").values())),
        ("balances_total", _balances_agree(books)),
        ("money_total", _money_agrees(books)),
        ("deltas_total", _deltas_agree(books)),
    ]


def _receipts_agree(books: Books) -> bool:
    """Per terms, income and currency: receipts = fees + pools; what ancestors get lies in pools of lineage."""
    found: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for receipt in books.receipts:
        sums = found[books.period.terms_of(receipt.model_version).version, receipt.income, receipt.currency]
        sums[0] += receipt.units - receipt.fee_units
        sums[1] += receipt.upstream_units
    for pool in books.pools:
        sums = found[pool.terms_version, pool.income, pool.currency]
        sums[0] -= pool.units
        sums[1] -= pool.units if pool.reason == "lineage" else 0
    return not any(rest for sums in found.values() for rest in sums)


def _lanes_agree(books: Books) -> bool:
    """No lane of an income is off its share by as much as a unit for each part that was divided."""
    sums: dict[tuple[int, str, str, str], int] = defaultdict(int)
    parts: dict[tuple[int, str, str], set[tuple[str, str, bool]]] = defaultdict(set)
    for pool in books.pools:
        sums[pool.terms_version, pool.income, pool.currency, pool.lane] += pool.units
        parts[pool.terms_version, pool.income, pool.currency].add((pool.model_version, pool.territory, pool.reason == "lineage"))
    lanes = {(terms.version, income.name): income.lanes for terms in books.period.all_terms() for income in terms.incomes}
    for (version, income, currency), counted in parts.items():
        shares = lanes[version, income]
        of_lane = {lane: sums[version, income, currency, lane] for lane in shares}
        total = sum(of_lane.values())
        if any(abs(units * 10**6 - total * shares[lane]) >= len(counted) * 10**6 for lane, units in of_lane.items()):
            return False
    return True


def _near_exact(books: Books, payees: _Payees) -> bool:
    units = {pool.name: pool.units for pool in books.pools}
    before: dict[str, set[str]] = defaultdict(set)
    for line in books.period.previous_lines:
        before[line.pool].add(line.payee)
    now: dict[str, set[str]] = defaultdict(set)
    for pool, payee in payees:
        now[pool].add(payee)
    bounds = {pool: 1 + len(now[pool] | before[pool]) if pool in books.kept else 1 for pool in now}
    return all(
        abs(amount * books.allocation.denominators[pool] - units[pool] * numerator) < bounds[pool] * books.allocation.denominators[pool]
        for (pool, _), (numerator, amount) in payees.items()
    )


def _balances_agree(books: Books) -> bool:
    """The ledger's movement of each account is what its balance says, and nothing is below zero that may not be."""
    moved = {**_sums(books.postings, "party:"), **_sums(books.postings, "held:")}
    for balance in books.balances:
        if -moved.pop((balance.account, balance.currency), 0) != balance.closing - balance.opening:
            return False
        parts = (balance.withheld, balance.released, *balance.recouped.values(), balance.tax, balance.fee, balance.paid)
        if min(parts) < 0 or (balance.party_id is None and balance.closing < 0):
            return False
        if balance.party_id is not None and balance.closing < min(0, balance.opening, balance.opening + balance.earned):
            return False
    recouped = {name: units for balance in books.balances for name, units in balance.recouped.items()}
    return not any(moved.values()) and all(recouped.get(advance.advance_id, 0) <= advance.open_units for advance in books.period.advances)


def _money_agrees(books: Books) -> bool:
    for total in totals_of(books):
        came = sum(int(total[f"{name}_units"]) for name in ("opening", "opening_reserves", "received"))
        went = sum(int(total[f"{name}_units"]) for name in ("recouped", "fees", "tax", "paid", "held", "reserved", "carried"))
        if came != went:
            return False
    return True


def _deltas_agree(books: Books) -> bool:
    """What stands + deltas = what stands now, line by line; all three ascend, so they are read side by side."""
    if books.period.corrects is None:
        return not books.deltas
    before = ((_key(line), 0, (line.numerator, line.units)) for line in books.period.previous_lines)
    deltas = (
        (_key(delta), 1, (delta.before_numerator, delta.before_units, delta.after_numerator, delta.after_units)) for delta in books.deltas
    )
    now = ((_key(line), 2, (line.numerator, line.units)) for line in books.allocation.lines)
    nothing = (0, 0)
    for _, group in groupby(merge(before, deltas, now), key=itemgetter(0)):
        found = {kind: numbers for _, kind, numbers in group}
        delta = found.get(1, (*found.get(0, nothing), *found.get(0, nothing)))
        if (found.get(0, nothing), found.get(2, nothing)) != (delta[:2], delta[2:]) or (1 not in found and len(found) != 2):
            return False
    return True


def _key(line: Line | StandingLine | Delta) -> tuple[str, str, str]:
    return line.pool, line.payee, line.recording_id


def _by_pool(payees: _Payees, field: int) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for (pool, _), values in payees.items():
        sums[pool] += values[field]
    return dict(sums)


def _sums(postings: Iterable[Posting], prefix: str) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        if posting.account.startswith(prefix):
            sums[posting.account, posting.currency] += posting.amount_units
    return sums
