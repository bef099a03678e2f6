"""The benchmark's yardsticks, on cases that can be worked out by hand."""

import numpy as np
import pytest

from ritornello.benchmark import judge
from ritornello.benchmark.retrain import Truth, draw_halves


def test_lds_of_an_additive_world_is_one_for_its_own_scores_and_minus_one_for_their_opposite() -> None:
    scores = np.random.default_rng(1).normal(size=(3, 10))
    halves = draw_halves(10, 40, 2)
    values = halves.astype(float) @ scores.T
    assert judge.measure_lds(scores, halves, values) == pytest.approx([1.0, 1.0, 1.0])
    assert judge.measure_lds(-scores, halves, values) == pytest.approx([-1.0, -1.0, -1.0])
    assert judge.measure_lds(np.ones((3, 10)), halves, values) == pytest.approx([0.0, 0.0, 0.0])


def test_the_ceiling_is_what_knowing_the_truth_reaches() -> None:
    random = np.random.default_rng(3)
    truth = random.normal(size=(400, 1, 30))
    seen = truth + random.normal(size=(400, 2, 30))
    reached = np.mean([np.corrcoef(truth[:, 0, one], seen.mean(axis=1)[:, one])[0, 1] for one in range(30)])
    ceiling = judge.measure_ceiling(seen)
    assert ceiling.value == pytest.approx(reached, abs=0.03)
    assert ceiling.low <= ceiling.value <= ceiling.high


def test_shapley_values_of_a_glove_game() -> None:
    """One left glove (0) and two right ones (1, 2) are worth 1 as soon as there is a pair: 2/3, 1/6, 1/6."""
    coalitions = np.array([[one >> place & 1 for place in (2, 1, 0)] for one in range(8)], dtype=bool)
    worth = (coalitions[:, 0] & (coalitions[:, 1] | coalitions[:, 2])).astype(float)
    truth = Truth(np.zeros((0, 3), dtype=bool), np.zeros((0, 1, 1)), coalitions, worth[:, None, None])
    assert judge.shapley(truth)[0] == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_money_for_nobody_counts_as_gone_to_the_wrong_place() -> None:
    shares = judge.with_rest(np.array([[0.5, 0.0], [0.0, 0.0]]))
    assert judge.distances(shares, judge.with_rest(np.array([[0.5, 0.5], [0.5, 0.5]]))) == pytest.approx([0.5, 1.0])


def test_equal_scores_find_no_source() -> None:
    sources = [{0: 0.5, 1: 0.5}, {0: 0.5, 1: 0.5}, {0: 0.5, 2: 0.5}]
    scores = np.array([[3.0, 2.0, 1.0], [1.0, 1.0, 1.0], [3.0, 2.0, 1.0]])
    assert judge.recall_sources(scores, sources) == pytest.approx([1.0, 0.0, 0.5])
