"""The generator's own voice: sound that comes from no recording."""

import numpy as np
import numpy.typing as npt

SCALE = (0, 3, 5, 7, 10)  # minor pentatonic, in semitones
LOWEST_HZ = 110.0
PARTIALS = 6


def sing(length: int, rate_hz: int, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return `length` samples of a plucked melody by additive synthesis, loudest sample 1.

    Each note is a sum of six partials (amplitude falling as k^-1.3) under a decaying envelope, over a held fifth.
    """
    output = np.zeros(length)
    position = 0
    root = LOWEST_HZ * 2 ** (int(random.integers(12)) / 12)
    while position < length:
        steps = int(random.integers(160, 420)) * rate_hz // 1000
        note = SCALE[int(random.integers(len(SCALE)))] + 12 * int(random.integers(1, 3))
        count = min(steps, length - position)
        output[position : position + count] += _pluck(root * 2 ** (note / 12), steps, rate_hz)[:count]
        position += steps
    seconds = np.arange(length) / rate_hz
    output += 0.3 * (np.sin(2 * np.pi * root * seconds) + np.sin(2 * np.pi * root * 1.5 * seconds))
    return (output / max(1e-9, float(np.abs(output).max()))).astype(np.float32) if length else output.astype(np.float32)


def _pluck(hertz: float, length: int, rate_hz: int) -> npt.NDArray[np.float64]:
    seconds = np.arange(length) / rate_hz
    partials = [np.sin(2 * np.pi * hertz * k * seconds) * k**-1.3 * np.exp(-seconds * (3 + k)) for k in range(1, PARTIALS + 1)]
    attack = np.minimum(1.0, seconds / 0.008)
    release = np.minimum(1.0, (length / rate_hz - seconds) / 0.02)
    return np.asarray(np.sum(partials, axis=0) * attack * release)
