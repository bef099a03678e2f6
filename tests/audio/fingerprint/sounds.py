"""Small pieces of music made of decaying notes: the same score at any tempo, pitch and level."""

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint import RATE_HZ

Floats = npt.NDArray[np.float32]


def play(seed: int, seconds: float, *, tempo: float = 1.0, semitones: float = 0.0) -> Floats:
    """A piece that only its seed decides, `tempo` times as fast and `semitones` higher; `seconds` are of its own time."""
    dice = np.random.default_rng(seed)
    samples = np.zeros(int(seconds / tempo * RATE_HZ) + RATE_HZ, np.float64)
    moment = 0.0
    while moment < seconds:
        pitch = float(dice.uniform(45, 81)) + semitones
        length = float(dice.uniform(0.15, 0.8))
        _strike(samples, moment / tempo, 440 * 2 ** ((pitch - 69) / 12), length / tempo, float(dice.uniform(0.3, 1.0)))
        moment += float(dice.uniform(0.05, 0.33))
    samples = samples[: int(seconds / tempo * RATE_HZ)]
    return (samples / np.abs(samples).max() * 0.5).astype(np.float32)


def noise(seed: int, seconds: float) -> Floats:
    """White noise."""
    return (np.random.default_rng(seed).standard_normal(int(seconds * RATE_HZ)) * 0.1).astype(np.float32)


def drone(seed: int, seconds: float) -> Floats:
    """One chord held all along, with a little noise that the seed decides."""
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 277.2, 329.6, 440.0, 880.0))
    return (0.1 * chord + 0.02 * np.random.default_rng(seed).standard_normal(len(time))).astype(np.float32)


def mix(sound: Floats, under: Floats, decibels: float) -> Floats:
    """`sound` with `under` added, `decibels` louder than `under`."""
    under = under[: len(sound)]
    factor = np.sqrt(np.mean(sound**2) / np.mean(under**2)) * 10 ** (-decibels / 20)
    return np.asarray(sound + under * factor, dtype=np.float32)


def _strike(samples: npt.NDArray[np.float64], moment: float, hertz: float, length: float, loud: float) -> None:
    start = int(moment * RATE_HZ)
    time = np.arange(min(int(length * RATE_HZ), len(samples) - start)) / RATE_HZ
    for harmonic in range(1, 6):
        if harmonic * hertz < RATE_HZ / 2:
            samples[start : start + len(time)] += loud / harmonic * np.exp(-4 * time / length) * np.sin(2 * np.pi * harmonic * hertz * time)
