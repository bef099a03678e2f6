"""Content-addressed files: bytes in, their SHA-256 out. Checked when written and again when read."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ritornello.formats.canonical import copy_atomically, hash_file, write_atomically


@dataclass(frozen=True, slots=True)
class FileStore:
    """A folder of files named by their hash. A file that is there is whole and durable; nothing is ever changed or removed."""

    folder: Path

    def put(self, data: bytes) -> str:
        """Keep the bytes; returns their SHA-256 in hex. Keeping the same bytes twice is harmless."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if not path.exists():
            write_atomically(path, data, mode=0o444)
        return sha256

    def put_file(self, path: Path) -> str:
        """Keep a file of any size; returns its SHA-256 in hex."""
        sha256 = hash_file(path)
        target = self._path(sha256)
        if not target.exists():
            copy_atomically(path, target, mode=0o444)
            assert hash_file(target) == sha256, f"{path} changed while it was read"
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes with this hash. A file that is gone or changed is a broken promise: the program stops."""
        data = self._path(sha256).read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256, f"stored file {sha256} was changed on disk"
        return data

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:]
