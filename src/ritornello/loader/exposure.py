"""The exposure log: an append-only file of what training really read, each line chained to the one before by its hash (docs/loading.md).

A line is `CHAIN BODY`: BODY is a JSON object, CHAIN the SHA-256 in hex of the previous line's chain (32 bytes; zeros before the first) ‖ BODY.
"""

import hashlib
import json
import os
from pathlib import Path
from types import TracebackType

from ritornello.domain.identifiers import parse_own

LOG_FORMAT = "ritornello-exposure-1"
SUFFIX = ".exposure"
START = bytes(32)
SYNC_EVERY = 1024


class ExposureLog:
    """Written by one process. Every line reaches the operating system before `add` returns, so that a killed process loses nothing;
    every SYNC_EVERY lines reach the disk, so that a machine without power loses no more than that."""

    def __init__(self, folder: Path, snapshot_id: str, manifest_root: str, writer: str = "main", sync_every: int = SYNC_EVERY) -> None:
        """Start a new file in `folder`, named after the writer and the next free number: no log is ever opened twice."""
        parse_own(writer)
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self._handle = _create(folder, writer)
        self._chain, self._lines, self._unsynced, self._sync_every = START, 0, 0, sync_every
        self._process, self._closed = os.getpid(), False
        header = {"format": LOG_FORMAT, "manifest_root": manifest_root, "snapshot_id": snapshot_id, "writer": writer}
        self._append(json.dumps(header, sort_keys=True, separators=(",", ":")).encode())
        os.fsync(self._handle)
        _sync_folder(folder)

    def add(self, number: int, epoch: int, frames: int, rate_hz: int) -> None:
        """Record that training was handed `frames` frames of the asset in row `number` of the manifest (from 0), at `rate_hz` frames a second."""
        assert number >= 0 and epoch >= 0 and frames >= 0 and rate_hz > 0
        self._append(b'{"asset":%d,"epoch":%d,"frames":%d,"rate_hz":%d}' % (number, epoch, frames, rate_hz))
        self._lines += 1
        self._unsynced += 1
        if self._unsynced >= self._sync_every:
            self.sync()

    def sync(self) -> None:
        """Bring every line to the disk. Call it before a checkpoint of the model is written: then no weights outlive the record of what they were made from."""
        os.fsync(self._handle)
        self._unsynced = 0

    def close(self) -> str:
        """Seal the log: the last line counts the readings. Returns the last chain value in hex: whoever keeps it elsewhere notices any later change."""
        if not self._closed:
            self._append(b'{"end":%d}' % self._lines)
            os.fsync(self._handle)
            os.close(self._handle)
            self._closed = True
        return self._chain.hex()

    def __enter__(self) -> "ExposureLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _append(self, body: bytes) -> None:
        if self._closed or self._process != os.getpid():
            raise RuntimeError("an exposure log is written by the process that opened it, until it is closed: open one for each worker")
        chain = hashlib.sha256(self._chain + body).digest()
        line = b"%s %s\n" % (chain.hex().encode(), body)
        try:
            written = os.write(self._handle, line)
            while written < len(line):
                written += os.write(self._handle, line[written:])
        except OSError:
            self._closed = True  # half a line may stand there: whatever came after it could not be read
            raise
        self._chain = chain


def _create(folder: Path, writer: str) -> tuple[Path, int]:
    number = 0
    while True:
        path = folder / f"{writer}-{number:06}{SUFFIX}"
        try:
            return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except FileExistsError:
            number += 1


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
