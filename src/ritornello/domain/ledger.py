"""Double entry: postings grouped in transfers that sum to zero per currency. Debit is positive, credit negative.

Chart of accounts: docs/ledger.md.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Posting:
    """One account's side of a transfer."""

    transfer_id: str
    account: str
    currency: str
    amount_units: int
    state: str  # "posted" or "pending"


def unbalanced(postings: Iterable[Posting]) -> list[tuple[str, str, int]]:
    """(transfer, currency, sum) of every transfer that does not sum to zero; empty when all is well."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        sums[posting.transfer_id, posting.currency] += posting.amount_units
    return [(transfer, currency, total) for (transfer, currency), total in sorted(sums.items()) if total]


def balances(postings: Iterable[Posting]) -> dict[tuple[str, str], int]:
    """(account, currency) → what is owed to the account: its credits minus its debits, in units."""
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        owed[posting.account, posting.currency] -= posting.amount_units
    return dict(owed)
