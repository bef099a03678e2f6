"""The log's public face: checkpoints, proofs, and checking that the stored log is still what was signed."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ritornello.domain import merkle
from ritornello.domain.errors import Refused
from ritornello.formats import checkpoint as notes
from ritornello.service.context import Context
from ritornello.store import log


def checkpoint(context: Context) -> tuple[str, str]:
    """The signed checkpoint over everything logged so far, and the key that verifies it (vkey)."""
    tree = log.read_tree(context.connection)
    key = context.read_key()
    note = notes.sign(notes.Checkpoint(context.origin, tree.size, tree.root()), key)
    return note, notes.verifier_key(context.origin, key.public_key())


def show(context: Context, start: int, limit: int) -> list[dict[str, Any]]:
    """Entries from position `start`."""
    return [{"position": position, **json.loads(entry)} for position, entry in log.read_entries(context.connection, start, limit)]


def prove(context: Context, position: int) -> dict[str, Any]:
    """The inclusion proof of one entry in the log as it is now."""
    tree = log.read_tree(context.connection)
    entries = log.read_entries(context.connection, position, 1)
    if not 0 <= position < tree.size:
        raise Refused("unknown_entry", f"the log has no entry {position}", f"it has {tree.size}, counted from 0")
    return asdict(log.prove(tree, dict(entries))[0])


def prove_artefact(context: Context, kind: str, name: str, note: str | None = None) -> tuple[dict[str, Any], str, str]:
    """Why an artefact is in the log: (proof, checkpoint, vkey), as receipts carry them. `note`: over this earlier checkpoint, not over all.

    Raises Refused when that checkpoint is not of this log, or older than the entry.
    """
    tree, position_and_entry = log.read_tree(context.connection), log.find(context.connection, kind, name)
    own, vkey = checkpoint(context)
    if note is not None:
        old = open_checkpoint(note, vkey)
        refuse_unless_prefix(old, tree.size, tree.root)
        if old.size <= position_and_entry[0]:
            what = f"the checkpoint commits to {old.size} entries; {kind} {name} is entry {position_and_entry[0] + 1}"
            raise Refused("not_logged_yet", what, "use a newer checkpoint")
        tree = log.Tree(context.connection, old.size)
    (proof,) = log.prove(tree, dict([position_and_entry]))
    return {**asdict(proof), "hashes": list(proof.hashes)}, own if note is None else note, vkey


def verify(context: Context, old_note: str | None, vkey: str | None = None) -> dict[str, Any]:
    """Recompute the stored log, and check that it still holds everything an earlier checkpoint committed to. Raises Refused when it doesn't."""
    leaves = log.read_leaves(context.connection)
    root = merkle.root(leaves)
    result: dict[str, Any] = {"entries": len(leaves), "root": root.hex()}
    if old_note is not None:
        own = notes.verifier_key(context.origin, context.read_key().public_key())
        old = open_checkpoint(old_note, vkey or own)
        refuse_unless_prefix(old, len(leaves), lambda size: merkle.root(leaves[:size]))
        result["consistent_with"] = old.size
    assert log.read_tree(context.connection).root() == root, "the log was changed on disk: its tree is not that of its entries"
    return result


def open_checkpoint(note: str, vkey: str, name: str = "the checkpoint") -> notes.Checkpoint:
    """Raises Refused unless the note is a checkpoint signed with the key."""
    try:
        return notes.open_note(note, vkey)
    except ValueError as error:
        raise Refused("bad_checkpoint", f"{name} {error}", "check the file and the key") from None


def refuse_unless_prefix(old: notes.Checkpoint, size: int, root_at: Callable[[int], bytes]) -> None:
    """Raise Refused unless a log of `size` entries still holds what an earlier checkpoint committed to; `root_at` gives its root at a size."""
    keep = "keep both checkpoints: they prove it; ask whoever keeps the log"
    if old.size > size:
        raise Refused("log_truncated", f"an earlier checkpoint commits to {old.size} entries, the log has {size}", keep)
    if root_at(old.size) != old.root:
        if old.size == size:
            raise Refused("split_view", f"two logs of {size} entries were signed with one key: their roots differ", keep)
        raise Refused("log_rewritten", f"the first {old.size} entries are not those that an earlier checkpoint commits to", keep)
