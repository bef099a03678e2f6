"""What a recording plays, whatever plays it: how much of each of the twelve pitch classes sounds, twice a second (T. Fujishima, ICMC 1999)."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import scipy.fft

RATE_HZ = 8000
FRAMES_PER_SECOND = 2
WINDOW, HOP = 8192, 2000  # about a second, so that neighbouring semitones are apart from 65 Hz on; four times a second
LOWEST_HZ, HIGHEST_HZ = 65.0, 2100.0
AROUND_BINS = 25  # what a partial must stand out from

Floats = npt.NDArray[np.float32]


def measure_chroma(blocks: Iterable[Floats]) -> Floats:
    """The chroma of a mono sound at `RATE_HZ` that comes in blocks: shape (frames, 12), each frame's loudest class 1, silence 0. Memory grows with the frames."""
    rows = [row for part in _windows(blocks) for row in _classes(part)]
    if len(rows) < 2:
        return np.zeros((0, 12), np.float32)
    pairs = np.array(rows[: len(rows) // 2 * 2], np.float32).reshape(-1, 2, 12).sum(axis=1)
    loudest = pairs.max(axis=1, keepdims=True)
    return np.asarray(pairs / np.where(loudest > 0, loudest, 1), dtype=np.float32)


def pack(chroma: Floats) -> bytes:
    """One byte a class: 24 bytes a second."""
    return np.rint(chroma * 255).astype(np.uint8).tobytes()


def unpack(data: bytes) -> Floats:
    """What `pack` wrote. Raises ValueError for anything else."""
    return np.asarray(np.frombuffer(data, np.uint8).reshape(-1, 12).astype(np.float32) / 255, dtype=np.float32)


def _windows(blocks: Iterable[Floats]) -> Iterable[Floats]:
    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        rows = (len(held) - WINDOW) // HOP + 1
        if rows > 0:
            yield np.lib.stride_tricks.sliding_window_view(held, WINDOW)[::HOP][:rows]
            held = held[rows * HOP :]


_BINS = np.arange(int(LOWEST_HZ * WINDOW / RATE_HZ), int(HIGHEST_HZ * WINDOW / RATE_HZ))
_PITCH = 12 * np.log2(_BINS * RATE_HZ / WINDOW / 440.0)
_CLASS = np.rint(_PITCH).astype(np.int64) % 12
_WEIGHT = (
    np.cos(np.pi * (_PITCH - np.rint(_PITCH))) ** 2 / np.maximum(_BINS / _BINS[0], 1) ** 0.5
)  # in tune counts most, high partials least
_SHAPE = np.hanning(WINDOW).astype(np.float32)
_TO_CLASS = np.zeros((len(_BINS), 12))
_TO_CLASS[np.arange(len(_BINS)), _CLASS] = _WEIGHT


def _classes(windows: Floats) -> Floats:
    """The twelve classes of each window, from what stands out of its surroundings."""
    level = np.sqrt(np.abs(scipy.fft.rfft(windows * _SHAPE, axis=1)[:, _BINS]))
    total = np.cumsum(np.pad(level, ((0, 0), (AROUND_BINS + 1, AROUND_BINS)), mode="edge"), axis=1)
    around = (total[:, 2 * AROUND_BINS + 1 :] - total[:, : -2 * AROUND_BINS - 1]) / (2 * AROUND_BINS + 1)
    return np.asarray(np.maximum(level - 1.5 * around, 0) @ _TO_CLASS, dtype=np.float32)
