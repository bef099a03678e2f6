"""An entry's way into a signed checkpoint, as receipts and proofs of membership carry it along (docs/formats/receipt.md)."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ritornello.domain import merkle
from ritornello.formats import checkpoint as notes
from ritornello.formats.canonical import encode

_HASH = re.compile("[0-9a-f]{64}")
_FIELDS = {"entry": str, "index": int, "tree_size": int, "hashes": list}


def open_entry(proof: object, note: str, vkey: str) -> Mapping[str, Any]:
    """The log entry that a proof (`entry`, `index`, `tree_size`, `hashes`) shows to be in the tree of a checkpoint signed with the key.

    Raises ValueError when it shows nothing.
    """
    wrong = ValueError("has a proof that is none (entry, index, tree_size, hashes)")
    if not isinstance(proof, dict) or set(proof) != set(_FIELDS) or any(type(proof[name]) is not kind for name, kind in _FIELDS.items()):
        raise wrong
    if not all(isinstance(step, str) and _HASH.fullmatch(step) for step in proof["hashes"]):
        raise wrong
    try:
        checkpoint = notes.open_note(note, vkey)
    except ValueError as error:
        raise ValueError(f"has a checkpoint that {error}") from None
    if proof["tree_size"] != checkpoint.size:
        raise ValueError(f"is about a log of {proof['tree_size']} entries, the checkpoint has {checkpoint.size}: ask for a proof over it")
    try:
        data, entry = proof["entry"].encode(), json.loads(proof["entry"])
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(entry, dict) or encode(entry) != data:
        raise ValueError("has a log entry that is not written as one: an audit of the log would not see what it says")
    hashes = [bytes.fromhex(step) for step in proof["hashes"]]
    if not merkle.verify_inclusion(merkle.leaf_hash(data), proof["index"], checkpoint.size, hashes, checkpoint.root):
        raise ValueError("has a proof that does not lead to the checkpoint")
    return entry
