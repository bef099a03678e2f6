"""What each payee reads, as rows: docs/formats/statement.md."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ritornello.domain.catalogue import subject_of
from ritornello.domain.period import claims_by_lane
from ritornello.settlement.balances import Balance
from ritornello.settlement.books import Books

_Account = tuple[str, str]  # account, currency
_Sums = dict[_Account, dict[str, int]]


def state(books: Books) -> list[dict[str, Any]]:
    """One row per party and currency with a balance."""
    by_basis, by_terms, count, after_tail = _earned(books)
    held = _held_with_others(books)
    return [
        {
            **_row(books, balance, held),
            "lines": count[balance.account, balance.currency],
            "by_basis": _digits(by_basis[balance.account, balance.currency]),
            "by_terms": _digits(by_terms[balance.account, balance.currency]),
            "after_tail_units": str(after_tail.get((balance.account, balance.currency), 0)),
        }
        for balance in books.balances
        if balance.party_id is not None
    ]


def _row(books: Books, balance: Balance, held: Mapping[_Account, int]) -> dict[str, Any]:
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
        "held_with_others_units": str(held.get((balance.party_id, balance.currency), 0)),
    }


def _digits(sums: Mapping[str, int]) -> dict[str, str]:
    return {name: str(units) for name, units in sorted(sums.items())}


def _earned(books: Books) -> tuple[_Sums, _Sums, Mapping[_Account, int], Mapping[_Account, int]]:
    """What each payee earned by basis and by version of the terms, through how many lines, and after tails; of a correction, the differences."""
    by_basis: _Sums = defaultdict(lambda: defaultdict(int))
    by_terms: _Sums = defaultdict(lambda: defaultdict(int))
    count: dict[_Account, int] = defaultdict(int)
    versions = {pool.pool: pool.terms_version for pool in books.period.previous_pools}
    versions |= {pool.name: pool.terms_version for pool in books.pools}
    over = {(row.model_version, row.recording_id) for row in books.after_tail}
    after_tail: dict[_Account, int] = defaultdict(int)
    for line in books.deltas if books.period.corrects else books.allocation.lines:
        _, model_version, currency, _, _, basis = line.pool.split("/")
        by_basis[line.payee, currency][basis] += line.units
        by_terms[line.payee, currency][str(versions[line.pool])] += line.units
        count[line.payee, currency] += 1
        if (model_version, line.recording_id) in over:
            after_tail[line.payee, currency] += line.units
    return by_basis, by_terms, count, after_tail


def _held_with_others(books: Books) -> dict[tuple[str, str], int]:
    """(party, currency) → held money of recordings on which the party has a claim in the same lane and territory."""
    period, pools = books.period, {pool.name: pool for pool in books.pools}
    by_lane = claims_by_lane(
        [claim for claim in period.claims if claim.known_at(period.claims_known_at_us) and claim.in_force_on(period.last_day)]
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
