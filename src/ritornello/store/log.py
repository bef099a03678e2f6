"""The transparency log: entries are only ever appended; their Merkle tree commits to all of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from ritornello.domain import merkle
from ritornello.formats.canonical import encode
from ritornello.store.schema import log_entry


@dataclass(frozen=True, slots=True)
class Proof:
    """Where an entry stands, and the way from it to the root of a tree of `tree_size`."""

    entry: str
    index: int
    tree_size: int
    hashes: tuple[str, ...]


def append(connection: Connection, kind: str, name: str, digest: str, at_us: int) -> int:
    """Append one entry; returns its position. Durable when the transaction commits."""
    entry = encode({"at_us": at_us, "hash": digest, "id": name, "kind": kind})
    position = size(connection)
    connection.execute(insert(log_entry).values(position=position, entry=entry.decode(), leaf=merkle.leaf_hash(entry)))
    return position


def size(connection: Connection) -> int:
    return int(connection.scalar(select(func.count()).select_from(log_entry)) or 0)


def read_leaves(connection: Connection) -> list[bytes]:
    """All leaf hashes in order. Each is recomputed from its entry: a changed entry is a broken promise."""
    rows = connection.execute(select(log_entry.c.entry, log_entry.c.leaf).order_by(log_entry.c.position)).all()
    assert all(merkle.leaf_hash(entry.encode()) == leaf for entry, leaf in rows), "the log was changed on disk"
    return [leaf for _, leaf in rows]


def read_entries(connection: Connection, start: int, limit: int) -> list[tuple[int, str]]:
    """(position, entry) from `start` on."""
    columns = select(log_entry.c.position, log_entry.c.entry).where(log_entry.c.position >= start)
    return [(position, entry) for position, entry in connection.execute(columns.order_by(log_entry.c.position).limit(limit))]


def prove(connection: Connection, leaves: list[bytes], wanted: Mapping[int, str]) -> list[Proof]:
    """Inclusion proofs of positions (their entries given) in the tree over `leaves`."""
    return [
        Proof(entry, position, len(leaves), tuple(step.hex() for step in merkle.inclusion_proof(leaves, position)))
        for position, entry in sorted(wanted.items())
    ]


def positions(connection: Connection) -> dict[tuple[str, str], tuple[int, str]]:
    """(kind, id) → (latest position, entry), for looking up artefacts."""
    found = {}
    for position, entry in connection.execute(select(log_entry.c.position, log_entry.c.entry).order_by(log_entry.c.position)):
        value = json.loads(entry)
        found[value["kind"], value["id"]] = (position, entry)
    return found
