"""Catalogues four and sixteen times as large, from distinct audio that no query can rightly find.

There is not enough free music that installs by name. So a bystander is a collage: 1–4 seconds at a time, drawn at random from the recordings of the other
half, each played at a random speed between 0.8 and 1.25. Its textures, and so its chance resemblances, are those of real music; its fragments come
again and again, so an index of collages is a little more repetitive than one of real recordings.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.fingerprint.corpus import Recording
from benchmarks.fingerprint.degrade import RATE_HZ, Samples, resample
from benchmarks.fingerprint.queries import read_stereo, roll

COLLAGE_S = 240
CROSSFADE_S = 0.02


def make_collage(pool: Sequence[Recording], number: int) -> Samples:
    """Mono at RATE_HZ; the same number gives the same sound."""
    dice = roll("collage", number)
    fade = int(CROSSFADE_S * RATE_HZ)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    sound = np.zeros(COLLAGE_S * RATE_HZ + 6 * RATE_HZ, dtype=np.float32)
    end = 0
    while end < COLLAGE_S * RATE_HZ:
        piece = cut(pool, dice)
        piece[:fade] *= ramp
        piece[-fade:] *= ramp[::-1]
        start = max(0, end - fade)
        sound[start : start + len(piece)] += piece
        end = start + len(piece)
    return sound[: COLLAGE_S * RATE_HZ]


def cut(pool: Sequence[Recording], dice: np.random.Generator) -> Samples:
    recording = pool[int(dice.integers(len(pool)))]
    length_s, speed = dice.uniform(1, 4), float(dice.uniform(0.8, 1.25))
    piece = read_stereo(recording.path, float(dice.uniform(0, recording.seconds - 5)), length_s).mean(axis=1, dtype=np.float32)
    return resample(piece, speed)
