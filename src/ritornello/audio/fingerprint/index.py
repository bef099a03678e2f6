"""An index in a folder: immutable segments and a small file that names them, replaced whole at each change.

Adding writes a new segment and merges it with the last ones while those aren't larger, so an index of n assets has about log2(n) segments. Removing only notes what
is gone; merging leaves it out. A reader sees one state from opening to the end. Format: docs/formats/fingerprint-index.md.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from ritornello.audio.fingerprint.peaks import FRAMES_PER_SECOND, Peaks
from ritornello.audio.fingerprint.segment import IndexedAsset, Segment, make_segment, merge

FORMAT = "ritornello-fingerprint-index-1"
MANIFEST = "index.json"
LOCK = "lock"
ATTEMPTS = 5


class UnknownIndex(ValueError):
    """The folder holds no index of this format; the text says what is wrong."""


class FingerprintIndex:
    """The state of an index as it was when opened. `add` and `remove` return the next state."""

    def __init__(self, folder: Path, names: Sequence[str], segments: Sequence[Segment], removed: frozenset[str]) -> None:
        self.folder = folder
        self.names = tuple(names)
        self.segments = tuple(segments)
        self.removed = removed

    @classmethod
    def open(cls, folder: Path) -> "FingerprintIndex":
        """The index in `folder`; an empty one where there is none yet. Raises UnknownIndex."""
        path = folder / MANIFEST
        for attempt in range(ATTEMPTS):
            if not path.exists():
                return cls(folder, (), (), frozenset())
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
                if said["format"] != FORMAT:
                    raise UnknownIndex(f"{path}: the format is {said['format']!r}, not {FORMAT}; delete the folder and build it anew")
                return cls(folder, said["segments"], [Segment.load(folder / name) for name in said["segments"]], frozenset(said["removed"]))
            except FileNotFoundError as error:  # a writer has replaced a segment since the list was read
                if attempt == ATTEMPTS - 1:
                    raise UnknownIndex(f"{path}: {error.filename} is missing; delete the folder and build it anew") from error
            except (OSError, KeyError, TypeError, ValueError, EOFError) as error:
                if isinstance(error, UnknownIndex):
                    raise
                raise UnknownIndex(f"{path}: not a whole index ({error}); delete the folder and build it anew") from error
        raise AssertionError("the loop returns or raises")

    @cached_property
    def assets(self) -> dict[str, IndexedAsset]:
        """What can be found, by SHA-256."""
        return {asset.sha256: asset for segment in self.segments for asset in segment.assets if asset.sha256 not in self.removed}

    @cached_property
    def hours(self) -> float:
        """How much sound it holds."""
        return sum(asset.length_frames for asset in self.assets.values()) / (FRAMES_PER_SECOND * 3600)

    @property
    def size_bytes(self) -> int:
        """Of its segments' files."""
        return sum(file.stat().st_size for name in self.names for file in (self.folder / name).iterdir())

    def add(self, assets: Sequence[tuple[str, Peaks]]) -> "FingerprintIndex":
        """Add assets by SHA-256; those already there are left alone. Whole or not at all."""
        with _writing(self.folder):
            now = FingerprintIndex.open(self.folder)
            fresh = [(sha256, peaks) for sha256, peaks in dict(assets).items() if sha256 not in now.assets]
            if any(sha256 in now.removed for sha256, _ in fresh):
                now = _compact(now)  # what comes back must be neither hidden nor there twice
            if not fresh:
                return now
            parts, kept = [make_segment(fresh)], len(now.segments)
            while kept and now.segments[kept - 1].length_frames <= 2 * sum(part.length_frames for part in parts):
                kept -= 1
                parts.insert(0, now.segments[kept])
            return _replace(now, kept, merge(parts, now.removed))

    def remove(self, sha256s: frozenset[str]) -> "FingerprintIndex":
        """Take assets out: they are not found from now on, and `compact` frees their bytes. Unknown ones are ignored."""
        with _writing(self.folder):
            now = FingerprintIndex.open(self.folder)
            gone = sha256s & now.assets.keys()
            return _write(now.folder, now.names, now.removed | gone) if gone else now

    def compact(self) -> "FingerprintIndex":
        """One segment, without anything removed."""
        with _writing(self.folder):
            return _compact(FingerprintIndex.open(self.folder))


def _compact(now: FingerprintIndex) -> FingerprintIndex:
    return _replace(now, 0, merge(now.segments, now.removed)) if now.segments else now


def _replace(now: FingerprintIndex, kept: int, last: Segment) -> FingerprintIndex:
    """Keep the first `kept` segments and put `last` in the place of the others."""
    still = {asset.sha256 for segment in now.segments[:kept] for asset in segment.assets}
    return _write(now.folder, [*now.names[:kept], _save(now.folder, last)], now.removed & still)


def _save(folder: Path, segment: Segment) -> str:
    """Write a segment beside its final name, then rename it: a folder with a number is whole."""
    place = Path(tempfile.mkdtemp(prefix="making-", dir=folder))
    segment.save(place)
    for file in place.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    number = 1 + max((int(name.name) for name in folder.iterdir() if name.name.isdigit()), default=0)
    place.chmod(0o755)
    place.rename(folder / f"{number:06d}")
    return f"{number:06d}"


def _write(folder: Path, names: Sequence[str], removed: frozenset[str]) -> FingerprintIndex:
    text = json.dumps({"format": FORMAT, "segments": list(names), "removed": sorted(removed)}, indent=1)
    half = folder / f"{MANIFEST}.half"
    with half.open("w", encoding="utf-8") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    half.replace(folder / MANIFEST)
    for leftover in folder.iterdir():
        if leftover.is_dir() and leftover.name not in names:
            shutil.rmtree(leftover)
    return FingerprintIndex.open(folder)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """One writer at a time; readers need no lock."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
