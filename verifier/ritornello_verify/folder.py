"""Reading inside one folder and never outside it: no links, no odd files, no paths that climb."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ritornello_verify.report import Malformed

READ_ONLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Folder:
    root: Path

    def open(self, path: str) -> BinaryIO:
        """Open a regular file by its path in the folder (parts joined by `/`)."""
        parts = path.split("/")
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            raise Malformed(path, "is not a path within the bundle")
        place = self.root
        for part in parts:
            place = place / part
            mode = self.find_mode(place, path)
            if stat.S_ISLNK(mode):
                raise Malformed(path, "is, or lies behind, a symbolic link")
        if not stat.S_ISREG(mode):
            raise Malformed(path, "is not a regular file")
        try:
            return os.fdopen(os.open(place, READ_ONLY), "rb")
        except OSError as error:
            raise Malformed(path, f"cannot be read: {error.strerror}") from None

    def read(self, path: str, limit: int) -> bytes:
        """All bytes of a file of at most `limit` bytes."""
        try:
            with self.open(path) as file:
                data = file.read(limit + 1)
        except OSError as error:
            raise Malformed(path, f"cannot be read: {error.strerror}") from None
        if len(data) > limit:
            raise Malformed(path, f"is longer than {limit:,} bytes")
        return data

    def find_mode(self, place: Path, path: str) -> int:
        try:
            return place.lstat().st_mode
        except FileNotFoundError:
            raise Malformed(path, "is missing") from None
        except (OSError, ValueError):
            raise Malformed(path, "cannot be read") from None

    def list_paths(self) -> Iterator[str]:
        """Every path that is not a folder, links unfollowed, in ascending order within each folder."""
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            try:
                with os.scandir(self.root / prefix) as entries:
                    found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
            except OSError:
                yield prefix
                continue
            for name, is_folder in found:
                if is_folder:
                    waiting.append(f"{prefix}{name}/")
                else:
                    yield f"{prefix}{name}"
