"""What each payee reads, as rows: docs/formats/statement.md."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ritornello.domain.catalogue import subject_of
from ritornello.domain.period import Period, claims_by_lane
from ritornello.settlement.allocate import Line
from ritornello.settlement.pools import Pool
from ritornello.settlement.post import Balance


def state(period: Period, pools: Sequence[Pool], lines: Sequence[Line], balances: Iterable[Balance]) -> list[dict[str, Any]]:
    """One row per party and currency with a balance."""
    by_name = {pool.name: pool for pool in pools}
    by_basis: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    count: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        pool = by_name[line.pool]
        by_basis[line.payee, pool.currency][pool.basis] += line.units
        count[line.payee, pool.currency] += 1
    held = _held_with_others(period, by_name, lines)
    return [
        {
            "settlement_id": period.settlement_id,
            "period_id": period.period_id,
            "programme_id": period.programme.programme_id,
            "party_id": (party_id := balance.account.removeprefix("party:")),
            "name": period.parties[party_id].name,
            "currency": balance.currency,
            "opening_units": str(balance.opening),
            "net_revenue_units": str(balance.earned),
            "net_costs_units": "0",
            "reserves_withheld_units": "0",
            "reserves_released_units": "0",
            "paid_units": str(balance.paid),
            "closing_units": str(balance.closing),
            "lines": count[balance.account, balance.currency],
            "by_basis": {basis: str(units) for basis, units in sorted(by_basis[balance.account, balance.currency].items())},
            "held_with_others_units": str(held.get((party_id, balance.currency), 0)),
        }
        for balance in balances
        if balance.account.startswith("party:")
    ]


def _held_with_others(period: Period, pools: Mapping[str, Pool], lines: Iterable[Line]) -> dict[tuple[str, str], int]:
    """(party, currency) → held money of recordings on which the party has a claim in the same lane and territory."""
    by_lane = claims_by_lane(
        [claim for claim in period.claims if claim.known_at(period.known_at_us) and claim.in_force_on(period.last_day)]
    )
    held: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        if line.payee.startswith("held:") and line.recording_id:
            pool = pools[line.pool]
            kind, subject_id = subject_of(period.recordings[line.recording_id], pool.lane)
            claims = by_lane.get((kind, subject_id or "", pool.lane), [])
            for party_id in {claim.party_id for claim in claims if claim.applies_in(pool.territory)}:
                held[party_id, pool.currency] += line.units
    return held
