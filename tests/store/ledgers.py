"""Batches to post in tests."""

from collections.abc import Iterator, Mapping

from ritornello.domain.ledger import Batch, Posting

EARN = {"received:fee": 1_000_000, "party:ana": -700_000, "held:suspense": -300_000}


def batch(name: str, kind: str = "adjustment", programme: str = "p") -> Batch:
    return Batch(name, kind, programme, None)


def transfer(name: str, amounts: Mapping[str, int], currency: str = "EUR", state: str = "posted") -> Iterator[Posting]:
    """The postings of one transfer: account → units."""
    for account, units in amounts.items():
        yield Posting(name, account, currency, units, state)
