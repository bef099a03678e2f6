"""Writing a folder that others read at the same time: one writer at once, and nothing is named before it is durable."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ritornello.formats.canonical import write_atomically


@contextmanager
def hold(*folders: Path) -> Iterator[None]:
    """Keep other writers out of these folders until the block ends; waits for them."""
    handles: list[int] = []
    try:
        for folder in sorted({folder.resolve() for folder in folders}):  # always in one order, so that two never wait for each other
            handles.append(os.open(folder, os.O_RDONLY))
            fcntl.flock(handles[-1], fcntl.LOCK_EX)
        yield
    finally:
        for handle in handles:
            os.close(handle)


def write_durably(folder: Path, files: Iterator[tuple[str, bytes]]) -> int:
    """Write files below a folder; when this returns they, and the folders that name them, survive a loss of power. Returns how many."""
    touched: set[Path] = set()
    count = 0
    for path, data in files:
        target = folder / path
        touched.update(parent for parent in target.parents if parent.is_relative_to(folder))
        write_atomically(target, data)
        count += 1
    for parent in sorted(touched, reverse=True):
        _sync(parent)
    return count


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
