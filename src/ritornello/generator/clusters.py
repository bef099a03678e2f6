"""Sorting grains into kinds."""

import numpy as np
import numpy.typing as npt

ROUNDS = 15
Floats = npt.NDArray[np.float64]


def find_kinds(rows: npt.NDArray[np.float32], count: int, random: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int32]]:
    """Return `count` centres (or as many as there are rows) and the kind of each row.

    `rows` has shape (n, d), n > 0. Lloyd's k-means (1982) from the seeding of Arthur and Vassilvitskii (k-means++, 2007).
    """
    exact = rows.astype(np.float64)  # so that no choice hangs on how many threads multiply
    centres = _seed(exact, min(count, len(rows)), random)
    for _ in range(ROUNDS):
        kinds = find_nearest(exact, centres)
        sizes = np.bincount(kinds, minlength=len(centres))
        sums = np.zeros(centres.shape)
        np.add.at(sums, kinds, exact)
        # A kind that lost all its grains stays where it is.
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
    return centres, find_nearest(exact, centres)


def find_nearest(rows: Floats, centres: Floats) -> npt.NDArray[np.int32]:
    """Return for each row the index of the centre with the least Euclidean distance, the first one of equals."""
    distances = (centres**2).sum(axis=1) - 2 * rows @ centres.T
    return np.asarray(distances.argmin(axis=1), dtype=np.int32)


def _seed(rows: Floats, count: int, random: np.random.Generator) -> Floats:
    chosen = [int(random.integers(len(rows)))]
    nearest = ((rows - rows[chosen[0]]) ** 2).sum(axis=1, dtype=np.float64)
    while len(chosen) < count:
        total = float(nearest.sum())
        if total == 0.0:
            break  # fewer different rows than kinds
        chosen.append(int(np.searchsorted(np.cumsum(nearest), random.random() * total, side="right").clip(0, len(rows) - 1)))
        nearest = np.minimum(nearest, ((rows - rows[chosen[-1]]) ** 2).sum(axis=1))
    return rows[chosen].copy()
