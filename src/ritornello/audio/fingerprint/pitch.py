"""How much higher a passage sounds than its recording, measured between the peaks themselves.

Evidence asks whether a peak is within a step (21 cents) of its place, so lines that lie a quarter of a semitone apart can bring as much of it. The differences between
peaks at the same time tell more: those of chance lie anywhere, those of the recording together.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint.peaks import Peaks
from ritornello.audio.fingerprint.segment import count_up

REACH_SEMITONES = 0.6
TOGETHER_SEMITONES = 0.25  # a step of the index, and some error of measurement
LEAST_PEAKS = 12


def measure_transposed(peaks: Peaks, frames: npt.NDArray[np.floating[Any]], pitches: npt.NDArray[np.float32], about: float) -> float:
    """How many semitones the recording lies higher than the query: `frames` (as the query's time goes) and `pitches` of the recording's peaks, and a guess."""
    rows = np.rint(frames).astype(np.int64)
    firsts, lasts = np.searchsorted(peaks.frames, rows - 1), np.searchsorted(peaks.frames, rows + 1, side="right")
    apart = np.repeat(pitches, lasts - firsts) - peaks.pitches[count_up(firsts, lasts - firsts)] - about
    near = np.sort(apart[np.abs(apart) < REACH_SEMITONES])
    if len(near) < LEAST_PEAKS:
        return about
    together = np.searchsorted(near, near + TOGETHER_SEMITONES) - np.arange(len(near))
    first = int(np.argmax(together))
    return about + float(near[first : first + int(together[first])].mean())
