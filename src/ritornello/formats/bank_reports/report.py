"""What a bank's file says about payouts, whatever its format."""

from dataclasses import dataclass, field

from ritornello.domain.errors import Problem
from ritornello.domain.payout_account import mask_within

ACCEPTED, REJECTED, BOOKED, RETURNED, UNCLEAR = "accepted", "rejected", "booked", "returned", "unclear"


@dataclass(frozen=True, slots=True)
class Amount:
    """Exact, in the currency's minor units."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Item:
    """One statement about one payout, or about a whole file or block of it where there is no end-to-end identification."""

    place: str  # where in the file, for people
    says: str
    end_to_end_id: str | None = None
    message_id: str | None = None
    block_id: str | None = None
    amounts: tuple[Amount, ...] = ()  # the one that moved first; others in other currencies
    count: int | None = None  # payments in the block, where the bank says so
    reason_code: str | None = None
    information: str | None = None  # the bank's own words, masked
    why_unclear: str | None = None


@dataclass(slots=True)
class BankReport:
    """A file of a bank: what it is, what it says about payouts, and how many of its entries are about something else."""

    file: str
    kind: str
    items: list[Item] = field(default_factory=list)
    others: int = 0
    problems: list[Problem] = field(default_factory=list)

    def problem(self, row: int | None, place: str | None, what: str, todo: str) -> None:
        self.problems.append(Problem(self.file, row, place, mask_within(what), todo))
