"""Sound as rows of numbers that do not depend on how loud it is."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft

from ritornello.attribution.settings import SimilaritySettings

LOWEST_HZ = 80.0
HIGHEST_HZ = 8_000.0
RANGE_DB = 50.0  # what lies further below the loudest band of its frame is not heard beside it
SILENT_DB = -60.0
BLOCK_FRAMES = 4096

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """`bands` (frames, bands): log mel bands in dB less their mean; `audible` (frames,): false where the frame is silent."""

    bands: Floats
    audible: npt.NDArray[np.bool_]


def measure_spectra(samples: Floats, settings: SimilaritySettings, speed: float = 1.0) -> Spectra:
    """Return the spectra of mono `samples` (n,) at `settings.rate_hz`: frame i is centred on sample `i * hop / speed`, rounded.

    `speed` other than 1 gives the spectra that the sound would have if it ran that many times as slowly and sounded that many times as low: of a recording that was
    sped up by `speed`, those of the recording.
    """
    if samples.ndim != 1:
        raise ValueError("samples are one row")
    length = settings.window if speed == 1.0 else round(settings.window / speed / 2) * 2
    window = np.hanning(length).astype(np.float32)
    mel = _make_mel(settings.rate_hz / speed, length, settings.bands)
    padded = np.pad(np.asarray(samples, dtype=np.float32), length // 2)
    starts = np.rint(np.arange(0, len(samples) * speed, settings.hop) / speed).astype(np.int64)
    starts = starts[starts < len(samples)]
    windows = np.lib.stride_tricks.sliding_window_view(padded, length) if len(samples) else padded[:0].reshape(0, 1)
    rows, levels = [np.zeros((0, settings.bands))], [np.zeros(0, dtype=np.float32)]
    for first in range(0, len(starts), BLOCK_FRAMES):
        spectrum = scipy.fft.rfft(windows[starts[first : first + BLOCK_FRAMES]] * window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        # In double precision and then rounded: otherwise the last bits would depend on how many threads multiply.
        rows.append(np.round(10 * np.log10(power.astype(np.float64) @ mel + 1e-12), 3))
        # By Parseval's theorem; the sum of the squared window stands for the window's share of the energy.
        levels.append(10 * np.log10(2 * power.sum(axis=1) / (length * float((window**2).sum())) + 1e-12))
    bands = np.concatenate(rows)
    bands = np.maximum(bands, bands.max(axis=1, keepdims=True, initial=-np.inf) - RANGE_DB)
    bands -= bands.mean(axis=1, keepdims=True) if len(bands) else 0
    return Spectra(bands.astype(np.float32), np.concatenate(levels) > SILENT_DB)


@lru_cache(maxsize=32)
def _make_mel(rate_hz: float, window: int, bands: int) -> npt.NDArray[np.float64]:
    """Triangular bands evenly spaced in mel, 2595 log10(1 + f/700) (O'Shaughnessy, 1987), of shape (window // 2 + 1, bands)."""
    lowest, highest = (2595 * math.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, min(HIGHEST_HZ, rate_hz / 2)))
    edges = 700 * (10 ** (np.linspace(lowest, highest, bands + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(window, 1 / rate_hz)[:, None]
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(weights / np.maximum(weights.sum(axis=0), 1e-9))
