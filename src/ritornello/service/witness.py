"""A witness: an independent party who signs a log's checkpoint only when the log has grown from what this witness saw last.

Needs no home and no database: the published folder, the witness's own key, and a small file with what it has seen.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ritornello.domain import merkle
from ritornello.domain.errors import Refused
from ritornello.formats import checkpoint as notes
from ritornello.formats import cosignature, tiles
from ritornello.formats.canonical import encode_document, write_atomically
from ritornello.service.log import open_checkpoint, refuse_unless_prefix
from ritornello.service.publication import CHECKPOINT
from ritornello.store.log_folder import hold, write_durably

STATE_FORMAT = "ritornello-witness-1"


def make_key(name: str, path: Path, random: Callable[[int], bytes] = os.urandom) -> str:
    """Write a new witness key that only its owner can read, and beside it PATH.vkey for everybody. Returns the verifier key."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise Refused("bad_witness_key", f"{name!r} is empty or has spaces or '+' in it", "use a name such as witness.example.org/w1")
    if path.exists():
        raise Refused("out_exists", f"{path} exists already", "choose a new file")
    key = cosignature.WitnessKey(name, random(32))
    write_atomically(path, key.text().encode() + b"\n", mode=0o600)
    write_atomically(path.with_name(path.name + ".vkey"), key.public().text().encode() + b"\n")
    return key.public().text()


def witness(folder: Path, key_text: str, state: Path, now_us: int, vkey: str | None = None) -> dict[str, Any]:
    """Cosign a folder's checkpoint. `vkey` is the log's key, needed when this witness sees the log for the first time. Raises Refused.

    What was seen is durable before the cosignature is: a witness that is cut off may have to sign again, and never forgets.
    """
    try:
        key = cosignature.parse_witness_key(key_text)
    except ValueError as error:
        raise Refused("bad_witness_key", f"the key {error}", "make one: ritornello log witness-key") from None
    state.parent.mkdir(parents=True, exist_ok=True)
    with hold(folder, state.parent):
        try:
            note = tiles.read_file(folder, CHECKPOINT, notes.NOTE_LIMIT).decode()
            origin = notes.parse_checkpoint(note).origin
        except (tiles.BadTile, ValueError) as error:
            raise Refused("bad_checkpoint", f"the folder's checkpoint: {error}", "get the folder again") from None
        logs = _read_state(state)
        known = logs.get(origin)
        log_key = _choose_key(origin, known, vkey)
        checkpoint = open_checkpoint(note, log_key, "the folder's checkpoint")
        last = notes.Checkpoint(origin, known["size"], bytes.fromhex(known["root"])) if known else None
        _refuse_unless_grown(folder, checkpoint, last)
        cosigned = cosignature.cosign(note, key, now_us // 1_000_000)
        logs[origin] = {"origin": origin, "vkey": log_key, "size": checkpoint.size, "root": checkpoint.root.hex()}
        document = {"format": STATE_FORMAT, "logs": [logs[name] for name in sorted(logs)]}
        write_durably(state.parent, iter([(state.name, encode_document(document))]))
        write_durably(folder, iter([(CHECKPOINT, cosigned.encode())]))
    return {"witness": key.name, "origin": origin, "entries": checkpoint.size, "grown_from": last.size if last else None}


def _choose_key(origin: str, known: dict[str, Any] | None, vkey: str | None) -> str:
    if known is None and vkey is None:
        raise Refused("unknown_log", f"this witness has not seen {origin} yet", "give the log's key, from somebody you trust: --vkey")
    if known is not None and vkey is not None and vkey.strip() != known["vkey"]:
        raise Refused("unknown_log", f"{origin} was seen with another key", "a log keeps its key; a new key is a new log with a new name")
    return known["vkey"] if known else str(vkey).strip()


def _refuse_unless_grown(folder: Path, checkpoint: notes.Checkpoint, last: notes.Checkpoint | None) -> None:
    """Raise Refused unless the tiles lead to the checkpoint's root and prove that it grew from the last one."""
    tree = tiles.FolderTree(folder, checkpoint.size)
    try:
        if tree.root(checkpoint.size) != checkpoint.root:
            raise Refused("bad_tile", "the newest tiles don't lead to the signed root", "get the folder again; don't sign")
        if last is None:
            return
        refuse_unless_prefix(last, checkpoint.size, tree.root)
        if last.size:
            path = [merkle.range_root(tree.node, *each) for each in merkle.consistency_ranges(last.size, checkpoint.size)]
            if not merkle.verify_consistency(last.size, checkpoint.size, last.root, checkpoint.root, path):
                what = f"the tiles don't prove that the log grew from {last.size} entries"
                raise Refused("log_rewritten", what, "keep the folder as evidence; don't sign")
    except tiles.BadTile as error:
        raise Refused("bad_tile", str(error), "get the folder again; don't sign") from None


def _read_state(path: Path) -> dict[str, dict[str, Any]]:
    """What this witness saw, per log name. A file that can't be read is not an empty one."""
    if not os.path.lexists(path):
        return {}
    try:
        document = json.loads(path.read_bytes())
        logs = {str(each["origin"]): each for each in document["logs"]}
        right = document["format"] == STATE_FORMAT and all(
            isinstance(each["size"], int) and len(bytes.fromhex(each["root"])) == 32 and isinstance(each["vkey"], str)
            for each in logs.values()
        )
    except (OSError, ValueError, KeyError, TypeError):
        right = False
    if not right:
        raise Refused("bad_state", f"{path} is not this program's record of what a witness saw", "restore it; without it, use a new key")
    return logs
