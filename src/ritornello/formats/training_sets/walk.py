"""Walking a place: every item in it, in the order of names, whatever holds it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ritornello.formats.training_sets.item import IsKnown, Item, Refusal, Source, Spool, may_be_sound, show_name
from ritornello.formats.training_sets.parquet_rows import walk_parquet
from ritornello.formats.training_sets.tar_members import PACKED, walk_tar
from ritornello.formats.training_sets.zip_members import walk_zip

KINDS = {stat.S_IFLNK: "is a link, which is not followed", stat.S_IFIFO: "is a pipe", stat.S_IFSOCK: "is a socket"}


def walk(place: Path, spool: Spool, is_known: IsKnown) -> Iterator[Item | Refusal]:
    """Every item of a folder (and what lies below it) or of one file, by its path within the place. Memory does not grow with the place.

    A temporary source belongs to whoever is handed it (`Spool.open` deletes it). What `is_known` is listed, but not unpacked.
    """
    root = place if place.is_dir() else place.parent
    for path in _walk_folder(place) if place.is_dir() else (place,):
        name = show_name(os.fspath(path.relative_to(root)))
        try:
            found = path.lstat()
        except OSError as error:
            yield Refusal(name, f"can't be read: {error.strerror or error}")
            continue
        if not stat.S_ISREG(found.st_mode):
            yield Refusal(
                name,
                KINDS.get(
                    stat.S_IFMT(found.st_mode), "is a device" if not stat.S_ISDIR(found.st_mode) else "is a folder that can't be read"
                ),
            )
            continue
        yield from _take(path, name, found, root, spool, is_known)


def measure(place: Path) -> tuple[int, int]:
    """How many files a place has, and their bytes: what progress is measured by."""
    files = size_bytes = 0
    for path in _walk_folder(place) if place.is_dir() else (place,):
        try:
            size_bytes += path.lstat().st_size
            files += 1
        except OSError:
            continue
    return files, size_bytes


def _take(path: Path, name: str, found: os.stat_result, root: Path, spool: Spool, is_known: IsKnown) -> Iterator[Item | Refusal]:
    stamp, endings = str(found.st_mtime_ns), [ending.lower() for ending in path.suffixes]
    if endings[-1:] == [".tar"] or endings[-1:] == [".tgz"] or (len(endings) > 1 and endings[-2] == ".tar" and endings[-1] in PACKED):
        yield from walk_tar(path, name, stamp, spool, is_known)
    elif endings[-1:] == [".zip"]:
        yield from walk_zip(path, name, stamp, spool, is_known)
    elif endings[-1:] == [".parquet"]:
        yield from walk_parquet(path, name, stamp, root, spool, is_known)
    elif may_be_sound(path.name):
        yield Item(name, found.st_size, stamp, Source(path))


def _walk_folder(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is not a folder, sorted; a folder that can't be read stands for itself. Links are not followed."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if path is not folder and not _is_folder(path):
            yield path
            continue
        try:
            with os.scandir(path) as entries:
                names = sorted((entry.name for entry in entries), reverse=True)
        except OSError:
            yield path
            continue
        waiting.extend(path / name for name in names)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
