"""The log's public face: checkpoints, proofs, and checking that the stored log is still what was signed."""

import json
from dataclasses import asdict
from typing import Any

from ritornello.domain import merkle
from ritornello.domain.errors import Refused
from ritornello.formats import checkpoint as notes
from ritornello.service.context import Context
from ritornello.store import log


def checkpoint(context: Context) -> tuple[str, str]:
    """The signed checkpoint over everything logged so far, and the key that verifies it (vkey)."""
    leaves = log.read_leaves(context.connection)
    key = context.read_key()
    note = notes.sign(notes.Checkpoint(context.origin, len(leaves), merkle.root(leaves)), key)
    return note, notes.verifier_key(context.origin, key.public_key())


def show(context: Context, start: int, limit: int) -> list[dict[str, Any]]:
    """Entries from position `start`."""
    return [{"position": position, **json.loads(entry)} for position, entry in log.read_entries(context.connection, start, limit)]


def prove(context: Context, position: int) -> dict[str, Any]:
    """The inclusion proof of one entry in the log as it is now."""
    leaves = log.read_leaves(context.connection)
    entries = log.read_entries(context.connection, position, 1)
    if position < 0 or not entries:
        raise Refused("unknown_entry", f"the log has no entry {position}", f"it has {len(leaves)}, counted from 0")
    return asdict(log.prove(context.connection, leaves, dict(entries))[0])


def verify(context: Context, old_note: str | None, vkey: str | None = None) -> dict[str, Any]:
    """Check that the stored log still holds everything an earlier checkpoint committed to. Raises Refused when it doesn't."""
    leaves = log.read_leaves(context.connection)
    result: dict[str, Any] = {"entries": len(leaves), "root": merkle.root(leaves).hex()}
    if old_note is None:
        return result
    own = notes.verifier_key(context.origin, context.read_key().public_key())
    try:
        old = notes.open_note(old_note, vkey or own)
    except ValueError as error:
        raise Refused("bad_checkpoint", f"the checkpoint {error}", "check the file and the key") from None
    if old.size > len(leaves):
        raise Refused(
            "log_truncated",
            f"the checkpoint commits to {old.size} entries, the log has {len(leaves)}",
            "restore the log from a backup and find out why",
        )
    if merkle.root(leaves[: old.size]) != old.root:
        raise Refused(
            "log_rewritten", f"the first {old.size} entries are not those the checkpoint commits to", "restore the log and find out why"
        )
    return {**result, "consistent_with": old.size}
