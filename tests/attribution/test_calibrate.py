"""The fitted a, on data where it is known."""

import numpy as np
import pytest

from ritornello.attribution.calibrate import fit_a


def test_a_is_found_where_the_truth_is_a_mixture() -> None:
    random = np.random.default_rng(1)
    influence, exposure = random.dirichlet(np.ones(5), 40), np.tile(np.full(5, 0.2), (40, 1))
    found = fit_a(influence, exposure, 0.37 * influence + 0.63 * exposure, 3)
    assert (found.a_ppm, found.low_ppm, found.high_ppm, found.distance_ppm) == (370_000, 370_000, 370_000, 0)
    assert found.distance_raw_ppm > 0 and found.distance_exposure_ppm > 0


def test_scores_that_have_nothing_to_do_with_the_truth_are_hardly_believed() -> None:
    random = np.random.default_rng(2)
    exposure = np.tile(np.full(5, 0.2), (400, 1))
    found = fit_a(random.dirichlet(np.ones(5), 400), exposure, random.dirichlet(np.full(5, 50), 400), 3)
    assert found.a_ppm < 50_000 and found.distance_ppm <= found.distance_exposure_ppm < found.distance_raw_ppm


def test_wrong_shapes() -> None:
    with pytest.raises(ValueError):
        fit_a(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 4)), 0)
