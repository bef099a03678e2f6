"""A ledger batch as bytes: its postings as a table, its header as one line whose hash chains it to the batch before (docs/formats/ledger.md)."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict

from ritornello.domain import merkle
from ritornello.domain.ledger import Header, Posting
from ritornello.formats.canonical import encode, lines

BATCH_FORMAT = "ritornello-ledger-batch-1"
POSTING_KEY = ("transfer_id", "account", "currency")
_WRITE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode  # RFC 8785 for rows of texts with ASCII keys


def encode_posting(posting: Posting) -> bytes:
    """The posting as a line of postings.jsonl, without its line end."""
    row = {
        "account": posting.account,
        "amount_units": str(posting.amount_units),
        "currency": posting.currency,
        "state": posting.state,
        "transfer_id": posting.transfer_id,
    }
    return _WRITE(row).encode()


def encode_postings(postings: Iterable[Posting]) -> bytes:
    """The table of postings, which come ascending by transfer, account and currency."""
    return b"".join(encode_posting(posting) + b"\n" for posting in postings)


def decode_postings(table: bytes) -> list[Posting]:
    """The rows of a postings.jsonl of ours."""
    return [Posting(**{**row, "amount_units": int(row["amount_units"])}) for row in map(json.loads, lines(table))]


def root_of(postings: Iterable[Posting]) -> str:
    """The Merkle root (hex) over the postings' lines; they come ascending by transfer, account and currency."""
    return merkle.root(merkle.leaf_hash(encode_posting(posting)) for posting in postings).hex()


def encode_header(header: Header) -> bytes:
    """The header as canonical JSON, without a line end."""
    return encode({"format": BATCH_FORMAT, **asdict(header)})


def hash_header(header: Header) -> str:
    return hashlib.sha256(encode_header(header)).hexdigest()
