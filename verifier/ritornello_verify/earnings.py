"""What allocations add up to, by account: the money, and what statements say of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ritornello_verify.after_tail import Over
from ritornello_verify.allocation import Allocation
from ritornello_verify.correction import Delta
from ritornello_verify.period import Period

PARTY, HELD = "party:", "held:"

Account = tuple[str, str]
"""Account name and currency."""


@dataclass
class Earnings:
    """In ledger units. `over`: what is used after a tail. `recordings`: of accounts with an advance alone.
    `lines`: how many. `moved`: accounts with a line that is not 0."""

    period: Period
    over: Over = frozenset()
    units: dict[Account, int] = field(default_factory=dict)
    lines: dict[Account, int] = field(default_factory=lambda: defaultdict(int))
    by_basis: dict[Account, dict[str, int]] = field(default_factory=dict)
    by_terms: dict[Account, dict[str, int]] = field(default_factory=dict)
    after_tail: dict[Account, int] = field(default_factory=dict)
    moved: set[Account] = field(default_factory=set)
    recordings: dict[Account, dict[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        advances = self.period.advances
        self.recordings = {(f"{PARTY}{advance.party_id}", advance.currency): defaultdict(int) for advance in advances}

    def add_allocation(self, allocation: Allocation) -> None:
        pool = allocation.pool
        for line in allocation.lines:
            account = line.payee, pool.part.currency
            self.add(account, pool.basis, pool.part.terms.version, line.recording_id, line.units)
            self.add_after_tail(account, pool.part.model_version, line.recording_id, line.units)

    def add_deltas(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            place = delta.place
            account = delta.payee, place.currency
            self.add(account, delta.find_basis(), place.terms_version, delta.recording_id, delta.find_units())
            self.add_after_tail(account, place.pool.split("/")[1], delta.recording_id, delta.find_units())

    def add_after_tail(self, account: Account, model_version: str, recording_id: str, units: int) -> None:
        if (model_version, recording_id) in self.over:
            self.after_tail[account] = self.after_tail.get(account, 0) + units

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
