"""Check digits of the field's identifiers: real ones pass, each mistyped digit is caught."""

import pytest

from ritornello.domain import identifiers


def test_published_examples() -> None:
    assert identifiers.parse_iswc("T-034.524.680-1") == "T0345246801"  # ISO 15707's own example
    assert identifiers.parse_isrc("us-s1z-99-00001") == "USS1Z9900001"
    assert identifiers.parse_isni("0000 0001 2103 2683") == "0000000121032683"
    assert identifiers.parse_barcode("036000291452") == "036000291452"
    assert identifiers.parse_territory("Worldwide") == "WW"
    assert identifiers.parse_territory("se") == "SE"
    assert identifiers.parse_dpid("PADPIDA2007040502I") == "PADPIDA2007040502I"


@pytest.mark.parametrize("position", range(9))
def test_a_mistyped_digit_of_an_iswc_is_caught(position: int) -> None:
    digits = "0345246801"
    wrong = digits[:position] + str((int(digits[position]) + 1) % 10) + digits[position + 1 :]
    with pytest.raises(ValueError, match="check digit"):
        identifiers.parse_iswc(f"T{wrong}")


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (identifiers.parse_isrc, "USS1Z990000"),
        (identifiers.parse_isrc, "12S1Z9900001"),
        (identifiers.parse_isni, "0000000121032684"),
        (identifiers.parse_barcode, "036000291453"),
        (identifiers.parse_country, "XX"),
        (identifiers.parse_own, "../etc"),
        (identifiers.parse_own, ""),
        (identifiers.parse_own, "a" * 65),
        (identifiers.parse_own, "party:x"),
        (identifiers.parse_ipi, "00014107339"),
        (identifiers.parse_dpid, "PADPIDA20070405"),
    ],
)
def test_wrong_identifiers_are_refused(parse: object, text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)  # type: ignore[operator]


def test_ipi_check_digits() -> None:
    assert identifiers.parse_ipi("00014107338") == "00014107338"
