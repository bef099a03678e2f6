"""Publishing the log as plain files (docs/formats/log.md): only what is new, tiles before the checkpoint, and never over another history."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ritornello.domain import merkle
from ritornello.domain.errors import Refused
from ritornello.formats import checkpoint as notes
from ritornello.formats import tiles
from ritornello.formats.tiles import ENTRIES, Tile, list_tiles
from ritornello.service.context import Context
from ritornello.service.log import checkpoint, open_checkpoint, refuse_unless_prefix
from ritornello.store import log
from ritornello.store.log_folder import hold, write_durably

CHECKPOINT, VKEY = "checkpoint", "log.vkey"


def publish(context: Context, folder: Path) -> dict[str, Any]:
    """Bring a folder up to the log. Raises Refused when what lies there is not the beginning of this log; then nothing is written.

    A run that was cut short leaves the old checkpoint in force; the next one goes on where it stopped.
    """
    note, vkey = checkpoint(context)
    tree = log.read_tree(context.connection)
    folder.mkdir(parents=True, exist_ok=True)
    with hold(folder):
        old = _read_published(folder, vkey)
        refuse_unless_prefix(old, tree.size, tree.root)
        written = write_durably(folder, _new_files(context, tree, folder, old.size, vkey))
        shown = tiles.FolderTree(folder, tree.size)
        assert shown.root(tree.size) == tree.root(), "the folder's tiles don't lead to the root about to be signed"
        if old.size < tree.size or not (folder / CHECKPOINT).exists():
            write_durably(folder, iter([(CHECKPOINT, note.encode())]))
        _remove_partial_tiles(folder, old.size)
    return {
        "folder": str(folder),
        "entries": tree.size,
        "root": tree.root().hex(),
        "new_entries": tree.size - old.size,
        "new_tiles": written,
    }


def _read_published(folder: Path, vkey: str) -> notes.Checkpoint:
    """What the folder commits to so far: an empty log when there is no checkpoint yet."""
    key = notes.parse_key(vkey, notes.ED25519)
    if not os.path.lexists(folder / CHECKPOINT):
        if {path.name for path in folder.iterdir()} - {"tile", VKEY}:
            raise Refused("not_empty", f"{folder} holds something else", "publish into a new folder")
        return notes.Checkpoint(key.name, 0, merkle.EMPTY_ROOT)
    try:
        note = tiles.read_file(folder, CHECKPOINT, notes.NOTE_LIMIT).decode()
    except (tiles.BadTile, UnicodeDecodeError) as error:
        raise Refused("bad_checkpoint", str(error), "publish into a new folder") from None
    return open_checkpoint(note, vkey, "the folder's checkpoint")


def _new_files(context: Context, tree: log.Tree, folder: Path, old_size: int, vkey: str) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of everything that the folder lacks. What lies there already must be the same."""
    for tile in list_tiles(tree.size, ENTRIES, old_size):
        rows = log.read_entries(context.connection, tile.number * tiles.WIDTH, tile.width)
        entries = [entry.encode() for _, entry in rows]
        leaves = [merkle.leaf_hash(entry) for entry in entries]
        assert leaves == tree.tile(0, tile.number * tiles.WIDTH, tile.width), "the log was changed on disk"
        if tile.width == tiles.WIDTH:
            assert merkle.layers(leaves)[-1][0] == tree.node(tiles.HEIGHT, tile.number), "the log was changed on disk"
        context.tell(f"publishing entry {tile.number * tiles.WIDTH}/{tree.size}")
        yield from _unless_there(folder, tile.path, tiles.encode_bundle(entries))
    level = 0
    while tree.size >> tiles.HEIGHT * level:
        for tile in list_tiles(tree.size, level, old_size):
            yield from _unless_there(folder, tile.path, b"".join(tree.tile(level, tile.number * tiles.WIDTH, tile.width)))
        level += 1
    yield from _unless_there(folder, VKEY, vkey.encode() + b"\n")


def _unless_there(folder: Path, path: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    if not os.path.lexists(folder / path):
        yield path, data
        return
    try:
        same = tiles.read_file(folder, path, tiles.BUNDLE_LIMIT) == data
    except tiles.BadTile:
        same = False
    if not same:
        raise Refused("tile_changed", f"{folder / path} is there already and is not what this log says", "publish into a new folder")


def _remove_partial_tiles(folder: Path, old_size: int) -> None:
    """Partial tiles are of no use once the full one is there; the specification lets them go."""
    level = 0
    while old_size >> tiles.HEIGHT * level:
        for kind in (level, ENTRIES) if level == 0 else (level,):
            full = folder / Tile(kind, old_size >> tiles.HEIGHT * (level + 1)).path
            if full.is_file():
                shutil.rmtree(full.with_name(full.name + ".p"), ignore_errors=True)
        level += 1
