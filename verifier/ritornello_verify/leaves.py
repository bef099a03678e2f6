"""Which row of a table was touched, told from the list of leaf hashes that came with it."""

import re
from dataclasses import dataclass

from ritornello_verify.folder import Folder
from ritornello_verify.merkle import find_root, split_hashes
from ritornello_verify.reading import read_lines
from ritornello_verify.report import Malformed

HASH_SIZE = 32
LEAF_FORM = re.compile(b"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where a table and its leaves part; `present` when the row named is still in the table."""

    row: int
    message: str
    present: bool


def name_leaves(path: str) -> str:
    return f"leaves/{path}.txt"


def read_leaves(folder: Folder, path: str) -> bytes:
    """The leaf hashes that stand in a leaves file, joined."""
    leaves = bytearray()
    for number, line in enumerate(read_lines(folder, path), 1):
        if not LEAF_FORM.fullmatch(line):
            raise Malformed(path, "not 64 lower-case hex digits", number)
        leaves += bytes.fromhex(line.decode())
    return bytes(leaves)


def hash_leaves(leaves: bytes | bytearray) -> str:
    return find_root(split_hashes(leaves)).hex()


def compare_leaves(listed: bytes, found: bytes) -> Difference | None:
    """The first row that was changed, added, deleted or moved between the listed leaves and those of the table as found."""
    length = min(len(listed), len(found))
    place = next(
        (start for start in range(0, length, HASH_SIZE) if listed[start : start + HASH_SIZE] != found[start : start + HASH_SIZE]), length
    )
    row = place // HASH_SIZE + 1
    if place == len(listed) == len(found):
        return None
    if place == len(found):
        return Difference(row, f"this row and all after it were deleted ({(len(listed) - place) // HASH_SIZE} in all)", False)
    if place == len(listed):
        return Difference(row, f"this row and all after it were added ({(len(found) - place) // HASH_SIZE} in all)", True)
    here, there = found[place : place + HASH_SIZE], listed[place : place + HASH_SIZE]
    added = count_leaf(found, here) > count_leaf(listed, here)
    deleted = count_leaf(listed, there) > count_leaf(found, there)
    if added and deleted:
        return Difference(row, "the row was changed", True)
    if added:
        return Difference(row, "the row was added", True)
    if deleted:
        return Difference(row, "the row that stood here was deleted", False)
    return Difference(row, "the row was moved", True)


def count_leaf(leaves: bytes, leaf: bytes) -> int:
    return sum(1 for other in split_hashes(leaves) if other == leaf)
