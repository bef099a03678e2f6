"""Merkle trees of RFC 6962 section 2.1: roots, inclusion proofs, consistency proofs, all with SHA-256.

Leaves are given as their hashes (32 bytes), so that a tree of a million rows needs 32 MB; a tree kept elsewhere is read node by node.
Proof checks follow RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

NodeReader = Callable[
    [int, int], bytes
]  # (height, index) → hash of the complete subtree over leaves index·2^height … (index + 1)·2^height - 1

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree's root in one pass, holding one hash per level."""
    edge: list[tuple[int, bytes]] = []
    for leaf in leaves:
        push(edge, 0, leaf)
    return fold(edge)


def push(edge: list[tuple[int, bytes]], height: int, current: bytes) -> None:
    """Grow a tree by a complete subtree of 2^height leaves. `edge` holds (height, hash) of the complete subtrees from left to right, heights falling."""
    assert not edge or edge[-1][0] >= height
    while edge and edge[-1][0] == height:
        current = node_hash(edge.pop()[1], current)
        height += 1
    edge.append((height, current))


class Growing:
    """A tree that leaves are added to, many at a time, holding one hash per level and up to 2^14 leaves."""

    _BLOCK = 14

    def __init__(self) -> None:
        self._edge: list[tuple[int, bytes]] = []
        self._waiting: list[bytes] = []

    def add(self, leaves: Sequence[bytes]) -> None:
        """Whole blocks of leaves become one subtree each, level by level: several times quicker than leaf by leaf."""
        size = 1 << self._BLOCK
        self._waiting += leaves
        whole = len(self._waiting) // size * size
        for start in range(0, whole, size):
            push(self._edge, self._BLOCK, _subtree(self._waiting[start : start + size]))
        del self._waiting[:whole]

    def root(self) -> bytes:
        """The root over all leaves so far."""
        edge = list(self._edge)
        for leaf in self._waiting:
            push(edge, 0, leaf)
        return fold(edge)


def _subtree(level: list[bytes]) -> bytes:
    """The root of a complete tree, of 2^n leaves."""
    sha = hashlib.sha256
    while len(level) > 1:
        pairs = iter(level)
        level = [sha(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return level[0]


def fold(edge: Sequence[tuple[int, bytes]]) -> bytes:
    """The root of the tree whose complete subtrees are `edge`."""
    if not edge:
        return EMPTY_ROOT
    result = edge[-1][1]
    for _, left in reversed(edge[:-1]):
        result = node_hash(left, result)
    return result


def layers(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All complete subtrees over consecutive hashes: `layers[h][i]` covers the 2^h hashes from i·2^h on. What has no partner yet is left out above."""
    result = [list(hashes)]
    while len(result[-1]) > 1:
        below = result[-1]
        result.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return result


def range_root(read: NodeReader, start: int, end: int) -> bytes:
    """The root over leaves start..end-1 from complete subtrees. `start` is a multiple of the largest power of two up to end - start, as in every proof."""
    edge = []
    while start < end:
        height = (end - start).bit_length() - 1
        assert start % (1 << height) == 0
        edge.append((height, read(height, start >> height)))
        start += 1 << height
    return fold(edge)


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The leaf ranges whose roots are the audit path of leaf `index` (RFC 6962 section 2.1.1), from its sibling up to below the root."""
    assert 0 <= index < size
    start, end = 0, size
    path = []
    while end - start > 1:
        middle = start + _half(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(old_size: int, size: int) -> list[tuple[int, int]]:
    """The leaf ranges whose roots prove that the tree over `old_size` leaves is a prefix of the one over `size` (RFC 6962 section 2.1.2)."""
    assert 0 < old_size <= size
    start, end = 0, size
    path = []
    while old_size != end:
        middle = start + _half(end - start)
        if old_size <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return [*([(start, end)] if start else []), *reversed(path)]


def climb(read: NodeReader, height: int, index: int, current: bytes, size: int) -> bytes:
    """The root of a tree of `size` leaves if the complete subtree of 2^height leaves at `index` had the hash `current`."""
    first = index << height
    for start, end in inclusion_ranges(first, size)[height:]:
        sibling = range_root(read, start, end)
        current = node_hash(sibling, current) if start < first else node_hash(current, sibling)
    return current


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index`, from its sibling up to below the root."""
    return [root(leaves[start:end]) for start, end in inclusion_ranges(index, len(leaves))]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """True when `proof` leads from `leaf` at `index` of a tree of `size` leaves to `expected_root`."""
    if not 0 <= index < size:
        return False
    node, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and current == expected_root


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Proof that the tree over the first `old_size` leaves is a prefix of this one."""
    return [root(leaves[start:end]) for start, end in consistency_ranges(old_size, len(leaves))]


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """True when the tree of `new_size` leaves under `new_root` only appended to the one of `old_size` under `old_root`."""
    if old_size == new_size:
        return not proof and old_root == new_root
    if not 0 < old_size < new_size or not proof:
        return False
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old, new = path[0], path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _half(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1
