"""Auditing a published log from its folder alone: every entry and every tile is recomputed, and the first wrong one is named."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ritornello.domain import merkle
from ritornello.domain.errors import Refused
from ritornello.formats import checkpoint as notes
from ritornello.formats import cosignature, tiles
from ritornello.formats.tiles import ENTRIES, WIDTH, BadTile, FolderTree, Tile, list_tiles
from ritornello.service.log import open_checkpoint, refuse_unless_prefix
from ritornello.service.publication import CHECKPOINT, VKEY

SHOWN_FOREIGN = 20
_FILES_LIMIT = 10_000_000
_FUTURE_S = 300  # a witness's clock may be this much ahead of ours


@dataclass(slots=True)
class _Pass:
    """What one walk over all entries gathers: the growing tree's edge, hashes for the tiles above, and the roots that were asked for."""

    tree: FolderTree
    checkpoint: notes.Checkpoint
    edge: list[tuple[int, bytes]] = field(default_factory=list)
    above: list[list[bytes]] = field(default_factory=list)  # per level from 1 on: the hashes of the tile that is filling
    seen: dict[bytes, int] = field(default_factory=dict)
    maps: dict[str, int] = field(default_factory=dict)  # snapshot → the entry with its membership map
    roots: dict[int, bytes] = field(default_factory=dict)


def audit(
    folder: Path,
    now_us: int,
    *,
    vkey: str | None = None,
    earlier: Sequence[str] = (),
    witnesses: Sequence[str] = (),
    quorum: int | None = None,
) -> dict[str, Any]:
    """Check a published log. `earlier` are checkpoints (notes) that it must still agree with; `witnesses` are verifier keys, of which
    `quorum` (default: all) must have cosigned. Raises Refused with the first thing that is wrong."""
    try:
        note = tiles.read_file(folder, CHECKPOINT, notes.NOTE_LIMIT).decode()
        key = tiles.read_file(folder, VKEY, notes.NOTE_LIMIT).decode() if vkey is None else vkey
    except (BadTile, UnicodeDecodeError) as error:
        raise Refused("bad_checkpoint", str(error), "get the folder again; give --vkey if the folder has no key") from None
    checkpoint = open_checkpoint(note, key, "the folder's checkpoint")
    told = check_quorum(note, witnesses, quorum, now_us)
    try:
        return {
            "origin": checkpoint.origin,
            "entries": checkpoint.size,
            "root": checkpoint.root.hex(),
            "key_from_folder": vkey is None,
            "consistent_with": _walk(folder, checkpoint, [open_checkpoint(each, key, "an earlier checkpoint") for each in earlier]),
            "witnesses": [{"witness": each.witness, "at_s": each.at_s} for each in told],
            "foreign": _check_left_over(folder, checkpoint.size),
        }
    except BadTile as error:
        raise Refused("bad_tile", str(error), "get it again from the log; if it stays, keep the folder as evidence") from None


def check_quorum(note: str, witnesses: Sequence[str], quorum: int | None, now_us: int) -> list[cosignature.Cosignature]:
    """The cosignatures by these witnesses, at least `quorum` of them (default: all). Raises Refused."""
    try:
        keys = [cosignature.parse_witness(text) for text in witnesses]
        told = cosignature.read_cosignatures(note, keys)
    except ValueError as error:
        raise Refused(
            "bad_cosignature", f"a witness's key or the checkpoint {error}", "check the keys; don't use this checkpoint"
        ) from None
    if any(each.at_s > now_us // 1_000_000 + _FUTURE_S for each in told):
        raise Refused("bad_cosignature", "a cosignature is from the future", "check your clock and the witness's")
    wanted = len({key.raw for key in keys}) if quorum is None else quorum
    if len(told) < wanted:
        names = ", ".join(each.witness for each in told) or "nobody"
        raise Refused("quorum_missed", f"{wanted} witnesses must have cosigned; {len(told)} did: {names}", "wait for the witnesses")
    return told


def _walk(folder: Path, checkpoint: notes.Checkpoint, earlier: list[notes.Checkpoint]) -> list[int]:
    """Recompute everything. Returns the sizes of the earlier checkpoints that were found to be prefixes."""
    state = _Pass(FolderTree(folder, checkpoint.size), checkpoint)
    sizes = sorted({old.size for old in earlier})
    for old in earlier:
        _refuse_older(folder, old, checkpoint.size)
    for tile in list_tiles(checkpoint.size, 0):
        _take(state, tile, sizes)
    for level, hashes in enumerate(state.above, 1):
        if hashes:
            _compare(state, Tile(level, (checkpoint.size >> tiles.HEIGHT * level) // WIDTH, len(hashes)), hashes)
    state.roots[checkpoint.size] = merkle.fold(state.edge)
    state.roots.setdefault(0, merkle.EMPTY_ROOT)
    if state.roots[checkpoint.size] != checkpoint.root:
        what = "entries and tiles agree with each other, but not with the root that was signed"
        raise Refused("log_rewritten", what, "keep the folder as evidence; ask whoever keeps the log")
    for old in earlier:
        refuse_unless_prefix(old, checkpoint.size, state.roots.__getitem__)
    return sizes


def _take(state: _Pass, tile: Tile, sizes: list[int]) -> None:
    """One tile of leaves with its entries."""
    start = tile.number * WIDTH
    entries = tiles.read_bundle(state.tree.folder, Tile(ENTRIES, tile.number, tile.width))
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    _compare(state, tile, leaves)
    for position, leaf in enumerate(leaves, start):
        if state.seen.setdefault(leaf, position) != position:
            what = f"entry {position} is entry {state.seen[leaf]} once more"
            raise Refused("duplicate_entry", what, "ask whoever keeps the log why")
    for position, entry in enumerate(entries, start):
        _refuse_second_map(state, position, entry)
    for size in sizes:
        if start < size <= start + tile.width:
            edge = list(state.edge)
            for leaf in leaves[: size - start]:
                merkle.push(edge, 0, leaf)
            state.roots[size] = merkle.fold(edge)
    if tile.width == WIDTH:
        root = merkle.layers(leaves)[-1][0]
        merkle.push(state.edge, tiles.HEIGHT, root)
        _carry(state, 1, tile.number, root)
    else:
        for leaf in leaves:
            merkle.push(state.edge, 0, leaf)


def _refuse_second_map(state: _Pass, position: int, entry: bytes) -> None:
    """A snapshot with two membership maps has two answers to whoever asks what is in it."""
    if b'"kind":"membership"' not in entry:
        return
    try:
        value = json.loads(entry)
        kind, snapshot_id = value["kind"], str(value["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if kind == "membership" and state.maps.setdefault(snapshot_id, position) != position:
        what = f"entries {state.maps[snapshot_id]} and {position} are both the membership map of {snapshot_id}"
        raise Refused("two_maps", what, "believe neither; ask whoever keeps the log why")


def _carry(state: _Pass, level: int, number: int, root: bytes) -> None:
    """Hand a full tile's root to the tile above it; compare that one when it is full."""
    if len(state.above) < level:
        state.above.append([])
    hashes = state.above[level - 1]
    hashes.append(root)
    if len(hashes) == WIDTH:
        _compare(state, Tile(level, number // WIDTH), hashes)
        state.above[level - 1] = []
        _carry(state, level + 1, number // WIDTH, merkle.layers(hashes)[-1][0])


def _compare(state: _Pass, tile: Tile, computed: list[bytes]) -> None:
    """Raise Refused when a tile is not what lies below it, saying which of the two leads to the signed root."""
    shown = tiles.read_hashes(state.tree.folder, tile)
    if shown == computed:
        return
    place = next(i for i, pair in enumerate(zip(shown, computed, strict=True)) if pair[0] != pair[1])
    if _leads_to_root(state, tile, computed):
        raise BadTile(tile.path, f"its hash {place} is wrong; what lies below it leads to the signed root")
    if not _leads_to_root(state, tile, shown):
        raise BadTile(tile.path, f"its hash {place} is not that of what lies below it, and neither leads to the signed root")
    height, index = tiles.HEIGHT * tile.level, tile.number * WIDTH + place
    if tile.level == 0:
        what = f"entry {index} ({Tile(ENTRIES, tile.number, tile.width).path}, place {place}) is not the one that was signed"
        raise Refused("bad_entry", what, "get it again from the log; if it stays, keep the folder as evidence")
    first, last = index << height, (index + 1 << height) - 1
    what = f"entries {first} to {last} and the tiles over them were changed together: {tile.path} shows what was signed"
    raise Refused("log_rewritten", what, "keep the folder as evidence; ask whoever keeps the log")


def _leads_to_root(state: _Pass, tile: Tile, hashes: list[bytes]) -> bool:
    """Whether the tree has the signed root when this tile holds these hashes."""
    size = state.checkpoint.size
    if tile.width == WIDTH:
        root = merkle.climb(state.tree.node, tiles.HEIGHT * (tile.level + 1), tile.number, merkle.layers(hashes)[-1][0], size)
    else:
        root = state.tree.with_tile(tile, hashes).root(size)
    return root == state.checkpoint.root


def _refuse_older(folder: Path, old: notes.Checkpoint, size: int) -> None:
    """A folder that shows less than was signed before: is the rest still there, so that only the checkpoint is stale?"""
    if old.size <= size:
        return
    try:
        stale = FolderTree(folder, old.size).root(old.size) == old.root
    except BadTile:
        stale = False
    if stale:
        what = f"the checkpoint commits to {size} entries, an earlier one to {old.size}, whose tiles are all there"
        raise Refused("stale_checkpoint", what, "get the newest checkpoint; if it stays old, somebody hides entries")
    refuse_unless_prefix(old, size, lambda _: b"")


def _check_left_over(folder: Path, size: int) -> list[str]:
    """Partial tiles kept from earlier sizes must be beginnings of today's. Returns some of the names that don't belong to a log."""
    foreign: list[str] = []
    for path in islice(_list_files(folder), _FILES_LIMIT):
        tile = tiles.parse_path(path)
        if tile is None:
            if path not in (CHECKPOINT, VKEY) and len(foreign) < SHOWN_FOREIGN:
                foreign.append(ascii(path)[1:-1])
            continue
        width = min(WIDTH, (size >> tiles.HEIGHT * max(tile.level, 0)) - tile.number * WIDTH)
        if tile.width >= width:
            continue
        now = Tile(tile.level, tile.number, width)
        read = tiles.read_bundle if tile.level == ENTRIES else tiles.read_hashes
        if read(folder, tile) != read(folder, now)[: tile.width]:
            raise BadTile(tile.path, f"disagrees with {now.path}")
    return sorted(foreign)


def _list_files(folder: Path) -> Iterator[str]:
    """Paths of everything below a folder that is not a folder; links are names, never ways."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            entries = list(os.scandir(folder / below))
        except OSError:
            yield below
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{below}{entry.name}/")
            else:
                yield below + entry.name
