"""A copy of a home that is a home itself, taken while others work.

The database is copied as it is at one moment, then the files: those are never changed or removed, so whatever the copied database names is there. What can be made
anew from the catalogue's own sound (fingerprints, chroma, evidence) is left out, and so is the sound itself, which lies where it was imported from.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ritornello.domain.errors import Refused
from ritornello.formats.canonical import copy_atomically, iterate_files
from ritornello.service.context import CONFIG, DATABASE, FILES, KEYS, Context

TOLD_EVERY = 500


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup did. `database`: whether it holds the database too, which a server's own tools copy otherwise."""

    folder: Path
    files_copied: int
    files_there: int
    database: bool


def back_up(context: Context, folder: Path) -> Backup:
    """Copy the home into a new folder, or bring an earlier backup of the same home up to date; whenever it is stopped, what was there before still is.

    Raises Refused when the folder is something else.
    """
    home = context.files.folder.parent
    _refuse_others(context, home, folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    copied_database = _copy_database(context, folder)
    copied, there = _copy_files(context, home, folder)
    for path in iterate_files(home / KEYS):
        copy_atomically(path, folder / KEYS / path.relative_to(home / KEYS), mode=0o600)
    (folder / KEYS).chmod(0o700)
    if copied_database is not None:
        copied_database.replace(folder / DATABASE)
    copy_atomically(home / CONFIG, folder / CONFIG)
    return Backup(folder, copied, there, copied_database is not None)


def _refuse_others(context: Context, home: Path, folder: Path) -> None:
    if folder.resolve() == home.resolve() or home.resolve() in folder.resolve().parents:
        raise Refused("bad_backup", f"{folder} is the home itself, or lies in it", "name a folder elsewhere, best on another disk")
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        origin = json.loads((folder / CONFIG).read_bytes())["origin"]
        same = origin == context.origin and (folder / KEYS / "log.pem").read_bytes() == (home / KEYS / "log.pem").read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise Refused("bad_backup", f"{folder} holds something else than a backup of this home", "name a new folder, or an earlier backup")


def _copy_database(context: Context, folder: Path) -> Path | None:
    """A consistent copy under a name of its own, durable; None for a database server."""
    if context.connection.dialect.name != "sqlite":
        return None
    source = context.connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)
    path = folder / f"{DATABASE}.new"
    for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        name.unlink(missing_ok=True)
    path.touch(mode=0o600)
    target = sqlite3.connect(path)
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # all of it in one file
    finally:
        target.close()
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    return path


def _copy_files(context: Context, home: Path, folder: Path) -> tuple[int, int]:
    copied = there = 0
    for path in _stored(home / FILES):
        target = folder / FILES / path.relative_to(home / FILES)
        if target.exists() and target.stat().st_size == path.stat().st_size:
            there += 1
        else:
            copy_atomically(path, target, mode=0o444)
            copied += 1
        if (copied + there) % TOLD_EVERY == 0:
            context.tell(f"{copied:,} files copied, {there:,} there already")
    return copied, there


def _stored(files: Path) -> Iterator[Path]:
    """Files that are whole: one that is being written has another name."""
    return (path for path in iterate_files(files) if not path.name.startswith(".")) if files.is_dir() else iter(())
