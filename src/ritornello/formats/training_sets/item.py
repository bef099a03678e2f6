"""One item of a training set: where its bytes lie, and how to get at them as a file."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

READ_BYTES = 1 << 20
UNPACKED_TIMES, UNPACKED_FREE = 200, 1 << 30  # an archive may unpack to so many times its length and so many bytes more
NOT_SOUND = frozenset(
    "c cfg cls conf css csv cue gif h html ini ipynb jpeg jpg js json jsonl lock log lrc m3u md npy npz pdf pkl png pt py rst safetensors sh sha256 srt toml "
    "tsv txt vtt webp xml yaml yml".split()
)  # endings of what stands beside sound


@dataclass(frozen=True, slots=True)
class Source:
    """Where an item's bytes lie: in a file of their own, or in `length` bytes of `path` from `offset` on. `temporary`: to be deleted once read."""

    path: Path
    offset: int = 0
    length: int | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """Something that may be a sound. `stamp` is another when the item may have changed; `source` is None for what the caller knows already."""

    name: str
    bytes: int
    stamp: str
    source: Source | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What could not be taken, and why."""

    name: str
    what: str


IsKnown = Callable[[str, int, str], bool]  # name, bytes, stamp → needn't be unpacked


class TooLarge(Exception):
    """An item, or all that an archive unpacks to, is larger than the limit; the text says so."""


@dataclass
class Spool:
    """A folder for items that have no file of their own. Each takes at most `item_limit` bytes there."""

    folder: Path
    item_limit: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def keep(self, blocks: Iterable[bytes]) -> Source:
        """Write the bytes into a file; nothing is left of it when that fails. Raises TooLarge."""
        path = self.folder / f"{os.getpid()}-{next(self._numbers)}"
        written = 0
        try:
            with path.open("xb") as stream:
                for block in blocks:
                    written += len(block)
                    if written > self.item_limit:
                        raise TooLarge(f"is larger than {self.item_limit:,} bytes, the limit for one item of an archive")
                    stream.write(block)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Source(path, temporary=True)

    @contextmanager
    def open(self, source: Source) -> Iterator[Path]:
        """The item as a file, as long as the block lasts. Raises TooLarge, OSError, EOFError when the bytes are not all there."""
        if source.temporary:
            try:
                yield source.path
            finally:
                source.path.unlink(missing_ok=True)
        elif source.length is None:
            yield source.path
        else:
            with source.path.open("rb") as stream:
                stream.seek(source.offset)
                copy = self.keep(read_exactly(stream, source.length))
            try:
                yield copy.path
            finally:
                copy.path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Begin with an empty folder, whatever an earlier run left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)


@dataclass
class Budget:
    """How much an archive may still unpack to."""

    left: int

    @classmethod
    def of(cls, archive: Path) -> "Budget":
        return cls(UNPACKED_TIMES * archive.stat().st_size + UNPACKED_FREE)

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise TooLarge(f"unpacks to more than {UNPACKED_TIMES} times its size: the rest of it was not read")


def read_exactly(stream: BinaryIO, length: int) -> Iterator[bytes]:
    """Blocks of exactly so many bytes. Raises EOFError."""
    while length:
        block = stream.read(min(length, READ_BYTES))
        if not block:
            raise EOFError("is cut off")
        length -= len(block)
        yield block


def may_be_sound(name: str) -> bool:
    """False for endings that stand beside sound: texts, tables, pictures."""
    return name.rpartition(".")[2].lower() not in NOT_SOUND or "." not in name


def show_name(name: str) -> str:
    """A name as text that can be stored and shown anywhere: what isn't UTF-8, or moves a cursor, is written out."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)
