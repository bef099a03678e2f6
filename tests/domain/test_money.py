"""Division that loses nothing, and amounts that mean what they say."""

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.domain.money import apportion, format_units, minor_digits, parse_decimal, parse_units

weights = st.dictionaries(st.text(min_size=1, max_size=8), st.integers(0, 10**30), min_size=1, max_size=30).filter(
    lambda w: sum(w.values()) > 0
)


@given(st.integers(0, 10**18), weights, st.randoms())
def test_parts_total_the_whole_whatever_the_order(total: int, given_weights: dict[str, int], order: random.Random) -> None:
    parts = apportion(total, given_weights)
    assert sum(parts.values()) == total
    assert all(part >= 0 for part in parts.values())
    shuffled = list(given_weights.items())
    order.shuffle(shuffled)
    assert apportion(total, dict(shuffled)) == parts
    whole = sum(given_weights.values())
    for key, part in parts.items():
        assert abs(part * whole - total * given_weights[key]) < whole


def test_equal_remainders_go_by_key() -> None:
    assert apportion(10, {"b": 1, "a": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert apportion(2, {"é": 1, "z": 1, "Z": 1}) == {"Z": 1, "z": 1, "é": 0}


@pytest.mark.parametrize(
    ("text", "digits", "units"),
    [
        ("1", 2, 1_000_000),
        ("0.0001", 2, 100),
        ("1234.56", 2, 1_234_560_000),
        ("-3", 0, -30_000),
        ("7.12345678", 4, 712_345_678),
        ("5.10", 3, 51_000_000),
    ],
)
def test_amounts_in_units_and_back(text: str, digits: int, units: int) -> None:
    assert parse_units(text, digits) == units
    assert parse_units(format_units(units, digits), digits) == units


@pytest.mark.parametrize("text", ["1,000.00", "1e3", "", "EUR 5", "٣", "0.12345678901", "1.2.3", "--1", "NaN"])
def test_doubtful_amounts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_decimal(text, 6)


def test_nothing_is_shown_as_zero_that_is_not() -> None:
    assert format_units(1, 2) == "0.000001"
    assert format_units(10_000, 0) == "1"
    assert format_units(-1, 0) == "-0.0001"


def test_currencies_have_a_time() -> None:
    assert minor_digits("HRK", date(2022, 12, 31)) == 2
    assert (minor_digits("JPY", date(2026, 1, 1)), minor_digits("KWD", date(2026, 1, 1))) == (0, 3)
    for currency, day in (("HRK", date(2023, 1, 1)), ("EURO", date(2026, 1, 1)), ("XXX", date(2026, 1, 1)), ("XCG", date(2024, 1, 1))):
        with pytest.raises(ValueError, match=currency):
            minor_digits(currency, day)
