"""What allocations add up to, by account: the money, and what statements say of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ritornello_verify.allocation import Allocation
from ritornello_verify.correction import Delta
from ritornello_verify.period import Period

PARTY, HELD = "party:", "held:"

Account = tuple[str, str]
"""Account name and currency."""


@dataclass
class Earnings:
    """In ledger units. `recordings`: of accounts with an advance alone. `lines`: how many. `moved`: accounts with a line that is not 0."""

    period: Period
    units: dict[Account, int] = field(default_factory=dict)
    lines: dict[Account, int] = field(default_factory=lambda: defaultdict(int))
    by_basis: dict[Account, dict[str, int]] = field(default_factory=dict)
    by_terms: dict[Account, dict[str, int]] = field(default_factory=dict)
    moved: set[Account] = field(default_factory=set)
    recordings: dict[Account, dict[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        advances = self.period.advances
        self.recordings = {(f"{PARTY}{advance.party_id}", advance.currency): defaultdict(int) for advance in advances}

    def add_allocation(self, allocation: Allocation) -> None:
        pool = allocation.pool
        for line in allocation.lines:
            self.add((line.payee, pool.part.currency), pool.basis, pool.part.terms.version, line.recording_id, line.units)

    def add_deltas(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            place = delta.place
            self.add((delta.payee, place.currency), delta.find_basis(), place.terms_version, delta.recording_id, delta.find_units())

    def add(self, account: Account, basis: str, version: int, recording_id: str, units: int) -> None:
        self.units[account] = self.units.get(account, 0) + units
        self.lines[account] += 1
        if units:
            self.moved.add(account)
        for sums, name in ((self.by_basis, basis), (self.by_terms, str(version))):
            own = sums.setdefault(account, {})
            own[name] = own.get(name, 0) + units
        if account in self.recordings:
            self.recordings[account][recording_id] += units
