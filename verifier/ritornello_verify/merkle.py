"""Merkle tree hashes and audit paths of RFC 6962, section 2.1."""

from collections.abc import Iterable
from hashlib import sha256


def hash_leaf(data: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def find_root(leaves: Iterable[bytes]) -> bytes:
    """The tree hash over leaf hashes. Complete subtrees wait on a stack, as the binary digits of the number of leaves."""
    waiting: list[bytes] = []
    for index, leaf in enumerate(leaves):
        node, position = leaf, index
        while position & 1:
            node, position = hash_node(waiting.pop(), node), position >> 1
        waiting.append(node)
    if not waiting:
        return sha256(b"").digest()
    root = waiting.pop()
    while waiting:
        root = hash_node(waiting.pop(), root)
    return root


def follow_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root an audit path of RFC 6962 section 2.1.1 leads to (procedure of RFC 9162 section 2.1.3.2); None when its length cannot be right."""
    if not 0 <= index < size:
        return None
    node, first, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            node = hash_node(sibling, node)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            node = hash_node(node, sibling)
        first, last = first >> 1, last >> 1
    return node if last == 0 else None


def split_hashes(joined: bytes | bytearray) -> Iterable[bytes]:
    """The 32-byte hashes that stand one after another."""
    return (bytes(joined[start : start + 32]) for start in range(0, len(joined), 32))
