"""The statements (statement.md): a row for each party and currency with a balance."""

from collections.abc import Iterator

from ritornello_verify.allocation import Allocation, Allocator
from ritornello_verify.claims import DISPUTE, SUSPENSE
from ritornello_verify.ledger import PARTY, Account, Balance, Ledger
from ritornello_verify.reading import Values
from ritornello_verify.report import Malformed, show


def note_held(ledger: Ledger, allocator: Allocator, allocation: Allocation) -> None:
    """Add each line held in suspense or dispute to every party that claims the recording in this lane and territory."""
    currency = allocation.pool.receipt.currency
    for line in allocation.lines:
        if line.payee in (SUSPENSE, DISPUTE):
            for party_id in allocator.find_set(line.recording_id, allocation.pool).claimants:
                ledger.held_with_others[f"{PARTY}{party_id}", currency] += line.units


def make_statements(ledger: Ledger, balances: dict[Account, Balance]) -> Iterator[Values]:
    header = ledger.period.header
    rows = [(account.removeprefix(PARTY), currency) for account, currency in balances if account.startswith(PARTY)]
    for party_id, currency in sorted(rows):
        account = f"{PARTY}{party_id}", currency
        party, balance = ledger.period.parties.get(party_id), balances[account]
        if party is None:
            raise Malformed("period/parties.jsonl", f"party {show(party_id)} has a balance but no row")
        yield {
            "settlement_id": header.settlement_id,
            "period_id": header.period_id,
            "programme_id": header.programme_id,
            "party_id": party_id,
            "name": party.name,
            "currency": currency,
            "opening_units": str(balance.opening),
            "net_revenue_units": str(balance.earned),
            "net_costs_units": "0",
            "reserves_withheld_units": "0",
            "reserves_released_units": "0",
            "paid_units": str(balance.paid),
            "closing_units": str(balance.find_closing()),
            "lines": ledger.lines.get(account, 0),
            "by_basis": {basis: str(units) for basis, units in sorted(ledger.by_basis.get(account, {}).items())},
            "held_with_others_units": str(ledger.held_with_others.get(account, 0)),
        }
