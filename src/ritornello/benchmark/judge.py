"""How good scores are, judged by the truth: every figure with a 95 % interval by resampling the outputs (percentile bootstrap; Efron, 1979)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from ritornello.attribution.rank_correlation import correlate_ranks
from ritornello.benchmark.retrain import Truth

RESAMPLES = 2000
BOOTSTRAP_SEED = 20260101
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over outputs with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_of(values: Floats) -> Figure:
    """The mean of values (outputs,), at least one."""
    picks = np.random.default_rng(BOOTSTRAP_SEED).integers(len(values), size=(RESAMPLES, len(values)))
    resampled = np.sort(values[picks].mean(axis=1))
    return Figure(float(values.mean()), float(resampled[RESAMPLES // 40]), float(resampled[-1 - RESAMPLES // 40]))


def measure_lds(scores: Floats, halves: npt.NDArray[np.bool_], values: Floats) -> Floats:
    """The linear datamodelling score of each output, shape (outputs,): S. M. Park and others, "TRAK: Attributing Model Behavior at Scale", ICML 2023, definition 2.3.

    That is the rank correlation, over subsets, of the sum of the scores of the pieces in it with the value that a model trained on it gave the output.
    `scores` (outputs, pieces), `halves` (subsets, pieces), `values` (subsets, outputs). Scores that say nothing, the same for every piece, have a score of 0.
    """
    return correlate_ranks(halves.astype(float) @ scores.T, values)


def measure_ceiling(of_halves: Floats) -> Figure:
    """The mean score of a method that knows what a model makes of an output on average over all seeds, judged by the mean of the seeds that were trained.

    `of_halves` (subsets, seeds, outputs). With r the correlation of two seeds, the mean of n has the reliability
    n·r / (1 + (n - 1)·r) (C. Spearman and W. Brown, both 1910), and the ceiling is its square root (Spearman, 1904).
    """
    seeds = of_halves.shape[1]
    pairs = [correlate_ranks(of_halves[:, one], of_halves[:, other]) for one in range(seeds) for other in range(one)]
    agreement = mean_of(np.mean(pairs, axis=0))
    return Figure(*(_reliability(max(0.0, r), seeds) ** 0.5 for r in (agreement.value, agreement.low, agreement.high)))


def _reliability(agreement: float, seeds: int) -> float:
    return seeds * agreement / (1 + (seeds - 1) * agreement)


def shapley(truth: Truth) -> Floats:
    """Exact Shapley values of the catalogues for each output, shape (outputs, catalogues), in nats of a token: L. S. Shapley, "A value for n-person games", 1953."""
    values = {tuple(row.tolist()): found.mean(axis=0) for row, found in zip(truth.coalitions, truth.of_coalitions, strict=True)}
    count = truth.coalitions.shape[1]
    columns = []
    for one in range(count):
        total = np.zeros(truth.of_coalitions.shape[2])
        for row, value in values.items():
            if row[one]:
                without = tuple(member and place != one for place, member in enumerate(row))
                total += (value - values[without]) / (count * comb(count - 1, sum(row) - 1))
        columns.append(total)
    return np.stack(columns, axis=1)


def to_shares(values: Floats) -> Floats:
    """The positive part of each row (outputs, …), as parts of 1; equal parts where nothing is positive."""
    positive = np.maximum(values, 0.0)
    whole = positive.sum(axis=1, keepdims=True)
    return np.asarray(np.where(whole > 0, positive / np.where(whole > 0, whole, 1.0), 1.0 / values.shape[1]))


def with_rest(shares: Floats) -> Floats:
    """Shares (outputs, …) with a last column for what is unattributed."""
    return np.concatenate([shares, np.maximum(0.0, 1.0 - shares.sum(axis=1, keepdims=True))], axis=1)


def distances(shares: Floats, truth: Floats) -> Floats:
    """Total variation distance of each row, shape (outputs,): the part of an output's money that would go to the wrong place, or to nobody."""
    return np.asarray(0.5 * np.abs(shares - truth).sum(axis=1))


def recall_sources(scores: Floats, sources: Sequence[dict[int, float]]) -> Floats:
    """The part of an output's n sources that is among its n highest scores, shape (outputs,). Equal scores at the edge count as not found."""
    return np.array(
        [np.mean([(row >= row[number]).sum() <= len(parts) for number in parts]) for row, parts in zip(scores, sources, strict=True)]
    )


def on_sources(shares: Floats, sources: Sequence[dict[int, float]]) -> Floats:
    """The part of each output's shares (outputs, pieces) that goes to its sources, whichever of them."""
    return np.array([row[list(parts)].sum() for row, parts in zip(shares, sources, strict=True)])
