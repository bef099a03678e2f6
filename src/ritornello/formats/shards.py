"""Tar shards of a dataset in the WebDataset layout: the samples of one manifest always become the same bytes (docs/formats/dataset.md).

A sample is two neighbouring members of one tar file, `KEY.EXTENSION` (the asset, byte for byte) and `KEY.json` (what it is). The tar form is
POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"): plain files only, owner 0, mode 0644, time 0, two zero blocks at the end.
"""

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.formats.canonical import encode

BLOCK_BYTES = 512
END = bytes(2 * BLOCK_BYTES)
SHARD_BYTES = 1 << 30
MEMBER_LIMIT_BYTES = 8**11 - 1  # eleven octal digits are all that a ustar header holds
EXTENSIONS = frozenset({"wav", "flac", "ogg", "oga", "opus", "mp3"})
READ_BYTES = 1 << 20

Row = Mapping[str, Any]
Reader = Callable[[Row], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One asset's place: the shard, the byte in it where the audio starts, the members' names, and the text member's bytes."""

    row: Row
    shard: str
    offset: int
    audio_name: str
    text_name: str
    text: bytes

    def as_row(self) -> dict[str, Any]:
        """The row of samples.jsonl."""
        return {"asset_id": self.row["asset_id"], "shard": self.shard, "offset": self.offset, "member": self.audio_name}


@dataclass(frozen=True, slots=True)
class Shard:
    """A written shard: its path within the dataset, its length, its SHA-256 in hex, its number of samples."""

    file: str
    bytes: int
    sha256: str
    samples: int


def plan_shards(rows: Sequence[Row], licence: str, shard_bytes: int = SHARD_BYTES) -> list[list[Sample]]:
    """Where every asset of a manifest goes, shard by shard: ascending by `asset_id`, a shard ends before the sample that would take it beyond `shard_bytes`.

    A sample larger than that has a shard of its own. Raises BadInput naming each asset that ustar can't hold (8 GiB or more).
    """
    raise_if_any(
        [
            Problem(row["file"], None, "bytes", "is 8 GiB or larger, which a tar member can't be", "export the snapshot as a folder")
            for row in rows
            if row["bytes"] > MEMBER_LIMIT_BYTES
        ]
    )
    shards: list[list[Sample]] = []
    position = 0
    for row in sorted(rows, key=lambda row: str(row["asset_id"])):
        text = _describe(row, licence)
        length = 2 * BLOCK_BYTES + pad(row["bytes"]) + pad(len(text))
        if not shards or (shards[-1] and position + length + len(END) > shard_bytes):
            shards.append([])
            position = 0
        key = str(row["asset_id"]).removeprefix("sha256:")
        extension = PurePosixPath(row["file"]).suffix.lstrip(".")
        shard = f"shards/shard-{len(shards) - 1:06}.tar"
        audio_name = f"{key}.{extension if extension in EXTENSIONS else 'audio'}"
        shards[-1].append(Sample(row, shard, position + BLOCK_BYTES, audio_name, f"{key}.json", text))
        position += length
    return shards


def write_shards(folder: Path, plan: Sequence[Sequence[Sample]], read: Reader) -> Iterator[Shard]:
    """Write the planned shards below `folder`, block by block, yielding each when it is whole.

    `read` gives the asset's bytes in blocks; that they are the planned length is a promise of its. Memory does not grow with the data.
    """
    for samples in plan:
        path = folder / samples[0].shard
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            writer = _Writer(stream)
            for sample in samples:
                assert writer.position == sample.offset - BLOCK_BYTES, "the plan and the shard disagree"
                writer.add(sample.audio_name, sample.row["bytes"], read(sample.row))
                writer.add(sample.text_name, len(sample.text), (sample.text,))
            writer.write(END)
        yield Shard(samples[0].shard, writer.position, writer.digest.hexdigest(), len(samples))


def header(name: str, size_bytes: int) -> bytes:
    """The one header that a plain file of this name and size has in our shards."""
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    member.mode = 0o644
    return member.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def pad(size_bytes: int) -> int:
    """A length rounded up to whole blocks."""
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES


class _Writer:
    """Writes members and hashes the shard on the way."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.position, self.digest = stream, 0, hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.stream.write(data)
        self.digest.update(data)
        self.position += len(data)

    def add(self, name: str, size_bytes: int, blocks: Iterable[bytes]) -> None:
        self.write(header(name, size_bytes))
        start = self.position
        for block in blocks:
            self.write(block)
        assert self.position - start == size_bytes, f"{name} is not as long as its manifest says"
        self.write(bytes(pad(size_bytes) - size_bytes))


def _describe(row: Row, licence: str) -> bytes:
    names = ("recording_id", "asset_id", "kind", "dataset_split", "duration_ms")
    return encode({**{name: row[name] for name in names}, "licence": licence})
