"""The peaks of a sound's spectrum: what survives codecs, noise and other music best (A. Wang, ISMIR 2003, section 2.1).

The spectrum is a short-time Fourier transform on a pitch axis: bands of a quarter of a semitone, of one bin where bins are wider than that. A peak is the
loudest band among its neighbours in time and pitch; those that stand out and begin something count most. Levels are relative, so loudness doesn't matter.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import maximum_filter, maximum_filter1d, uniform_filter

RATE_HZ = 8000
HOP = 160  # samples: 20 ms a frame
FRAMES_PER_SECOND = RATE_HZ // HOP
WINDOW = 1024  # samples: 128 ms
LOWEST_HZ, HIGHEST_HZ = 180.0, 3700.0
STEP_SEMITONES = 0.21  # of stored pitches: 256 of them cover what lies between lowest and highest
BANDS_PER_SEMITONE = 4
NEIGHBOUR_FRAMES, NEIGHBOUR_BANDS = 3, 3
AROUND_FRAMES, AROUND_BANDS = 48, 30  # what a peak is compared with
PAST_FRAMES = 25
ONSET_LIMIT = 6.0  # nepers of power: a start from silence counts no more than that
LOUDEST_FRAMES = 401
QUIETEST = 13.8  # nepers of power below the loudest nearby (60 dB)
SILENCE = -9.6  # nepers of power: the last bit of 16
LEAST_PROMINENCE = 0.7
CHUNK_SECONDS = 120
MARGIN_FRAMES = 250  # more than any filter above reaches

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peaks in order of time: `frames` (n,) int64, `pitches` (n,) float32 in semitones above the lowest, `strengths` (n,). `length` is in frames of 20 ms."""

    frames: npt.NDArray[np.int64]
    pitches: Floats
    strengths: Floats
    length: int

    def strongest(self, per_second: int) -> "Peaks":
        """At most so many peaks in each second."""
        keep = _keep_strongest(self.frames, self.strengths, per_second)
        return Peaks(self.frames[keep], self.pitches[keep], self.strengths[keep], self.length)

    def between(self, first: int, last: int) -> "Peaks":
        """The peaks of frames `first` up to `last`, counted from `first` on."""
        start, end = np.searchsorted(self.frames, [first, last])
        part = slice(int(start), int(end))
        return Peaks(self.frames[part] - first, self.pitches[part], self.strengths[part], min(last, self.length) - first)


def measure_peaks(samples: Floats, per_second: int) -> Peaks:
    """The peaks of mono `samples` (n,) at `RATE_HZ`, at most `per_second` in each second. The same in one piece or in blocks."""
    return measure_blocks([samples], per_second)


def measure_blocks(blocks: Iterable[Floats], per_second: int) -> Peaks:
    """The peaks of a sound that comes in blocks; memory grows with the number of peaks (about 20 bytes each), not with the sound."""
    found, length = [], 0
    for spectrum, offset, first, last in _spectra(blocks):
        frames, pitches, strengths = _pick(spectrum)
        inside = (frames >= first) & (frames < last)
        frames, pitches, strengths = frames[inside] + offset, pitches[inside], strengths[inside]
        keep = _keep_strongest(frames, strengths, per_second)
        found.append((frames[keep], pitches[keep], strengths[keep]))
        length = offset + last
    if not found:
        return Peaks(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32), 0)
    frames, pitches, strengths = (np.concatenate([part[i] for part in found]) for i in range(3))
    return Peaks(frames.astype(np.int64), pitches.astype(np.float32), strengths.astype(np.float32), length)


def _spectra(blocks: Iterable[Floats]) -> Iterator[tuple[Floats, int, int, int]]:
    """Log power (frames, bins) chunk by chunk, with a margin on both sides: (spectrum, frame number of its first row, first and last row that count).

    Chunks begin at whole seconds of the sound, whatever its blocks.
    """
    chunk_frames = CHUNK_SECONDS * FRAMES_PER_SECOND
    wanted = (chunk_frames + 2 * MARGIN_FRAMES) * HOP + WINDOW
    held = np.zeros(WINDOW // 2, np.float32)  # half a window of silence before the sound, so that frame i is centred on sample i * HOP
    origin, margin = 0, 0  # frame number of the first held sample's frame; frames before the part that counts
    pieces, size = [held], len(held)
    for block in blocks:
        pieces.append(np.asarray(block, dtype=np.float32))
        size += len(block)
        while size >= wanted:
            held = np.concatenate(pieces)
            yield _transform(held[:wanted]), origin, margin, margin + chunk_frames
            drop = margin + chunk_frames - MARGIN_FRAMES
            held = held[drop * HOP :]
            origin, margin = origin + drop, MARGIN_FRAMES
            pieces, size = [held], len(held)
    held = np.concatenate([*pieces, np.zeros(WINDOW // 2, np.float32)])
    while len(held) >= WINDOW:
        rows = 1 + (len(held) - WINDOW) // HOP
        last = min(rows, margin + chunk_frames)
        yield _transform(held), origin, margin, last
        if last == rows:
            return
        drop = last - MARGIN_FRAMES
        held = held[drop * HOP :]
        origin, margin = origin + drop, MARGIN_FRAMES


_LOW_BIN = int(LOWEST_HZ * WINDOW / RATE_HZ)  # a peak needs a neighbour on each side, so none is below the lowest
_HIGH_BIN = int(HIGHEST_HZ * WINDOW / RATE_HZ) + 2
_SHAPE = np.hanning(WINDOW + 1)[:WINDOW].astype(np.float32)


def _band_edges() -> npt.NDArray[np.int64]:
    """The first bin of each band, counted from the lowest bin that is kept."""
    octaves = np.log2(HIGHEST_HZ * 2 / LOWEST_HZ)
    edges = LOWEST_HZ / 2 * 2 ** (np.arange(int(12 * BANDS_PER_SEMITONE * octaves) + 100) / (12 * BANDS_PER_SEMITONE)) * WINDOW / RATE_HZ
    bins = np.unique(np.floor(edges).astype(np.int64))
    return bins[(bins >= _LOW_BIN) & (bins < _HIGH_BIN)] - _LOW_BIN


_EDGES = _band_edges()
_WIDTHS = np.append(_EDGES[1:], _HIGH_BIN - _LOW_BIN) - _EDGES


def _transform(samples: Floats) -> Floats:
    rows = 1 + (len(samples) - WINDOW) // HOP
    windows = np.lib.stride_tricks.as_strided(samples, (rows, WINDOW), (samples.strides[0] * HOP, samples.strides[0]), writeable=False)
    spectrum = np.empty((rows, _HIGH_BIN - _LOW_BIN), np.float32)
    for first in range(0, rows, 512):
        part = scipy.fft.rfft(windows[first : first + 512] * _SHAPE, axis=1)[:, _LOW_BIN:_HIGH_BIN]
        spectrum[first : first + 512] = np.log(part.real**2 + part.imag**2 + np.float32(1e-10))
    return spectrum


def _pick(spectrum: Floats) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Frames, pitches and strengths of all peaks of a spectrum of shape (frames, bins)."""
    bands = np.maximum.reduceat(spectrum, _EDGES, axis=1)
    highest = maximum_filter(bands, size=(2 * NEIGHBOUR_FRAMES + 1, 2 * NEIGHBOUR_BANDS + 1), mode="constant", cval=-99.0)
    prominence = bands - uniform_filter(bands, size=(2 * AROUND_FRAMES + 1, 2 * AROUND_BANDS + 1), mode="nearest")
    quietest = np.maximum(maximum_filter1d(bands.max(axis=1), LOUDEST_FRAMES, mode="nearest") - QUIETEST, SILENCE)
    is_peak = (bands == highest) & (bands > quietest[:, None]) & (prominence > LEAST_PROMINENCE)
    is_peak[:, [0, -1]] = False
    frames, places = np.nonzero(is_peak)
    past = maximum_filter1d(bands, PAST_FRAMES, axis=0, origin=(PAST_FRAMES - 1) // 2, mode="constant", cval=-23.0)
    level = bands[frames, places]
    rise = np.minimum(level - past[np.maximum(frames - 2, 0), places], ONSET_LIMIT)
    strengths = prominence[frames, places] + 0.6 * level + 0.7 * rise
    return frames, _measure_pitches(spectrum, frames, places), strengths.astype(np.float32)


def _measure_pitches(spectrum: Floats, frames: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> Floats:
    """Semitones above the lowest, between bins by a parabola through the logarithms (J. O. Smith, "Spectral Audio Signal Processing", section on peak interpolation)."""
    bins = _EDGES[places].copy()
    for further in range(1, int(_WIDTHS.max())):
        other = np.where(further < _WIDTHS[places], _EDGES[places] + further, bins)
        bins = np.where(spectrum[frames, other] > spectrum[frames, bins], other, bins)
    bins = bins.clip(1, spectrum.shape[1] - 2)
    left, middle, right = spectrum[frames, bins - 1], spectrum[frames, bins], spectrum[frames, bins + 1]
    beside = 0.5 * (left - right) / np.minimum(left - 2 * middle + right, np.float32(-1e-6))
    hertz = (bins + _LOW_BIN + beside.clip(-0.5, 0.5)) * (RATE_HZ / WINDOW)
    return np.asarray(12 * np.log2(hertz / LOWEST_HZ), dtype=np.float32)


def _keep_strongest(frames: npt.NDArray[np.int64], strengths: Floats, per_second: int) -> npt.NDArray[np.int64]:
    """Which peaks to keep, in order of time; among equals the earlier one."""
    seconds = frames // FRAMES_PER_SECOND
    order = np.lexsort((np.arange(len(frames)), -strengths, seconds))
    ranked = seconds[order]
    rank = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    return np.sort(order[rank < per_second])
