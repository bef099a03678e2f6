"""Everything that one settlement works out, between the period it reads and the tables it writes."""

from collections.abc import Sequence
from dataclasses import dataclass

from ritornello.domain.ledger import Posting
from ritornello.domain.period import Period, Reported, Withheld
from ritornello.settlement.after_tail import AfterTail
from ritornello.settlement.allocate import Allocation
from ritornello.settlement.balances import Balance
from ritornello.settlement.correct import Delta
from ritornello.settlement.pools import Pool


@dataclass(frozen=True, slots=True)
class Books:
    """One settlement's results as records; every sequence ascends by the key of its table."""

    period: Period
    receipts: Sequence[Reported]
    pools: Sequence[Pool]
    allocation: Allocation
    kept: frozenset[str]  # pools in which a correction kept amounts
    deltas: Sequence[Delta]
    balances: Sequence[Balance]
    reserves: Sequence[Withheld]
    postings: Sequence[Posting]
    after_tail: Sequence[AfterTail]
