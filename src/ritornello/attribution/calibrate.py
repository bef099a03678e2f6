"""How far influence scores can be believed, fitted where the truth is known: the `a` of `combine.blend`, never chosen by taste."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ritornello.attribution.evaluate import RESAMPLES
from ritornello.attribution.shares import WHOLE_PPM

STEPS = 1000  # a is fitted to a thousandth
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """`a_ppm` brings the shares of `outputs` outputs closest to the truth, on average; `low_ppm` to `high_ppm` is its 95 % interval, by resampling the outputs.

    `distance_ppm` is the mean total variation distance that is left there, `distance_raw_ppm` that of scores believed whole (a = 1), `distance_exposure_ppm`
    that of exposure alone (a = 0).
    """

    outputs: int
    a_ppm: int
    low_ppm: int
    high_ppm: int
    distance_ppm: int
    distance_raw_ppm: int
    distance_exposure_ppm: int


def fit_a(by_influence: Floats, by_exposure: Floats, truth: Floats, seed: int) -> Calibration:
    """Return the `a` with the least mean distance between `a · by_influence + (1 − a) · by_exposure` and `truth`, each of shape (outputs, recordings or catalogues).

    Rows are shares that total 1 (what is heard in an output, the same at every `a`, belongs into both estimates). The distance is convex in `a`, and of equally good ones
    the smallest is taken. Outputs used here must not be those that the error is reported on. Deterministic for a seed. Raises `ValueError` for no output or other shapes.
    """
    if not len(truth) or by_influence.shape != truth.shape or by_exposure.shape != truth.shape:
        raise ValueError("influence, exposure and truth are of the same outputs, at least one, over the same recordings")
    steps = np.arange(STEPS + 1) / STEPS
    distances = np.stack([0.5 * np.abs(a * by_influence + (1 - a) * by_exposure - truth).sum(axis=1) for a in steps], axis=1)
    means = distances.mean(axis=0)
    picks = np.random.default_rng(seed).integers(len(truth), size=(RESAMPLES, len(truth)))
    counts = np.stack([np.bincount(pick, minlength=len(truth)) for pick in picks])
    fitted = np.sort((counts @ distances).argmin(axis=1))
    best = int(means.argmin())
    return Calibration(
        outputs=len(truth),
        a_ppm=best * WHOLE_PPM // STEPS,
        low_ppm=int(fitted[RESAMPLES // 40]) * WHOLE_PPM // STEPS,
        high_ppm=int(fitted[-1 - RESAMPLES // 40]) * WHOLE_PPM // STEPS,
        distance_ppm=round(float(means[best]) * WHOLE_PPM),
        distance_raw_ppm=round(float(means[-1]) * WHOLE_PPM),
        distance_exposure_ppm=round(float(means[0]) * WHOLE_PPM),
    )
