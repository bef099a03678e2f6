"""Shares from evidence, influence and exposure: exact, clone-proof, and honest about what is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.attribution.combine import blend
from ritornello.attribution.shares import UNATTRIBUTED, Shares

NOTHING = Shares({UNATTRIBUTED: 1_000_000}, 0)
EXPOSURE = {"A": 1, "B": 1, "C": 2}


def test_the_formula() -> None:
    heard = Shares({"A": 400_000, UNATTRIBUTED: 600_000}, 0)
    found = blend(heard, {"A": -1.0, "B": 3.0, "C": 1.0}, EXPOSURE, a_ppm=500_000)
    # 0.4 heard; of 0.6, half by influence (B 3, C 1) and half by exposure (1, 1, 2)
    assert found.weights == {"A": 475_000, "B": 300_000, "C": 225_000, UNATTRIBUTED: 0}
    assert (found.evidence_ppm, found.influence_ppm, found.exposure_ppm) == (400_000, 300_000, 300_000)


def test_scores_that_say_nothing_pay_nobody() -> None:
    heard = Shares({"A": 100_000, UNATTRIBUTED: 900_000}, 0)
    for scores in ({}, {"A": 0.0}, {"A": -2.0, "B": -1.0}, {"stranger": 5.0}):
        assert blend(heard, scores, EXPOSURE, a_ppm=700_000).weights == {"A": 100_000, UNATTRIBUTED: 900_000}


def test_sound_found_elsewhere_stays_unattributed() -> None:
    heard = Shares({"A": 300_000, UNATTRIBUTED: 700_000}, leak_ppm=200_000)
    assert blend(heard, {"B": 1.0}, EXPOSURE, a_ppm=1_000_000).weights == {"A": 300_000, "B": 500_000, UNATTRIBUTED: 200_000}


def test_whoever_was_not_trained_on_earns_nothing() -> None:
    found = blend(NOTHING, {"A": 1.0, "stranger": 3.0}, EXPOSURE, a_ppm=1_000_000)
    assert found.weights == {"A": 1_000_000, UNATTRIBUTED: 0} and found.leak_ppm == 750_000


def test_copies_count_as_one() -> None:
    """Four copies would get 2 + 1 by their positive parts; as one sound they are worth 2, which they share by exposure."""
    scores = {"A": 2.0, "A2": -2.0, "A3": 1.0, "A4": 0.0, "B": 2.0}
    exposure = dict.fromkeys(scores, 1)
    found = blend(NOTHING, scores, exposure, a_ppm=1_000_000, clusters=[("A", "A2", "A3", "A4")])
    assert found.weights == {"A": 125_000, "A2": 125_000, "A3": 125_000, "A4": 125_000, "B": 500_000, UNATTRIBUTED: 0}


def test_an_outlier_counts_no_more_than_the_usual() -> None:
    scores = {"A": 1.0, "B": 1.0, "C": 20.0}
    found = blend(NOTHING, scores, EXPOSURE, a_ppm=1_000_000, self_influence={"A": 1.0, "B": 1.0, "C": 100.0})
    assert found.weights == {"A": 333_334, "B": 333_333, "C": 333_333, UNATTRIBUTED: 0}


@pytest.mark.parametrize(
    ("scores", "exposure", "a_ppm"),
    [({"A": float("nan")}, EXPOSURE, 1), ({"A": 1.0}, {}, 1), ({"A": 1.0}, {"A": 0}, 1), ({"A": 1.0}, EXPOSURE, -1)],
)
def test_wrong_input(scores: dict[str, float], exposure: dict[str, int], a_ppm: int) -> None:
    with pytest.raises(ValueError):
        blend(NOTHING, scores, exposure, a_ppm=a_ppm)


NAMES = ["A", "B", "C", "D", "stranger"]


@given(
    st.dictionaries(st.sampled_from(NAMES), st.floats(allow_nan=False, allow_infinity=False)),
    st.dictionaries(st.sampled_from(NAMES[:4]), st.integers(1, 10**9), min_size=1),
    st.integers(0, 1_000_000),
    st.integers(0, 1_000_000),
    st.booleans(),
)
def test_always_a_whole(scores: dict[str, float], exposure: dict[str, int], a_ppm: int, heard_ppm: int, clustered: bool) -> None:
    first = min(exposure)
    heard = Shares({first: heard_ppm, UNATTRIBUTED: 1_000_000 - heard_ppm}, (1_000_000 - heard_ppm) // 3)
    clusters = [("B", "D")] if clustered else []
    on_itself = {name: abs(score) for name, score in scores.items()}
    found = blend(heard, scores, exposure, a_ppm=a_ppm, clusters=clusters, self_influence=on_itself)
    assert sum(found.weights.values()) == 1_000_000 and min(found.weights.values()) >= 0
    assert found.weights.keys() <= {*exposure, UNATTRIBUTED}
    assert found.evidence_ppm + found.influence_ppm + found.exposure_ppm + found.weights[UNATTRIBUTED] == 1_000_000
    turned = dict(reversed(scores.items())), dict(reversed(exposure.items()))
    assert blend(heard, *turned, a_ppm=a_ppm, clusters=clusters, self_influence=on_itself) == found
