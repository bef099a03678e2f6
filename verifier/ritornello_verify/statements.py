"""The statements (statement.md): a row for each party and currency with a balance."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ritornello_verify.allocation import Allocation, Allocator
from ritornello_verify.balances import Balances
from ritornello_verify.claims import DISPUTE, SUSPENSE
from ritornello_verify.earnings import PARTY, Account, Earnings
from ritornello_verify.period import Period
from ritornello_verify.reading import Values
from ritornello_verify.report import Malformed, show


@dataclass
class Held:
    """Money held in suspense or dispute, by each account of a party that claims the recording in that lane and territory."""

    allocator: Allocator
    units: dict[Account, int] = field(default_factory=lambda: defaultdict(int))

    def add_allocation(self, allocation: Allocation) -> None:
        currency = allocation.pool.part.currency
        for line in allocation.lines:
            if line.payee in (SUSPENSE, DISPUTE):
                for party_id in self.allocator.find_set(line.recording_id, allocation.pool).claimants:
                    self.units[f"{PARTY}{party_id}", currency] += line.units


def make_statements(period: Period, earnings: Earnings, held: Held, balances: Balances) -> Iterator[Values]:
    header = period.header
    rows = [(account.removeprefix(PARTY), currency) for account, currency in balances if account.startswith(PARTY)]
    for party_id, currency in sorted(rows):
        account = f"{PARTY}{party_id}", currency
        party, balance = period.parties.get(party_id), balances[account]
        if party is None:
            raise Malformed("period/parties.jsonl", f"party {show(party_id)} has a balance but no row")
        recouped = balance.find_recouped()
        yield {
            "settlement_id": header.settlement_id,
            "corrects": header.corrects,
            "period_id": header.period_id,
            "programme_id": header.programme_id,
            "party_id": party_id,
            "name": party.name,
            "currency": currency,
            "opening_units": str(balance.opening),
            "net_revenue_units": str(balance.earned),
            "net_costs_units": str(recouped + balance.tax + balance.fee),
            "recouped_units": str(recouped),
            "tax_units": str(balance.tax),
            "fee_units": str(balance.fee),
            "reserves_withheld_units": str(balance.withheld),
            "reserves_released_units": str(balance.released),
            "paid_units": str(balance.paid),
            "closing_units": str(balance.find_closing()),
            "lines": earnings.lines.get(account, 0),
            "by_basis": write_sums(earnings.by_basis.get(account, {})),
            "by_terms": write_sums(earnings.by_terms.get(account, {})),
            "after_tail_units": str(earnings.after_tail.get(account, 0)),
            "held_with_others_units": str(held.units.get(account, 0)),
        }


def write_sums(sums: dict[str, int]) -> dict[str, str]:
    return {name: str(units) for name, units in sorted(sums.items())}
