"""Weights: always a whole, never forced onto somebody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.attribution.shares import UNATTRIBUTED, Shares, to_weights
from ritornello.attribution.similarity import Match


def match(name: str, start_ms: int, end_ms: int) -> Match:
    return Match(name, start_ms, end_ms, 0, 900_000)


CASES = [
    ([], 1000, Shares({UNATTRIBUTED: 1_000_000}, 0)),
    ([match("A", 0, 1000)], 1000, Shares({"A": 1_000_000, UNATTRIBUTED: 0}, 0)),
    ([match("A", 0, 250), match("B", 250, 500)], 1000, Shares({"A": 250_000, "B": 250_000, UNATTRIBUTED: 500_000}, 0)),
    ([match("A", 0, 1), match("B", 1, 2)], 3, Shares({"A": 333_334, "B": 333_333, UNATTRIBUTED: 333_333}, 0)),
    ([match("control", 0, 100), match("A", 100, 300)], 1000, Shares({"A": 200_000, UNATTRIBUTED: 800_000}, 100_000)),
    ([match("A", 0, 600), match("B", 400, 600)], 1000, Shares({"A": 500_000, "B": 100_000, UNATTRIBUTED: 400_000}, 0)),
    ([match("A", 0, 600), match("A", 300, 600)], 1000, Shares({"A": 600_000, UNATTRIBUTED: 400_000}, 0)),
    ([match("A", -500, 250), match("B", 900, 5000)], 1000, Shares({"A": 250_000, "B": 100_000, UNATTRIBUTED: 650_000}, 0)),
]


@pytest.mark.parametrize(("matches", "output_ms", "expected"), CASES)
def test_cases(matches: list[Match], output_ms: int, expected: Shares) -> None:
    assert to_weights(matches, output_ms, eligible=frozenset({"A", "B"})) == expected


@given(
    st.lists(
        st.builds(match, st.sampled_from(["A", "B", "C", "control"]), st.integers(-50, 40_000), st.integers(-50, 40_000)), max_size=12
    ),
    st.integers(1, 30_000),
)
def test_weights_total_a_million(matches: list[Match], output_ms: int) -> None:
    shares = to_weights(matches, output_ms, eligible=frozenset({"A", "B", "C"}))
    assert sum(shares.weights.values()) == 1_000_000 and min(shares.weights.values()) >= 0
    assert shares.weights.keys() <= {"A", "B", "C", UNATTRIBUTED}
    assert 0 <= shares.leak_ppm <= shares.weights[UNATTRIBUTED] + 1
    assert shares == to_weights(reversed(matches), output_ms, eligible=frozenset({"C", "B", "A"}))


CLUSTERED = [
    ([match("A", 0, 600), match("B", 0, 600)], {}, {"A": 300_000, "B": 300_000, UNATTRIBUTED: 400_000}),
    ([match("A", 0, 600)], {"A": 3, "B": 1}, {"A": 450_000, "B": 150_000, UNATTRIBUTED: 400_000}),
    ([match("A", 0, 600), match("B", 0, 600), match("C", 0, 600)], {}, {"A": 150_000, "B": 150_000, "C": 300_000, UNATTRIBUTED: 400_000}),
    ([match("copy", 0, 600)], {"A": 1, "B": 0}, {"A": 300_000, "B": 300_000, UNATTRIBUTED: 400_000}),
]


@pytest.mark.parametrize(("matches", "exposure", "weights"), CLUSTERED)
def test_copies_count_once(matches: list[Match], exposure: dict[str, int], weights: dict[str, int]) -> None:
    """Copies share the weight of one, by exposure where it is known; what sounds like a copy that was not trained on belongs to those that were."""
    found = to_weights(matches, 1000, eligible=frozenset({"A", "B", "C"}), clusters=[("A", "B", "copy")], exposure=exposure)
    assert found == Shares(weights, 0)


def test_more_copies_bring_no_more() -> None:
    """However many copies of one recording match beside another, the two get the same."""
    for copies in range(1, 9):
        names = [f"a{number}" for number in range(copies)]
        matches = [match(name, 0, 1000) for name in [*names, "b"]]
        found = to_weights(matches, 1000, eligible=frozenset({*names, "b"}), clusters=[names])
        assert found.weights["b"] == 500_000 and sum(found.weights[name] for name in names) == 500_000


def test_refusals() -> None:
    with pytest.raises(ValueError, match="positive length"):
        to_weights([], 0, eligible=frozenset())
    with pytest.raises(ValueError, match="may be called"):
        to_weights([], 5, eligible=frozenset({UNATTRIBUTED}))
