"""How wrong estimated weights are, where the truth is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ritornello.attribution.shares import UNATTRIBUTED, WHOLE_PPM
from ritornello.domain.money import apportion

RESAMPLES = 2000
Weights = Mapping[str, int]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure in ppm with its 95 % interval, by resampling the outputs (percentile bootstrap; Efron, 1979)."""

    value_ppm: int
    low_ppm: int
    high_ppm: int


@dataclass(frozen=True, slots=True)
class Quality:
    """How far estimates are from the truth, over `outputs` outputs; everything else in ppm.

    `error` is the mean over outputs of the total variation distance, half the sum of absolute differences of weights with
    `unattributed` among them: the share of an output's money that would go to the wrong place. `aggregate_error` is the same
    distance between the mean weights: what is left when outputs are paid together and errors cancel. `recall_at_two_ppm` is
    the share of the two true recordings with most weight that are among the two with most estimated weight. `leak` is the mean
    share found in controls. `uniform_…` and `exposure_…` are the errors of paying without listening: equal weights for
    all eligible recordings, or weights by exposure in training.
    """

    outputs: int
    error: Measure
    aggregate_error: Measure
    recall_at_two_ppm: int
    leak: Measure
    uniform_error_ppm: int
    uniform_aggregate_error_ppm: int
    exposure_error_ppm: int
    exposure_aggregate_error_ppm: int


def compare(
    estimates: Mapping[str, Weights],
    truths: Mapping[str, Weights],
    seed: int,
    *,
    eligible: frozenset[str],
    exposure: Mapping[str, int],
    leaks_ppm: Mapping[str, int],
) -> Quality:
    """Return the quality of `estimates` against `truths`: for each output id, weights in ppm that total 1,000,000.

    `eligible` are the recordings that may earn, `exposure` how much training read of each (any whole unit), `leaks_ppm` the
    share of each output that was found in controls. Deterministic for a seed. Raises `ValueError` where the outputs differ,
    there is none, or weights do not total 1,000,000.
    """
    _check(estimates, truths, leaks_ppm)
    outputs = sorted(truths)
    names = sorted({name for weights in (*estimates.values(), *truths.values()) for name in weights} | eligible | {UNATTRIBUTED})
    truth = _tabulate([truths[output] for output in outputs], names)
    estimate = _tabulate([estimates[output] for output in outputs], names)
    uniform = _tabulate([_spread(dict.fromkeys(eligible, 1))] * len(outputs), names)
    by_exposure = _tabulate([_spread({name: exposure.get(name, 0) for name in eligible})] * len(outputs), names)
    picks = np.random.default_rng(seed).integers(len(outputs), size=(RESAMPLES, len(outputs)))
    difference = estimate - truth
    distances = np.abs(difference).sum(axis=1) // 2
    leaks = np.array([leaks_ppm[output] for output in outputs], dtype=np.int64)
    return Quality(
        outputs=len(outputs),
        error=_measure_mean(distances, picks),
        aggregate_error=_measure_aggregate(difference, picks),
        recall_at_two_ppm=_measure_recall(estimates, truths, outputs),
        leak=_measure_mean(leaks, picks),
        uniform_error_ppm=_mean_distance(uniform - truth),
        uniform_aggregate_error_ppm=_aggregate_distance(uniform - truth),
        exposure_error_ppm=_mean_distance(by_exposure - truth),
        exposure_aggregate_error_ppm=_aggregate_distance(by_exposure - truth),
    )


def _check(estimates: Mapping[str, Weights], truths: Mapping[str, Weights], leaks_ppm: Mapping[str, int]) -> None:
    if not truths or estimates.keys() != truths.keys() or not truths.keys() <= leaks_ppm.keys():
        raise ValueError("estimates, truths and leaks are of the same outputs, at least one")
    for weights in (*estimates.values(), *truths.values()):
        if sum(weights.values()) != WHOLE_PPM or min(weights.values()) < 0:
            raise ValueError("weights are not negative and total 1,000,000")


def _spread(parts: Mapping[str, int]) -> dict[str, int]:
    """Weights in proportion to `parts`; all unattributed where there is nothing to go by."""
    return apportion(WHOLE_PPM, parts) if sum(parts.values()) > 0 else {UNATTRIBUTED: WHOLE_PPM}


def _tabulate(rows: Sequence[Weights], names: Sequence[str]) -> Integers:
    return np.array([[row.get(name, 0) for name in names] for row in rows], dtype=np.int64)


def _mean_distance(difference: Integers) -> int:
    return round(int(np.abs(difference).sum()) / (2 * len(difference)))


def _aggregate_distance(difference: Integers) -> int:
    return round(int(np.abs(difference.sum(axis=0)).sum()) / (2 * len(difference)))


def _measure_mean(values: Integers, picks: Integers) -> Measure:
    return _with_interval(round(int(values.sum()) / len(values)), values[picks].sum(axis=1) / len(values))


def _measure_aggregate(difference: Integers, picks: Integers) -> Measure:
    counts = np.zeros(picks.shape, dtype=np.int64)
    np.add.at(counts, (np.arange(len(picks))[:, None], picks), 1)
    resampled = np.abs(counts @ difference).sum(axis=1) / (2 * len(difference))
    return _with_interval(_aggregate_distance(difference), resampled)


def _with_interval(value_ppm: int, resampled: npt.NDArray[np.float64]) -> Measure:
    """The figure, and the 2.5th and 97.5th of a hundred resampled figures."""
    ordered = np.sort(resampled)
    margin = len(ordered) // 40
    return Measure(value_ppm, round(float(ordered[margin])), round(float(ordered[-1 - margin])))


def _measure_recall(estimates: Mapping[str, Weights], truths: Mapping[str, Weights], outputs: Sequence[str]) -> int:
    """Found and wanted are counted over all outputs, so an output with one true recording counts half as much."""
    wanted = found = 0
    for output in outputs:
        top = _top_two(truths[output])
        wanted += len(top)
        found += len(top & _top_two(estimates[output]))
    return found * WHOLE_PPM // wanted if wanted else WHOLE_PPM


def _top_two(weights: Weights) -> set[str]:
    named = [name for name in weights if name != UNATTRIBUTED and weights[name] > 0]
    return set(sorted(named, key=lambda name: (-weights[name], name))[:2])
