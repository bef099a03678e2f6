"""A key has one answer under a root, whatever is tried."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ritornello.domain import merkle_map
from ritornello.domain.merkle_map import MapProof

# Keys that share long beginnings are as likely as others: they make the tree deep.
KEYS = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 40).map(lambda number: bytes(31) + bytes([number])),
    st.integers(0, 255).map(lambda place: (1 << place).to_bytes(32, "big")),
)


def _value(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


@given(st.sets(KEYS, max_size=60), st.sets(KEYS, min_size=1, max_size=10))
def test_members_are_in_and_others_are_not(members: set[bytes], others: set[bytes]) -> None:
    entries = merkle_map.sort_entries([(key, _value(key)) for key in members])
    root = merkle_map.root(entries)
    for key in members | others:
        proof = merkle_map.prove(entries, key)
        assert merkle_map.proved_root(key, proof) == root
        assert (proof.found is not None and proof.found == (key, _value(key))) == (key in members)


@given(st.sets(KEYS, min_size=1, max_size=40), st.data())
def test_no_proof_says_the_opposite(members: set[bytes], data: st.DataObject) -> None:
    entries = merkle_map.sort_entries([(key, _value(key)) for key in members])
    root = merkle_map.root(entries)
    key = data.draw(st.one_of(st.sampled_from(sorted(members)), KEYS))
    proof = merkle_map.prove(entries, key)
    if key in members:
        attempts = [MapProof(proof.siblings, None)] + [MapProof(proof.siblings, entry) for entry in entries if entry[0] != key]
        attempts += [merkle_map.prove(entries, other) for other in members if other != key]
        attempts += [MapProof(proof.siblings, (key, bytes(32)))]
    else:
        attempts = [MapProof(proof.siblings, (key, _value(other))) for other in members]
        attempts += [MapProof(proof.siblings[:-1], (key, _value(key)))] if proof.siblings else []
    assert all(merkle_map.proved_root(key, attempt) != root for attempt in attempts)


@given(st.sets(KEYS, min_size=2, max_size=40), KEYS, st.data())
def test_no_flipped_bit_passes(members: set[bytes], key: bytes, data: st.DataObject) -> None:
    entries = merkle_map.sort_entries([(each, _value(each)) for each in members])
    root, proof = merkle_map.root(entries), merkle_map.prove(entries, key)
    parts = [*proof.siblings, *(proof.found or ())]
    which, place = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    changed = bytearray(parts[which])
    changed[place >> 3] ^= 1 << (place & 7)
    parts[which] = bytes(changed)
    depth = len(proof.siblings)
    found = (parts[depth], parts[depth + 1]) if proof.found else None
    assert merkle_map.proved_root(key, MapProof(tuple(parts[:depth]), found)) != root


def test_a_map_built_in_bad_faith_has_no_two_answers() -> None:
    """A leaf that doesn't stand where its own bits lead can't be shown at all."""
    low, high = bytes(32), b"\xff" * 32
    swapped = merkle_map.sort_entries([(low, low), (high, high)])
    left, right = merkle_map.root(swapped[:1]), merkle_map.root(swapped[1:])
    root = hashlib.sha256(b"\x03" + right + left).digest()
    shown = [merkle_map.proved_root(low, MapProof((sibling,), (low, low))) for sibling in (left, right)]
    assert root not in shown
    assert merkle_map.proved_root(low, MapProof((left,), (high, high))) is None


def test_an_empty_map() -> None:
    assert merkle_map.root([]) == merkle_map.EMPTY == merkle_map.proved_root(bytes(32), merkle_map.prove([], bytes(32)))
