"""The log as plain files that any static server can host: C2SP tlog-tiles (c2sp.org/tlog-tiles). docs/formats/log.md has the whole folder.

Reading trusts nothing: no links, no devices, no file longer than it may be, and no path that the tree's size doesn't call for.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ritornello.domain import merkle

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH_BYTES = 32
ENTRY_LIMIT = 0xFFFF
BUNDLE_LIMIT = WIDTH * (2 + ENTRY_LIMIT)
ENTRIES = -1  # the level under which entry bundles go, as in golang.org/x/mod/sumdb/tlog
_LEVELS = range(64)
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class BadTile(Exception):
    """A file of a published log that can't be read or is not what it must be; `path` is relative to the folder."""

    def __init__(self, path: str, what: str) -> None:
        self.path, self.what = path, what
        super().__init__(f"{path}: {what}")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Which tile: level (-1 for entries), number within the level, and how many of its 256 places are filled."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies below the log's folder or address."""
        text = f"{self.number % 1000:03d}"
        rest = self.number // 1000
        while rest:
            text = f"x{rest % 1000:03d}/{text}"
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level == ENTRIES else self.level}/{text}{partial}"


def parse_path(path: str) -> Tile | None:
    """The tile that a path names; None when it names none, or not in the one way it should."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = ENTRIES if match[1] == "entries" else int(match[1])
    tile = Tile(level, int(match[2].replace("/", "").replace("x", "")), int(match[3] or WIDTH))
    return tile if tile.path == path and (level == ENTRIES or level in _LEVELS) and tile.width <= WIDTH else None


def list_tiles(size: int, level: int, start_size: int = 0) -> Iterator[Tile]:
    """The tiles of one level that a tree of `size` has and one of `start_size` had not, in order; the last may be partial."""
    below = HEIGHT * max(level, 0)
    hashes, known = size >> below, start_size >> below
    if hashes > known:
        for number in range(known // WIDTH, hashes // WIDTH):
            yield Tile(level, number)
        if hashes % WIDTH:
            yield Tile(level, hashes // WIDTH, hashes % WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries one after the other, each behind its length as two bytes, big end first."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(tile: Tile, data: bytes) -> list[bytes]:
    """Raises BadTile unless exactly `tile.width` entries fill the bytes."""
    entries: list[bytes] = []
    place = 0
    while place < len(data) and len(entries) < tile.width:
        length = int.from_bytes(data[place : place + 2], "big")
        if place + 2 + length > len(data):
            raise BadTile(tile.path, f"entry {tile.number * WIDTH + len(entries)} is cut off")
        entries.append(data[place + 2 : place + 2 + length])
        place += 2 + length
    if place != len(data) or len(entries) != tile.width:
        raise BadTile(tile.path, f"holds {len(entries)} entries in {place} of its {len(data)} bytes, not exactly {tile.width}")
    return entries


def read_hashes(folder: Path, tile: Tile) -> list[bytes]:
    """The hashes of a tile, from the full tile where a partial one has been removed. Raises BadTile."""
    found, data = _read_tile(folder, tile, HASH_BYTES * WIDTH)
    if len(data) != HASH_BYTES * found.width:
        raise BadTile(found.path, f"has {len(data)} bytes, not {HASH_BYTES * found.width}")
    return [data[place : place + HASH_BYTES] for place in range(0, HASH_BYTES * tile.width, HASH_BYTES)]


def read_bundle(folder: Path, tile: Tile) -> list[bytes]:
    """The entries of a bundle, from the full one where a partial one has been removed. Raises BadTile."""
    found, data = _read_tile(folder, tile, BUNDLE_LIMIT)
    return decode_bundle(found, data)[: tile.width]


@dataclass(frozen=True, slots=True)
class FolderTree:
    """The tree of a published folder at `size`, as its hash tiles tell it: nothing is trusted until a root is compared."""

    folder: Path
    size: int
    _layers: dict[tuple[int, int], list[list[bytes]]] = field(default_factory=dict)

    def node(self, height: int, index: int) -> bytes:
        """A `merkle.NodeReader`. Raises BadTile."""
        level, within = divmod(height, HEIGHT)
        number, offset = divmod(index, WIDTH >> within)
        if (level, number) not in self._layers:
            width = min(WIDTH, (self.size >> HEIGHT * level) - number * WIDTH)
            self._layers[level, number] = merkle.layers(read_hashes(self.folder, Tile(level, number, width)))
        return self._layers[level, number][within][offset]

    def with_tile(self, tile: Tile, hashes: Sequence[bytes]) -> "FolderTree":
        """The same tree, if this tile held these hashes."""
        return FolderTree(self.folder, self.size, {**self._layers, (tile.level, tile.number): merkle.layers(hashes)})

    def root(self, size: int) -> bytes:
        """The root over the first `size` entries. Raises BadTile."""
        return merkle.range_root(self.node, 0, size)


def read_file(folder: Path, path: str, limit: int) -> bytes:
    """A plain file of the folder, at most `limit` bytes. Raises BadTile for whatever is not exactly that."""
    try:
        descriptor = _open(folder, path)
    except OSError as error:
        links = {errno.ELOOP: "is a link or lies behind one", errno.ENOTDIR: "is a link or lies behind one", errno.ENOENT: "is missing"}
        raise BadTile(path, links.get(error.errno or 0, "can't be read")) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BadTile(path, "is not a plain file")
        if status.st_size > limit:
            raise BadTile(path, f"has {status.st_size} bytes; {limit} is the most it may have")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(limit)
    finally:
        os.close(descriptor)


def _open(folder: Path, path: str) -> int:
    """Walk down step by step, so that no part of the way is a link; never wait for a pipe's other end."""
    parts = path.split("/")
    assert all(part not in ("", ".", "..") for part in parts)
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for part in parts[:-1]:
        try:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
        finally:
            os.close(here)
        here = below
    try:
        return os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)


def _read_tile(folder: Path, tile: Tile, limit: int) -> tuple[Tile, bytes]:
    """The tile, or the full one in its place: a log may remove partial tiles once they are full."""
    full = Tile(tile.level, tile.number)
    if not os.path.lexists(folder / tile.path) and os.path.lexists(folder / full.path):
        tile = full
    return tile, read_file(folder, tile.path, limit)
