"""Canonical bytes and hashes of artefacts: docs/formats/conventions.md in code."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import rfc8785

from ritornello.domain import merkle
from ritornello.domain.errors import Refused

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies an artefact: `hash` is hex, the root of a table or the SHA-256 of a document; `rows` is None for documents."""

    hash: str
    rows: int | None


def encode(value: Mapping[str, Any]) -> bytes:
    """RFC 8785 canonical JSON of one object, without a line end."""
    return rfc8785.dumps(dict(value))


def encode_document(value: Mapping[str, Any]) -> bytes:
    return encode(value) + b"\n"


def encode_table(rows: Iterable[Row], key: Sequence[str]) -> bytes:
    """The bytes of a table: rows sorted by `key`, one a line. A key that appears twice is a broken promise of the caller's."""
    ordered = sorted(rows, key=lambda row: tuple(row[column] for column in key))
    for before, after in pairwise(ordered):
        assert any(before[column] != after[column] for column in key), f"two rows with the key {[after[column] for column in key]}"
    return b"".join(encode(row) + b"\n" for row in ordered)


def lines(table: bytes) -> list[bytes]:
    """A table's lines without their line ends."""
    return table.split(b"\n")[:-1]


def fingerprint_table(table: bytes) -> Fingerprint:
    rows = lines(table)
    return Fingerprint(merkle.root(merkle.leaf_hash(line) for line in rows).hex(), len(rows))


def fingerprint_document(document: bytes) -> Fingerprint:
    return Fingerprint(hashlib.sha256(document).hexdigest(), None)


def fingerprint(name: str, data: bytes) -> Fingerprint:
    """Of any artefact, told apart by its file name: `.jsonl` is a table."""
    return fingerprint_table(data) if name.endswith(".jsonl") else fingerprint_document(data)


def hash_file(path: Path) -> str:
    """SHA-256 of a file in hex, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is there whole, durable, or not at all."""
    with _replacing(path, mode) as stream:
        stream.write(data)


def copy_atomically(source: Path, path: Path, mode: int = 0o644) -> None:
    """Copy a file of any size in the same way."""
    with source.open("rb") as original, _replacing(path, mode) as stream:
        shutil.copyfileobj(original, stream, 1 << 20)


@contextmanager
def _replacing(path: Path, mode: int) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def build_folder(target: Path) -> Iterator[Path]:
    """A folder to fill that becomes `target` when the block ends well: whole, or not at all. Raises Refused when there is something already."""
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise Refused("out_exists", f"{target} exists already", "choose a new folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone_in(target.parent / f".building-{target.name}") as building:
        for left in building.iterdir():  # by a run that was killed
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        try:
            yield building
            building.rename(target)
        finally:
            shutil.rmtree(building, ignore_errors=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[Path]:
    """A folder, made if need be, that no other process works in meanwhile; what lies there stays. Raises Refused when one does."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    except BlockingIOError:
        raise Refused("in_use", f"another run is at work in {folder}", "wait for it") from None
    finally:
        os.close(handle)


def iterate_files(folder: Path) -> Iterator[Path]:
    """Every regular file below a folder, sorted by path; links are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path
