"""How well the order of some values foretells that of others."""

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]


def correlate_ranks(first: Floats, second: Floats) -> Floats:
    """Spearman's rank correlation of each column (n, columns), ties by their mean rank; 0 where one of the two is the same throughout (C. Spearman, 1904)."""
    one, other = (rankdata(rows, axis=0) - (len(rows) + 1) / 2 for rows in (first, second))
    spread = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    return np.asarray(np.where(spread > 0, (one * other).sum(axis=0) / np.where(spread > 0, spread, 1.0), 0.0))
