"""Members of a tar archive (POSIX ustar, pax and GNU names; gzip, bzip2 and xz around it), read without unpacking any of them under its name."""

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from ritornello.formats.training_sets.item import (
    Budget,
    IsKnown,
    Item,
    Refusal,
    Source,
    Spool,
    TooLarge,
    may_be_sound,
    read_exactly,
    show_name,
)

BLOCK = 512
NAME_LIMIT = 1 << 16  # bytes of a header that only says how the next member is called
PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
PLAIN = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
ODD = {
    tarfile.LNKTYPE: "is a hard link",
    tarfile.SYMTYPE: "is a link",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a pipe",
    tarfile.GNUTYPE_SPARSE: "is a sparse file",
}


def walk_tar(path: Path, name: str, stamp: str, spool: Spool, is_known: IsKnown) -> Iterator[Item | Refusal]:
    """Every member that may be a sound, by its name behind the archive's. The first damaged header ends the walk: nothing says where the next one is."""
    packed = PACKED.get(path.suffix.lower())
    try:
        with cast(BinaryIO, packed(path, "rb")) if packed else path.open("rb") as stream:
            yield from _Walk(path, name, stamp, stream, spool, is_known, Budget.of(path) if packed else None).walk()
    except TooLarge as error:
        yield Refusal(name, str(error))
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        yield Refusal(name, f"is cut off or damaged ({error}): the rest of it was not read")
    except OSError as error:
        yield Refusal(name, f"can't be read: {error.strerror or error}")


class _Walk:
    def __init__(self, path: Path, name: str, stamp: str, stream: BinaryIO, spool: Spool, is_known: IsKnown, budget: Budget | None) -> None:
        self.path, self.name, self.stamp, self.stream, self.spool, self.is_known, self.budget = (
            path,
            name,
            stamp,
            stream,
            spool,
            is_known,
            budget,
        )
        self.position = 0
        self.size_bytes = path.stat().st_size

    def walk(self) -> Iterator[Item | Refusal]:
        called: str | None = None  # by a header before the member
        stated: int | None = None
        while block := self.read_header():
            if not any(block):
                called = stated = None
                continue
            try:
                member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.HeaderError:
                yield Refusal(self.name, f"has a damaged header at byte {self.position - BLOCK}: the rest of it was not read")
                return
            if member.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
                if not 0 <= member.size <= NAME_LIMIT:
                    yield Refusal(self.name, f"has a name of {member.size:,} bytes at byte {self.position}: the rest of it was not read")
                    return
                text = b"".join(self.read(member.size))
                self.skip(-member.size % BLOCK)
                if member.type == tarfile.GNUTYPE_LONGNAME:
                    called = text.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
                else:
                    called, stated = _read_pax(text, called, stated)
                continue
            size = member.size if stated is None else stated
            shown = f"{self.name}/{show_name(member.name if called is None else called)}"
            called = stated = None
            if size < 0 or (self.budget is None and self.position + size > self.size_bytes):
                yield Refusal(shown, f"says that it has {size:,} bytes, which its archive doesn't hold: the rest of it was not read")
                return
            if member.type in PLAIN:
                yield from self.take(shown, size)
            else:
                if member.type in ODD:
                    yield Refusal(shown, f"{ODD[member.type]}, which is not followed")
                self.skip(size + -size % BLOCK)

    def take(self, shown: str, size: int) -> Iterator[Item | Refusal]:
        """One plain member, the stream standing at its first byte."""
        start, stamp = self.position, f"{self.stamp}+{self.position}"
        if not may_be_sound(shown):
            self.skip(size + -size % BLOCK)
        elif size > self.spool.item_limit:
            yield Refusal(shown, f"is larger than {self.spool.item_limit:,} bytes, the limit for one item of an archive")
            self.skip(size + -size % BLOCK)
        elif self.budget is None:
            yield Item(shown, size, stamp, Source(self.path, start, size))
            self.skip(size + -size % BLOCK)
        elif self.is_known(shown, size, stamp):
            yield Item(shown, size, stamp, None)
            self.skip(size + -size % BLOCK)
        else:
            yield Item(shown, size, stamp, self.spool.keep(self.read(size)))
            self.skip(-size % BLOCK)

    def read_header(self) -> bytes:
        """The next block; empty at the end."""
        if self.budget is None and self.position >= self.size_bytes:
            return b""
        if self.budget is None:
            self.stream.seek(self.position)  # whoever was handed an item may have taken long, but not moved us
        block = self.stream.read(BLOCK)
        if block and len(block) < BLOCK:
            raise EOFError("its last block is not whole")
        self.count(len(block))
        return block

    def read(self, length: int) -> Iterator[bytes]:
        for block in read_exactly(self.stream, length):
            self.count(len(block))
            yield block

    def skip(self, length: int) -> None:
        if self.budget is None:
            self.position += length
            self.stream.seek(self.position)
        else:
            for _ in self.read(length):
                pass

    def count(self, length: int) -> None:
        self.position += length
        if self.budget:
            self.budget.spend(length)


def _read_pax(text: bytes, called: str | None, stated: int | None) -> tuple[str | None, int | None]:
    """`path` and `size` of a pax header (POSIX.1-2017, pax, "pax Header Block"): records `LENGTH KEY=VALUE\\n`."""
    while text:
        length = text.partition(b" ")[0]
        if not length.isdigit() or len(length) > 6 or not 0 < int(length) <= len(text):
            break
        key, _, value = text[len(length) + 1 : int(length)].removesuffix(b"\n").partition(b"=")
        if key == b"path":
            called = value.decode("utf-8", "surrogateescape")
        elif key == b"size" and value.isdigit() and len(value) < 20:
            stated = int(value)
        text = text[int(length) :]
    return called, stated
