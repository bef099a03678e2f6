"""Whether two recordings play the same music, after J. Serrà, X. Serra and R. G. Andrzejak, "Cross recurrence quantification for cover song identification",
New Journal of Physics 11 (2009): chroma in windows of some seconds, one of the two transposed to where they agree best, mutual nearest neighbours, and the longest
path through them that may run at up to twice or half the speed and bridge gaps at a price (Q_max).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EMBEDDED = 12  # frames: 6 s are compared at once
TEMPOS = (0.75, 1.0, 4 / 3)  # of the second, tried: windows of fixed length blur what is played much faster
LEAST_FRAMES = 60  # half a minute: less music is like too much other
NEIGHBOURS = 0.095  # of all windows of the other count as near
GAP_OPENS, GAP_GOES_ON = 0.5, 0.5
TRANSPOSITIONS = 2  # tried
LONGEST_FRAMES = 1200  # ten minutes

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Alignment:
    """`score`: the longest common path, relative to the square root of the shorter recording's windows. `transposed`: semitones that the first lies above the second."""

    score: float
    transposed: int


def align(one: Floats, other: Floats) -> Alignment:
    """Compare two chroma of shape (frames, 12). A score of 0 where one is shorter than `LEAST_FRAMES`."""
    one, other = one[:LONGEST_FRAMES], other[:LONGEST_FRAMES]
    if min(len(one), len(other)) < LEAST_FRAMES:
        return Alignment(0.0, 0)
    likeness = [float(one.mean(axis=0) @ np.roll(other.mean(axis=0), shift)) for shift in range(12)]
    best = np.argsort(likeness)[::-1][:TRANSPOSITIONS]
    found = [_align_at(one, np.roll(_stretch(other, tempo), shift, axis=1), int(shift)) for tempo in TEMPOS for shift in best]
    return max(found, key=lambda alignment: alignment.score)


def _align_at(one: Floats, other: Floats, shift: int) -> Alignment:
    shorter = min(len(one), len(other)) - EMBEDDED + 1
    return Alignment(_longest_path(_recurrence(one, other)) / shorter**0.5, (shift + 5) % 12 - 5)


def _stretch(chroma: Floats, factor: float) -> Floats:
    """The same music in `factor` times as many frames."""
    places = np.arange(int(len(chroma) * factor)) / factor
    before = np.minimum(places.astype(np.int64), len(chroma) - 2)
    part = (places - before)[:, None].clip(0, 1)
    return np.asarray((1 - part) * chroma[before] + part * chroma[before + 1], dtype=np.float32)


def _recurrence(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    """Which windows of one are near which of the other, mutually."""
    a, b = _embed(one), _embed(other)
    distance = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T
    near_b = distance <= np.quantile(distance, NEIGHBOURS, axis=1, keepdims=True)
    near_a = distance <= np.quantile(distance, NEIGHBOURS, axis=0, keepdims=True)
    return np.asarray(near_a & near_b)


def _embed(chroma: Floats) -> Floats:
    centred = chroma - chroma.mean(axis=1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    windows = np.lib.stride_tricks.sliding_window_view(unit, EMBEDDED, axis=0)
    return np.ascontiguousarray(windows.reshape(len(windows), -1))


def _longest_path(near: npt.NDArray[np.bool_]) -> float:
    """Q_max: equations 7 and 8 of the paper, row by row."""
    rows, columns = near.shape
    before, before_that = np.zeros(columns + 2), np.zeros(columns + 2)  # two columns of nothing in front
    was_near = np.zeros((2, columns + 2), bool)
    best = 0.0
    for row in range(rows):
        steps = np.stack([before[1:-1], before_that[1:-1], before[:-2]])  # (i-1, j-1), (i-2, j-1), (i-1, j-2)
        came = np.stack([was_near[0][1:-1], was_near[1][1:-1], was_near[0][:-2]])
        going_on = steps.max(axis=0) + 1
        bridged = np.maximum((steps - np.where(came, GAP_OPENS, GAP_GOES_ON)).max(axis=0), 0)
        here = np.zeros(columns + 2)
        here[2:] = np.where(near[row], going_on, bridged)
        best = max(best, float(here.max()))
        before_that, before = before, here
        was_near = np.stack([np.concatenate([[False, False], near[row]]), was_near[0]])
    return best
