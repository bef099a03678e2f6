"""Batches to post in tests."""

from collections.abc import Mapping

from ritornello.domain.ledger import Batch, Posting
from ritornello.formats.ledger_batch import encode_postings

EARN = {"received:fee": 1_000_000, "party:ana": -700_000, "held:suspense": -300_000}


def batch(name: str, kind: str = "adjustment", programme: str = "p") -> Batch:
    return Batch(name, kind, programme, None)


def transfer(name: str, amounts: Mapping[str, int], currency: str = "EUR", state: str = "posted") -> list[Posting]:
    """The postings of one transfer: account → units."""
    return [Posting(name, account, currency, units, state) for account, units in amounts.items()]


def encode_many(name: str, transfers: int) -> bytes:
    """The table of a batch with so many transfers, three postings each, to different parties."""
    rows = []
    for number in range(transfers):
        amounts = {"held:suspense": -1 - number, f"party:{number:07d}": -7, f"pool:x/{number % 10}": 8 + number}
        rows += transfer(f"{name}/allocate/{number:09d}", amounts, ("EUR", "SEK", "JPY")[number % 3])
    return encode_postings(rows)
