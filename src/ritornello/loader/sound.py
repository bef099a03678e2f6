"""Decoding of a sound that lies in a file or in a stretch of a larger file, passage by passage. Decoding is libsndfile's (through soundfile)."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from ritornello.domain.errors import BadInput, Problem

READ_BYTES = 1 << 20
MPEG_LEAD_FRAMES = 32 * 1152  # an MPEG decoder needs what came before: its frames borrow bits from and overlap with earlier ones
CHANNELS_LIMIT = 64

Samples = npt.NDArray[np.float32]


class Stretch(io.RawIOBase):
    """`length` bytes of a file from byte `start` on, read as if they were a file."""

    def __init__(self, path: Path, start: int, length: int) -> None:
        super().__init__()
        self._stream = path.open("rb", buffering=0)
        self._start, self._length, self._position = start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), max(0, self._length - self._position))
        if not wanted:
            return 0
        self._stream.seek(self._start + self._position)
        got = self._stream.readinto(memoryview(buffer)[:wanted]) or 0
        self._position += got
        return got

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def hash_stretch(path: Path, start: int, length: int) -> str:
    """SHA-256 in hex of `length` bytes from byte `start` on (fewer where the file ends before)."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        stream.seek(start)
        while length and (block := stream.read(min(length, READ_BYTES))):
            digest.update(block)
            length -= len(block)
    return digest.hexdigest()


def decode(
    path: Path, start: int, length: int, *, start_ms: int = 0, length_ms: int | None = None, passage_ms: int | None = None
) -> Iterator[tuple[Samples, int, int]]:
    """Yield (samples, rate_hz, start_frame) of the sound in that stretch, from `start_ms` on, for `length_ms` or to its end.

    `samples` is float32 of shape (frames, channels), full scale ±1, at the sound's own rate; a passage has `passage_ms`, the last one what is left; None: all at once.
    Raises BadInput where it can't be decoded.
    """
    try:
        with io.BufferedReader(Stretch(path, start, length), 1 << 16) as stream, _Straight(stream) as sound:
            rate_hz, channels = int(sound.samplerate), int(sound.channels)
            if not 1 <= channels <= CHANNELS_LIMIT or rate_hz < 1:
                raise RuntimeError(f"it states {channels} channels at {rate_hz} Hz")
            position = start_ms * rate_hz // 1000
            last = min(int(sound.frames), (start_ms + length_ms) * rate_hz // 1000 if length_ms is not None else int(sound.frames))
            if 0 < position < last:
                lead = min(position, MPEG_LEAD_FRAMES) if sound.format == "MP3" else 0
                sound.seek(position - lead)
                sound.read(lead, dtype="float32", always_2d=True)
            step = max(1, passage_ms * rate_hz // 1000) if passage_ms is not None else last
            while position < last:
                wanted = min(step, last - position)
                samples = sound.read(wanted, dtype="float32", always_2d=True)
                if len(samples):
                    yield samples, rate_hz, position
                if len(samples) < wanted:
                    return
                position += len(samples)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as trouble:
        raise BadInput([Problem(path.name, None, None, f"can't be decoded: {trouble}", "verify the dataset, or get it again")]) from trouble


class _Straight(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A sound that is read straight on. soundfile seeks to where it already is after each read, which makes MP3 decoders start anew."""

    def seekable(self) -> bool:
        return False
