"""A Merkle map: a root that commits to which keys are in, so that each key has exactly one provable answer.

The tree branches on the keys' bits, first bit first. A key stands as high as it can: where no other key shares its first bits. So the
bits of a key lead from the root to one place, which holds this key, another one, or nothing; nobody can build a root under which both
"in" and "not in" hold for a key, however the tree was made. (In a sorted list, whoever builds it could leave it unsorted.)

Keys and values are 32 bytes each. Hashes are SHA-256 over a first byte (2 leaf, 3 node, 4 nothing) and what follows it;
the first byte keeps them apart from the hashes of domain/merkle.py.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

KEY_BITS = 256
EMPTY = hashlib.sha256(b"\x04").digest()

Entry = tuple[bytes, bytes]  # (key, value)


@dataclass(frozen=True, slots=True)
class MapProof:
    """What stands where a key's bits lead: `found` is (key, value), or None for nothing; `siblings` are the other branches, root first."""

    siblings: tuple[bytes, ...]
    found: Entry | None


def sort_entries(entries: Sequence[Entry]) -> list[Entry]:
    """The entries in the order in which `root` and `prove` want them. A key that appears twice is a broken promise of the caller's."""
    ordered = sorted(entries)
    assert len({key for key, _ in ordered}) == len(ordered), "a key twice in a map"
    assert all(len(key) == len(value) == 32 for key, value in ordered)
    return ordered


def root(entries: Sequence[Entry]) -> bytes:
    """The root over sorted entries."""
    return _root(entries, 0, len(entries), 0)


def prove(entries: Sequence[Entry], key: bytes) -> MapProof:
    """What the map over sorted entries says about a key."""
    start, end, depth = 0, len(entries), 0
    siblings = []
    while end - start > 1:
        middle = _split(entries, start, end, depth)
        if _bit(key, depth):
            siblings.append(_root(entries, start, middle, depth + 1))
            start = middle
        else:
            siblings.append(_root(entries, middle, end, depth + 1))
            end = middle
        depth += 1
    return MapProof(tuple(siblings), entries[start] if end > start else None)


def proved_root(key: bytes, proof: MapProof) -> bytes | None:
    """The root of the map that the proof is about, or None when it says nothing about this key. Compare it with one from somebody you trust;
    then the key is in exactly when `proof.found` has this key."""
    depth = len(proof.siblings)
    if len(key) != 32 or depth > KEY_BITS or any(len(sibling) != 32 for sibling in proof.siblings):
        return None
    current = EMPTY
    if proof.found is not None:
        other, value = proof.found
        if len(other) != 32 or len(value) != 32 or any(_bit(other, place) != _bit(key, place) for place in range(depth)):
            return None
        current = _leaf(other, value)
    for place in range(depth - 1, -1, -1):
        pair = (proof.siblings[place], current) if _bit(key, place) else (current, proof.siblings[place])
        current = _node(*pair)
    return current


def _root(entries: Sequence[Entry], start: int, end: int, depth: int) -> bytes:
    if start == end:
        return EMPTY
    if end - start == 1:
        return _leaf(*entries[start])
    middle = _split(entries, start, end, depth)
    return _node(_root(entries, start, middle, depth + 1), _root(entries, middle, end, depth + 1))


def _split(entries: Sequence[Entry], start: int, end: int, depth: int) -> int:
    """Where, among entries that share their first `depth` bits, those begin whose next bit is 1."""
    prefix = int.from_bytes(entries[start][0], "big") >> (KEY_BITS - depth) << (KEY_BITS - depth)
    first = (prefix | 1 << (KEY_BITS - 1 - depth)).to_bytes(32, "big")
    return bisect_left(entries, first, start, end, key=lambda entry: entry[0])


def _bit(key: bytes, place: int) -> int:
    return key[place >> 3] >> (7 - (place & 7)) & 1


def _leaf(key: bytes, value: bytes) -> bytes:
    return hashlib.sha256(b"\x02" + key + value).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x03" + left + right).digest()
