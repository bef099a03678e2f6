"""Errors of weights, on cases small enough to reckon by hand."""

import pytest

from ritornello.attribution.evaluate import Measure, Quality, compare
from ritornello.attribution.shares import UNATTRIBUTED

ELIGIBLE = frozenset({"A", "B"})


def weigh(a: int = 0, b: int = 0) -> dict[str, int]:
    return {"A": a * 10_000, "B": b * 10_000, UNATTRIBUTED: (100 - a - b) * 10_000}


def judge(estimates: list[dict[str, int]], truths: list[dict[str, int]], leaks: list[int] | None = None) -> Quality:
    return compare(
        {str(number): weights for number, weights in enumerate(estimates)},
        {str(number): weights for number, weights in enumerate(truths)},
        1,
        eligible=ELIGIBLE,
        exposure={"A": 30, "B": 10, "control": 99},
        leaks_ppm=dict(enumerate_text(leaks or [0] * len(truths))),
    )


def enumerate_text(values: list[int]) -> list[tuple[str, int]]:
    return [(str(number), value) for number, value in enumerate(values)]


def test_no_error() -> None:
    quality = judge([weigh(60, 30), weigh(100)], [weigh(60, 30), weigh(100)])
    assert quality.outputs == 2
    assert quality.error == quality.aggregate_error == quality.leak == Measure(0, 0, 0)
    assert quality.recall_at_two_ppm == 1_000_000


def test_errors_that_cancel() -> None:
    """A is overpaid for one output and underpaid for the other: wrong by 20 % each, right together."""
    quality = judge([weigh(70, 30), weigh(30, 70)], [weigh(50, 50), weigh(50, 50)])
    assert quality.error == Measure(200_000, 200_000, 200_000)
    assert quality.aggregate_error.value_ppm == 0 and quality.aggregate_error.high_ppm == 200_000
    assert (quality.uniform_error_ppm, quality.uniform_aggregate_error_ppm) == (0, 0)
    assert (quality.exposure_error_ppm, quality.exposure_aggregate_error_ppm) == (250_000, 250_000)


def test_all_missed() -> None:
    quality = judge([weigh()], [weigh(50, 40)], leaks=[30_000])
    assert quality.error == quality.aggregate_error == Measure(900_000, 900_000, 900_000)
    assert quality.recall_at_two_ppm == 0
    assert quality.leak == Measure(30_000, 30_000, 30_000)


def test_recall_counts_the_two_largest() -> None:
    assert judge([weigh(10, 90), weigh(0, 100)], [weigh(90, 10), weigh(100)]).recall_at_two_ppm == 666_666


def test_intervals_hold_the_value_and_replay() -> None:
    truths = [weigh(50, 50)] * 20
    estimates = [weigh(50 - number, 50) for number in range(20)]
    quality = judge(estimates, truths)
    assert quality == judge(estimates, truths)
    assert quality.error.low_ppm < quality.error.value_ppm == 95_000 < quality.error.high_ppm


def test_refusals() -> None:
    with pytest.raises(ValueError, match="same outputs"):
        judge([], [])
    with pytest.raises(ValueError, match="same outputs"):
        judge([weigh(10)], [weigh(10), weigh(20)])
    with pytest.raises(ValueError, match="1,000,000"):
        judge([{"A": 5}], [weigh(10)])
