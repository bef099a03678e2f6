"""Following candidates through an output, and choosing which of them is heard when."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
NOTHING = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames `first` up to `last` (not included) follow candidate number `candidate`, with the mean cosine `score`."""

    candidate: int
    first: int
    last: int
    score: float


def measure_along(heard: Floats, source: Floats, shift: int, smoothing: int) -> Floats:
    """Return the cosine of each frame of `heard` (m, bands) with frame `i + shift` of `source` (n, bands), shape (m,).

    Products and lengths are summed over `smoothing` frames before they are divided. It is 0 where there is no source.
    """
    cosine = np.zeros(len(heard), dtype=np.float32)
    first, last = max(0, -shift), min(len(heard), len(source) - shift)
    if first >= last:
        return cosine
    ours, theirs = heard[first:last], source[first + shift : last + shift]
    kernel = np.ones(smoothing, dtype=np.float32)
    middle = slice(smoothing // 2, smoothing // 2 + last - first)
    products = np.convolve(np.einsum("ij,ij->i", ours, theirs), kernel)[middle]
    squares = (
        np.convolve(np.einsum("ij,ij->i", ours, ours), kernel)[middle] * np.convolve(np.einsum("ij,ij->i", theirs, theirs), kernel)[middle]
    )
    cosine[first:last] = products / np.sqrt(np.maximum(squares, 1e-9))
    return cosine


def find_stretches(cosines: Floats, threshold: float, change_cost: float) -> list[Stretch]:
    """Return the best sequence of candidates for `cosines` (candidates, frames), silence between them left out.

    Each frame earns its candidate's cosine less `threshold`, or 0 for none; every change between two states costs half of
    `change_cost` to leave and half to enter, none being free. The best sequence is found by dynamic programming (Viterbi, 1967).
    """
    candidates, frames = cosines.shape
    if candidates == 0 or frames == 0:
        return []
    gains = np.vstack([np.zeros((1, frames)), cosines.astype(np.float64) - threshold])
    toll = np.full(candidates + 1, change_cost / 2)
    toll[NOTHING] = 0.0
    total = gains[:, 0] - toll
    origin = np.zeros((frames, candidates + 1), dtype=np.int32)
    states = np.arange(candidates + 1)
    for frame in range(1, frames):
        leaving = total - toll
        best = int(leaving.argmax())
        moves = leaving[best] - toll > total
        origin[frame] = np.where(moves, best, states)
        total = np.where(moves, leaving[best] - toll, total) + gains[:, frame]
    path = np.zeros(frames, dtype=np.int32)
    path[-1] = int(total.argmax())
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = origin[frame, path[frame]]
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), frames]
    return [
        Stretch(int(path[first]) - 1, first, last, float(cosines[path[first] - 1, first:last].mean()))
        for first, last in pairwise(edges)
        if path[first] != NOTHING
    ]
