"""A small synthesiser: notes to sound, mono, 22,050 Hz. The same notes, voice and seed give the same samples.

Sources: plucked strings after Karplus and Strong (Computer Music Journal 7(2), 1983); frequency modulation after Chowning (JAES 21(7), 1973);
the room after Schroeder (JAES 10(3), 1962): parallel feedback combs, then an all-pass.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 22_050
Samples = NDArray[np.float32]
Voice = Callable[[float, int, np.random.Generator], Samples]


@dataclass(frozen=True, slots=True)
class Note:
    """One note of one part; MIDI pitch 60 is middle C. Pitches below 0 name drums: -1 low, -2 snare, -3 brush."""

    start_s: float
    length_s: float
    pitch: int
    loudness: float  # 0 … 1


def perform(notes: Sequence[Note], voice: str, length_s: float, seed: int) -> Samples:
    """One part: shape (round(length_s · RATE_HZ),). What sounds beyond the end is cut. Raises KeyError for an unknown voice."""
    total = round(length_s * RATE_HZ)
    part = np.zeros(total, dtype=np.float32)
    heard: dict[tuple[int, int], Samples] = {}
    human = np.random.default_rng(seed)
    for note in notes:
        # Nobody plays on the grid: up to 8 ms late, up to 15 % softer.
        start = round((note.start_s + human.uniform(0, 0.008)) * RATE_HZ)
        loudness = note.loudness * human.uniform(0.85, 1.0)
        samples = max(round(note.length_s * 100), 6) * RATE_HZ // 100
        if (note.pitch, samples) not in heard:
            heard[note.pitch, samples] = _sound(voice, note.pitch, samples, seed)
        sound = heard[note.pitch, samples][: max(total - start, 0)]
        part[start : start + len(sound)] += np.float32(loudness) * sound
    return part


def add_room(samples: Samples, amount: float) -> Samples:
    """The sound with a share of its reverberation, `amount` 0 … 1; same shape."""
    if amount == 0:
        return samples
    wet = np.zeros_like(samples)
    for delay_ms, feedback in ((29.7, 0.78), (37.1, 0.76), (41.1, 0.74), (43.7, 0.72)):
        wet += _comb(samples, round(delay_ms * RATE_HZ / 1000), feedback)
    delay, gain = round(5.0 * RATE_HZ / 1000), np.float32(0.6)
    diffused = _comb(wet, delay, float(gain))
    late = np.concatenate([np.zeros(delay, dtype=np.float32), diffused[:-delay]])
    room: Samples = samples + np.float32(amount * 0.25) * (late - gain * diffused)
    return room


def _comb(samples: Samples, delay: int, feedback: float) -> Samples:
    """y[n] = x[n] + feedback · y[n − delay], a block of `delay` samples at a time."""
    blocks = -(-len(samples) // delay)
    out = np.zeros(blocks * delay, dtype=np.float32)
    out[: len(samples)] = samples
    rows = out.reshape(blocks, delay)
    for number in range(1, blocks):
        rows[number] += np.float32(feedback) * rows[number - 1]
    return out[: len(samples)]


def _sound(voice: str, pitch: int, samples: int, seed: int) -> Samples:
    random = np.random.default_rng([seed, pitch + 128, samples])
    if pitch < 0:
        return _drum(pitch, random)
    return VOICES[voice](440.0 * 2 ** ((pitch - 69) / 12), samples, random)


def _pluck(hz: float, samples: int, random: np.random.Generator, brightness: float = 0.5, ring: float = 0.996) -> Samples:
    """A noise burst circling in a delay line through a two-point average; each round is computed at once."""
    total = samples + RATE_HZ // 5
    period = max(round(RATE_HZ / hz - 0.5), 2)
    ring_now = random.uniform(-1, 1, period)
    for _ in range(2 if brightness < 0.5 else 0):  # a softer plectrum
        ring_now = 0.5 * (ring_now + np.roll(ring_now, 1))
    rounds = []
    for _ in range(-(-total // period)):
        rounds.append(ring_now)
        ring_now = ring * (brightness * ring_now + (1 - brightness) * np.roll(ring_now, 1))
    line = np.concatenate(rounds)[:total]
    return _fade(line, samples, attack_s=0.001, release_s=0.18)


def _harmonics(weights: Sequence[float], attack_s: float, release_s: float, vibrato: float = 0.0, breath: float = 0.0) -> Voice:
    def voice(hz: float, samples: int, random: np.random.Generator) -> Samples:
        total = samples + round(release_s * RATE_HZ)
        seconds = np.arange(total) / RATE_HZ
        phase = 2 * np.pi * hz * seconds + vibrato * hz / 5.5 * np.sin(2 * np.pi * 5.5 * seconds)
        sound = np.zeros(total)
        for number, weight in enumerate(weights, 1):
            if weight and number * hz < RATE_HZ / 2:
                sound += weight * np.sin(number * phase)
        if breath:
            sound += breath * random.standard_normal(total)
        return _fade(sound / sum(weights), samples, attack_s, release_s)

    return voice


def _modulated(ratio: float, index: float, decay_s: float, attack_s: float, release_s: float) -> Voice:
    def voice(hz: float, samples: int, random: np.random.Generator) -> Samples:
        total = samples + round(release_s * RATE_HZ)
        seconds = np.arange(total) / RATE_HZ
        falling = np.exp(-seconds / decay_s)
        depth = min(index, RATE_HZ / (3 * hz * ratio))  # keeps sidebands below half the rate
        sound = np.sin(2 * np.pi * hz * seconds + depth * falling * np.sin(2 * np.pi * hz * ratio * seconds))
        return _fade(0.8 * sound * (0.25 + 0.75 * falling), samples, attack_s, release_s)

    return voice


def _fade(sound: NDArray[np.float64], held: int, attack_s: float, release_s: float) -> Samples:
    attack = min(max(round(attack_s * RATE_HZ), 1), len(sound))
    sound[:attack] *= np.linspace(0, 1, attack)
    if len(sound) > held:
        sound[held:] *= np.linspace(1, 0, len(sound) - held) ** 2
    return sound.astype(np.float32)


def _drum(pitch: int, random: np.random.Generator) -> Samples:
    length_s, low_hz, noise = {-1: (0.22, 55.0, 0.05), -2: (0.16, 180.0, 0.6), -3: (0.05, 0.0, 0.35)}[pitch]
    seconds = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    falling = np.exp(-seconds / (length_s / 4))
    tone = np.sin(2 * np.pi * (low_hz * seconds + 1.2 * (1 - np.exp(-seconds * 40)))) if low_hz else np.zeros_like(seconds)
    hiss = np.diff(random.standard_normal(len(seconds) + 1)) if pitch == -3 else random.standard_normal(len(seconds))
    return ((tone * (1 - noise) + noise * hiss) * falling).astype(np.float32)


VOICES: Mapping[str, Voice] = {
    "harp": lambda hz, samples, random: _pluck(hz, samples, random, 0.45, 0.998),
    "banjo": lambda hz, samples, random: _pluck(hz, samples, random, 0.6, 0.985),
    "bass": lambda hz, samples, random: _pluck(hz, samples, random, 0.4, 0.994),
    "fiddle": _harmonics([1 / n for n in range(1, 13)], 0.05, 0.08, vibrato=0.006),
    "flute": _harmonics([1, 0.35, 0.08, 0.04], 0.04, 0.06, vibrato=0.004, breath=0.05),
    "reed": _harmonics([1, 0.05, 0.6, 0.05, 0.45, 0, 0.3, 0, 0.2], 0.03, 0.05),
    "organ": _harmonics([1, 0.8, 0.3, 0.6, 0, 0.25, 0, 0.4], 0.02, 0.05),
    "bell": _modulated(3.5, 4.0, 0.6, 0.001, 0.4),
    "piano": _modulated(1.0, 2.2, 0.35, 0.002, 0.15),
    "brass": _modulated(1.0, 5.0, 1.2, 0.06, 0.08),
}
