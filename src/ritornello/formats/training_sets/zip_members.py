"""Members of a ZIP archive (PKWARE APPNOTE 6.3), read without unpacking any of them under its name."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ritornello.formats.training_sets.item import (
    READ_BYTES,
    Budget,
    IsKnown,
    Item,
    Refusal,
    Source,
    Spool,
    TooLarge,
    may_be_sound,
    show_name,
)

DIRECTORY_LIMIT = 512 << 20  # bytes of the list of members, which is held in memory
_END, _END64_PLACE, _END64 = b"PK\5\6", b"PK\6\7", b"PK\6\6"


def walk_zip(path: Path, name: str, stamp: str, spool: Spool, is_known: IsKnown) -> Iterator[Item | Refusal]:
    """Every member that may be a sound, by its name behind the archive's."""
    try:
        if _measure_directory(path) > DIRECTORY_LIMIT:
            yield Refusal(name, f"has a list of members of more than {DIRECTORY_LIMIT:,} bytes")
            return
        with zipfile.ZipFile(path) as archive:
            budget = Budget.of(path)
            for member in archive.infolist():
                if not member.is_dir() and may_be_sound(member.filename):
                    yield from _take(
                        archive, member, f"{name}/{show_name(member.filename)}", f"{stamp}+{member.header_offset}", spool, is_known, budget
                    )
    except TooLarge as error:
        yield Refusal(name, str(error))
    except (zipfile.BadZipFile, ValueError, struct.error, EOFError) as error:
        yield Refusal(name, f"is no whole ZIP archive ({error})")
    except OSError as error:
        yield Refusal(name, f"can't be read: {error.strerror or error}")


def _take(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, shown: str, stamp: str, spool: Spool, is_known: IsKnown, budget: Budget
) -> Iterator[Item | Refusal]:
    size = member.file_size
    if stat.S_ISLNK(member.external_attr >> 16):
        yield Refusal(shown, "is a link, which is not followed")
    elif member.flag_bits & 1:
        yield Refusal(shown, "is encrypted")
    elif size > spool.item_limit:
        yield Refusal(shown, f"is larger than {spool.item_limit:,} bytes, the limit for one item of an archive")
    elif is_known(shown, size, stamp):
        yield Item(shown, size, stamp, None)
    else:
        budget.spend(size)
        try:
            source: Source | None = spool.keep(_read(archive, member))
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
            yield Refusal(shown, f"can't be unpacked ({error})")
        else:
            yield Item(shown, size, stamp, source)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as stream:  # ends at the stated length, and checks the sum
        while block := stream.read(READ_BYTES):
            yield block


def _measure_directory(path: Path) -> int:
    """The stated length of the list of members; 0 where no end is found, which zipfile then says."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - (1 << 16) - 64))
        tail = stream.read()
        place = tail.rfind(_END)
        if place < 0 or len(tail) < place + 22:
            return 0
        (length,) = struct.unpack_from("<I", tail, place + 12)
        if length == 0xFFFF_FFFF and tail[place - 20 : place - 16] == _END64_PLACE:
            stream.seek(struct.unpack_from("<Q", tail, place - 12)[0])
            record = stream.read(56)
            if record[:4] == _END64:
                (length,) = struct.unpack_from("<Q", record, 40)
        return int(length)
