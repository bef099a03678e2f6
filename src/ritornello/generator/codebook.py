"""Sound as a sequence of tokens and back, so that a language model can make music: a codebook of spectra in two stages.

Each 93 ms of sound, two log mel spectra, become two tokens: the nearest of the first stage's centres, and the nearest of the second stage's centres to what
the first leaves over (residual vector quantisation; Juang and Gray, 1982). Back to sound, the mel spectra are spread over frequencies again and given phases
that fit each other (Griffin and Lim, 1984). It sounds like a small radio; it is meant for measuring attribution, not for listening pleasure.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.signal

from ritornello.generator.clusters import find_kinds, find_nearest

RATE_HZ = 22_050
WINDOW = 2048
HOP = 1024
BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 60.0, 10_000.0
RANGE_DB = 60.0
FRAMES = 2  # spectra to a pair of tokens
STAGES = 2
PHASE_ROUNDS = 40
TOKEN_MS = 1000 * HOP * FRAMES / RATE_HZ / STAGES

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """`centres[s]` of shape (size, 128): the kinds of stage s, spectra in dB. Tokens of stage s are its kinds' numbers plus `s * size`."""

    centres: tuple[Floats, ...]

    @property
    def size(self) -> int:
        """How many different tokens there are."""
        return sum(map(len, self.centres))

    def encode(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """Return the tokens (2 for every 93 ms) of mono `samples` (n,) at 22,050 Hz. The loudness of the whole doesn't matter."""
        left = _describe(samples)
        stages, first = [], 0
        for centres in self.centres:
            kinds = find_nearest(left, centres)
            left = left - centres[kinds]
            stages.append(kinds.astype(np.int64) + first)
            first += len(centres)
        return np.stack(stages, axis=1).reshape(-1)

    def decode(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return mono samples at 22,050 Hz, at most 1 in size. A last token without its partner is left out.

        Raises `ValueError` where tokens of the two stages don't take turns.
        """
        pairs = tokens[: len(tokens) // STAGES * STAGES].reshape(-1, STAGES)
        rows, first = np.zeros((len(pairs), BANDS * FRAMES)), 0
        for stage, centres in enumerate(self.centres):
            kinds = pairs[:, stage] - first
            if len(kinds) and not (kinds.min() >= 0 and kinds.max() < len(centres)):
                raise ValueError("tokens of the two stages take turns")
            rows += centres[kinds]
            first += len(centres)
        return _sound(rows.reshape(-1, BANDS)) if len(rows) else np.zeros(0, dtype=np.float32)


def fit_codebook(recordings: list[npt.NDArray[np.float32]], size: int, seed: int, most_rows: int = 20_000) -> Codebook:
    """Return the codebook of `recordings`, mono samples at 22,050 Hz with something to hear, with `size` kinds in each stage (or fewer, of too little sound).

    Recordings used here should be none that a model is trained on later: then the codebook is the same whatever the model read. Deterministic for a seed.
    """
    random = np.random.default_rng(seed)
    rows = np.concatenate([_describe(samples) for samples in recordings])
    if len(rows) > most_rows:
        rows = rows[np.sort(random.choice(len(rows), most_rows, replace=False))]
    centres = []
    for _ in range(STAGES):
        found, kinds = find_kinds(rows.astype(np.float32), size, random)
        centres.append(found)
        rows = rows - found[kinds]
    return Codebook(tuple(centres))


def _describe(samples: npt.NDArray[np.float32]) -> Floats:
    """Rows (n, 128) of two neighbouring log mel spectra in dB, no louder than 0, no softer than -60."""
    if samples.ndim != 1:
        raise ValueError("samples are one row")
    _, _, spectrum = scipy.signal.stft(np.pad(samples, (0, WINDOW)), nperseg=WINDOW, noverlap=WINDOW - HOP, padded=False)
    power = np.abs(spectrum.T).astype(np.float64) ** 2 @ _make_mel()
    decibels = 10 * np.log10(np.maximum(power, 1e-20))
    decibels = np.round(np.clip(decibels - max(decibels.max(initial=-np.inf), -100.0), -RANGE_DB, 0.0), 3)
    whole = len(samples) // (HOP * FRAMES) * FRAMES
    return np.asarray(decibels[:whole].reshape(-1, BANDS * FRAMES))


def _sound(decibels: Floats) -> npt.NDArray[np.float32]:
    """Samples whose mel spectra are about these."""
    length = len(decibels) * HOP
    decibels = np.pad(decibels, ((0, 4), (0, 0)), constant_values=-RANGE_DB)
    times = np.arange(len(decibels) * 2 - 1) / 2  # half the hop: phases are found more easily where frames overlap more
    low = np.floor(times).astype(int)
    between = decibels[low] + (times - low)[:, None] * (decibels[np.minimum(low + 1, len(decibels) - 1)] - decibels[low])
    mel = _make_mel()
    spread = mel / np.maximum(mel.sum(axis=1, keepdims=True), 1e-9)
    heard = mel.sum(axis=1) > 0
    magnitude = np.sqrt(10 ** (between / 10) @ spread.T) * heard
    hop = HOP // 2
    random = np.random.default_rng(0)
    phases = np.exp(2j * np.pi * random.random(magnitude.shape))
    samples = np.zeros(0)
    for _ in range(PHASE_ROUNDS):
        _, samples = scipy.signal.istft((magnitude * phases).T, nperseg=WINDOW, noverlap=WINDOW - hop)
        _, _, again = scipy.signal.stft(samples, nperseg=WINDOW, noverlap=WINDOW - hop)
        found = again.T[: len(magnitude)]
        phases = found / np.maximum(np.abs(found), 1e-12)
    samples = samples[:length]
    return np.asarray(samples / max(1e-9, float(np.abs(samples).max())) * 0.7, dtype=np.float32)


@lru_cache(maxsize=1)
def _make_mel() -> Floats:
    """Triangles evenly spaced in mel, 2595 log10(1 + f/700) (O'Shaughnessy, 1987), each of weight 1: shape (1025, 64)."""
    lowest, highest = (2595 * math.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 2) / 2595) - 1)
    hertz = scipy.fft.rfftfreq(WINDOW, 1 / RATE_HZ)[:, None]
    rising, falling = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(rising, falling))
    # Low bands narrower than a bin of the spectrum take the nearest bin.
    empty = weights.sum(axis=0) == 0
    weights[np.abs(hertz - edges[1:-1]).argmin(axis=0)[empty], np.flatnonzero(empty)] = 1.0
    return np.asarray(weights / weights.sum(axis=0))
