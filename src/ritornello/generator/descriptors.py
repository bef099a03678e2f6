"""What a grain sounds like, in numbers: timbre, brightness and loudness of the whole, timbre of its two ends."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft

from ritornello.generator.settings import MosaicSettings

WINDOW = 1024
BANDS = 24
COEFFICIENTS = 8
SILENCE_DB = -120.0
EDGE_MS = 60

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Descriptors:
    """One row a grain: `whole` (n, 10) with cepstrum, log centroid and level; `head`, `tail` (n, 8); `level_db` (n,)."""

    whole: Floats
    head: Floats
    tail: Floats
    level_db: Floats


def describe(samples: Floats, settings: MosaicSettings) -> Descriptors:
    """Describe the grains of a recording: grain i begins `i * settings.step_ms` after its start.

    `samples` is mono of shape (n,) at `settings.rate_hz`. The cepstrum is the cosine transform of log mel bands (Davis and
    Mermelstein, 1980), averaged over the grain's frames; a last grain that would not be whole is left out.
    """
    rate = settings.rate_hz
    count = max(0, (len(samples) * 1000 // rate - settings.grain_ms) // settings.step_ms + 1)
    hop = min(512, settings.grain_ms * rate // 3000)
    power = _measure_power(samples, hop)
    # In double precision and then rounded: otherwise the last bits would depend on how many threads multiply.
    bands = np.round(np.log10(power @ _make_bands(rate) + 1e-10), 6)
    cepstrum = scipy.fft.dct(bands, type=2, norm="ortho", axis=1)[:, 1 : COEFFICIENTS + 1]
    hertz = np.fft.rfftfreq(WINDOW, 1 / rate)
    energy = power.sum(axis=1)
    centroid = np.round(np.log2((power @ hertz + 1e-9) / (energy + 1e-9) + 60.0), 6)
    level = 10 * np.log10(_average_square(samples, hop, len(energy)) + 10 ** (SILENCE_DB / 10))
    frames = np.column_stack([cepstrum, centroid, level / 10])
    starts = np.arange(count) * settings.step_ms
    edge_ms = min(EDGE_MS, settings.grain_ms)
    to_frame = rate / 1000 / hop
    whole = _average_frames(frames, starts, settings.grain_ms, to_frame)
    head = _average_frames(cepstrum, starts, edge_ms, to_frame)
    tail = _average_frames(cepstrum, starts + settings.grain_ms - edge_ms, edge_ms, to_frame)
    return Descriptors(*(part.astype(np.float32) for part in (whole, head, tail, whole[:, -1] * 10)))


def _measure_power(samples: Floats, hop: int) -> npt.NDArray[np.float64]:
    """Power spectra (frames, 513) of frames centred every `hop` samples."""
    padded = np.pad(samples, WINDOW // 2)
    if len(samples) == 0:
        return np.zeros((0, WINDOW // 2 + 1))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::hop]
    window = np.hanning(WINDOW).astype(np.float32)
    spectra = [np.abs(scipy.fft.rfft(part * window, axis=1)) ** 2 for part in np.array_split(frames, len(frames) // 4096 + 1)]
    return np.concatenate(spectra).astype(np.float64) / WINDOW**2


def _average_square(samples: Floats, hop: int, frames: int) -> npt.NDArray[np.float64]:
    """Mean square of each frame's own `hop` samples."""
    padded = np.zeros(frames * hop)
    padded[: min(len(samples), frames * hop)] = samples[: frames * hop]
    return np.asarray((padded.reshape(frames, hop) ** 2).mean(axis=1))


def _average_frames(
    frames: npt.NDArray[np.floating], starts_ms: npt.NDArray[np.int64], length_ms: int, to_frame: float
) -> npt.NDArray[np.float64]:
    """Mean of the frames within `length_ms` from each start, by differences of a running sum."""
    running = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)])
    first = np.clip(np.rint(starts_ms * to_frame).astype(int), 0, max(0, len(frames) - 1))
    last = np.clip(np.rint((starts_ms + length_ms) * to_frame).astype(int), first + 1, max(1, len(frames)))
    return np.asarray((running[last] - running[first]) / (last - first)[:, None])


@lru_cache(maxsize=4)
def _make_bands(rate_hz: int) -> npt.NDArray[np.float64]:
    """Triangular bands, evenly spaced in mel (2595 log10(1 + f/700); O'Shaughnessy, 1987), of shape (513, 24)."""
    mel = np.linspace(_to_mel(60.0), _to_mel(min(9000.0, rate_hz / 2)), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    hertz = np.fft.rfftfreq(WINDOW, 1 / rate_hz)[:, None]
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)))


def _to_mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))
