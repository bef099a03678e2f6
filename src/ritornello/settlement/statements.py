"""What each payee reads, as rows: docs/formats/statement.md."""

from collections import defaultdict
from typing import Any

from ritornello.domain.catalogue import subject_of
from ritornello.domain.period import claims_by_lane
from ritornello.settlement.balances import Balance
from ritornello.settlement.books import Books


def state(books: Books) -> list[dict[str, Any]]:
    """One row per party and currency with a balance."""
    by_basis, count = _earned(books)
    held = _held_with_others(books)
    return [
        _row(books, balance, by_basis[balance.account, balance.currency], count[balance.account, balance.currency], held)
        for balance in books.balances
        if balance.party_id is not None
    ]


def _row(books: Books, balance: Balance, by_basis: dict[str, int], lines: int, held: dict[tuple[str, str], int]) -> dict[str, Any]:
    assert balance.party_id is not None
    recouped = sum(balance.recouped.values())
    return {
        "settlement_id": books.period.settlement_id,
        "corrects": books.period.corrects,
        "period_id": books.period.period_id,
        "programme_id": books.period.programme.programme_id,
        "party_id": balance.party_id,
        "name": books.period.parties[balance.party_id].name,
        "currency": balance.currency,
        "opening_units": str(balance.opening),
        "net_revenue_units": str(balance.earned),
        "net_costs_units": str(recouped + balance.tax + balance.fee),
        "recouped_units": str(recouped),
        "tax_units": str(balance.tax),
        "fee_units": str(balance.fee),
        "reserves_withheld_units": str(balance.withheld),
        "reserves_released_units": str(balance.released),
        "paid_units": str(balance.paid),
        "closing_units": str(balance.closing),
        "lines": lines,
        "by_basis": {basis: str(units) for basis, units in sorted(by_basis.items())},
        "held_with_others_units": str(held.get((balance.party_id, balance.currency), 0)),
    }


def _earned(books: Books) -> tuple[dict[tuple[str, str], dict[str, int]], dict[tuple[str, str], int]]:
    """What each payee earned by basis, and through how many lines; of a correction, the differences."""
    by_basis: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    count: dict[tuple[str, str], int] = defaultdict(int)
    rows = [(line.pool, line.payee, line.units) for line in (books.deltas if books.period.corrects else books.allocation.lines)]
    for pool, payee, units in rows:
        _, _, currency, _, _, basis = pool.split("/")
        by_basis[payee, currency][basis] += units
        count[payee, currency] += 1
    return by_basis, count


def _held_with_others(books: Books) -> dict[tuple[str, str], int]:
    """(party, currency) → held money of recordings on which the party has a claim in the same lane and territory."""
    period, pools = books.period, {pool.name: pool for pool in books.pools}
    by_lane = claims_by_lane(
        [claim for claim in period.claims if claim.known_at(period.known_at_us) and claim.in_force_on(period.last_day)]
    )
    held: dict[tuple[str, str], int] = defaultdict(int)
    for line in books.allocation.lines:
        if line.payee.startswith("held:") and line.recording_id:
            pool = pools[line.pool]
            kind, subject_id = subject_of(period.recordings[line.recording_id], pool.lane)
            claims = by_lane.get((kind, subject_id or "", pool.lane), [])
            for party_id in {claim.party_id for claim in claims if claim.applies_in(pool.territory)}:
                held[party_id, pool.currency] += line.units
    return held
