"""What spreadsheet programs break is put back only where nothing was lost; each repair is said."""

import pytest

from ritornello.formats.repair import (
    repair_barcode,
    repair_count,
    repair_day,
    repair_ipi,
    repair_isni,
    repair_isrc,
    repair_iswc,
    repair_share,
    repair_text,
)


@pytest.mark.parametrize(
    ("repair", "text", "expected"),
    [
        (repair_barcode, "36000291452", "036000291452"),  # the zero in front is gone
        (repair_barcode, "36000291452.0", "036000291452"),
        (repair_barcode, "4.006381333931E+12", "4006381333931"),  # all thirteen digits are there
        (repair_barcode, "4,006381333931E+12", "4006381333931"),
        (repair_barcode, '="036000291452"', "036000291452"),
        (repair_barcode, "'036000291452", "036000291452"),
        (repair_barcode, " 4006381333931\u200b", "4006381333931"),
        (repair_isrc, "de-abc-26–00001", "DEABC2600001"),  # an en dash, as word processors like them
        (repair_isrc, "ISRC DE ABC 26 00001", "DEABC2600001"),
        (repair_iswc, "T-034.524.680-1", "T0345246801"),
        (repair_iswc, "0345246801", "T0345246801"),
        (repair_ipi, "14107338", "00014107338"),
        (repair_ipi, "14107338.0", "00014107338"),
        (repair_isni, "0000 0001 2103 2683", "0000000121032683"),
        (repair_isni, "121032683", "0000000121032683"),
        (repair_text, "Bjo\u0308rk", "Björk"),
        (repair_text, "\ufeffAna\xa0", "Ana"),
        (repair_text, 'Say "Hi"; =1+1', 'Say "Hi"; =1+1'),
        (repair_day, "45231", "2023-11-01"),
        (repair_day, "45231.0", "2023-11-01"),
        (repair_day, "2023-11-01 00:00:00", "2023-11-01"),
        (repair_count, "12.0", "12"),
    ],
)
def test_repairs(repair, text: str, expected: str) -> None:
    after, reason = repair(text)
    assert after == expected
    assert (reason is None) == (after == text.strip(" \u200b\ufeff\xa0") or text[0] in "='")  # taking wrapping off is no repair


@pytest.mark.parametrize(
    ("repair", "text", "word"),
    [
        (repair_barcode, "4.00638E+12", "lost the digits"),
        (repair_barcode, "36000291453", "check digit doesn't fit"),
        (repair_barcode, "12345", "too short"),
        (repair_barcode, "########", "too narrow"),
        (repair_isni, "1.21032683E+15", "lost the digits"),
        (repair_iswc, "0345246802", "check digit"),
        (repair_isrc, "DEABC260000I", "not an ISRC"),
        (repair_text, "#REF!", "instead of a value"),
    ],
)
def test_what_is_lost_is_refused(repair, text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        repair(text)


def test_days_are_read_only_as_the_mapping_says() -> None:
    assert repair_day("03/04/2026") == ("03/04/2026", None)  # two days: the reader of days then refuses it
    assert repair_day("03/04/2026", "DD/MM/YYYY")[0] == "2026-04-03"
    assert repair_day("3.4.2026", "DD.MM.YYYY")[0] == "2026-04-03"
    assert repair_day("44197", "excel")[0] == "2021-01-01"
    for text, pattern in (("31/02/2026", "DD/MM/YYYY"), ("2026-01-01", "DD.MM.YYYY"), ("12", "excel")):
        with pytest.raises(ValueError):
            repair_day(text, pattern)


@pytest.mark.parametrize(
    ("text", "unit", "percent"),
    [
        ("33.33", "percent", "33.33"),
        ("33,33", "percent", "33.33"),
        ("50%", "percent", "50"),
        ("50 %", "fraction", "50"),  # the sign speaks for itself
        ("0.3333", "fraction", "33.33"),
        ("0,333333333", "fraction", "33.3333333"),
        ("1", "fraction", "100"),
        ("333333", "ppm", "33.3333"),
        ("5", "ppm", "0.0005"),
        ("1000000", "ppm", "100"),
    ],
)
def test_shares_become_percentages_exactly(text: str, unit: str, percent: str) -> None:
    assert repair_share(text, unit)[0] == percent


@pytest.mark.parametrize(("text", "unit"), [("1.234,5", "percent"), ("half", "percent"), ("333.333", "ppm"), ("", "fraction")])
def test_doubtful_shares_are_refused(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match="not a share"):
        repair_share(text, unit)
