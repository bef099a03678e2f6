"""What spreadsheet programs do to identifiers, numbers and days, undone where nothing was lost, and refused where something was.

A repair is *proved* where a check digit proves it (UPC/EAN, IPI, ISNI, ISWC), or changes nothing but the way of writing. Each is said, none is silent.
docs/formats/mapping.md lists them.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta

from ritornello.domain import identifiers

_ERRORS = {"#N/A", "#NV", "#REF!", "#VALUE!", "#WERT!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#ZAHL!", "#BEZUG!"}
_EDGES = " \t\xa0\ufeff\u200b\u200c\u200d\u2060"
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_SCIENTIFIC = re.compile(r"([0-9])(?:[.,]([0-9]*))?[eE]\+?([0-9]{1,2})")
_WHOLE = re.compile(r"([0-9]+)[.,]0+")
_TRICK = re.compile(r'="?([^"]*)"?')
_SERIAL_FIRST, _SERIAL_LAST = 20_000, 80_000  # 1954 … 2119
_EPOCH = date(1899, 12, 30)  # day 0 of Excel's 1900 system, for days after February 1900

Reason = str | None  # what was repaired, in words; None: nothing


def repair_text(text: str) -> tuple[str, Reason]:
    """A name or title: one form of Unicode (NFC), no invisible characters at its ends. Raises ValueError for a spreadsheet's error value."""
    bare = text.strip(_EDGES)
    if bare in _ERRORS:
        raise ValueError(f"{bare!r} is what a spreadsheet shows instead of a value")
    if "\ufffd" in bare:
        raise ValueError(f"{bare!r} has a character that was lost when the file was converted")
    composed = unicodedata.normalize("NFC", bare)
    return composed, "accents composed (NFD to NFC)" if composed != bare else None


def repair_isrc(text: str) -> tuple[str, Reason]:
    bare = _untrick(text)
    plain = _DASHES.sub("-", bare)
    isrc = identifiers.parse_isrc(plain)
    return isrc, "written without separators, in capitals" if isrc != bare else None


def repair_iswc(text: str) -> tuple[str, Reason]:
    """With or without its T, which spreadsheets' number columns drop; the check digit proves the rest."""
    bare = _DASHES.sub("-", _untrick(text))
    digits = re.sub(r"[\s.-]", "", bare)
    if digits.isdigit() and len(digits) == 10:
        return identifiers.parse_iswc(f"T{digits}"), "the T put back (the check digit fits)"
    iswc = identifiers.parse_iswc(bare)
    return iswc, "written without separators" if iswc != bare else None


def repair_barcode(text: str) -> tuple[str, Reason]:
    """UPC-A or EAN-13, with the leading zeros that a number column drops."""
    return _numeric(text, 12, identifiers.parse_barcode, "UPC/EAN")


def repair_ipi(text: str) -> tuple[str, Reason]:
    return _numeric(text, 11, identifiers.parse_ipi, "IPI name number")


def repair_isni(text: str) -> tuple[str, Reason]:
    return _numeric(text, 16, identifiers.parse_isni, "ISNI")


def repair_count(text: str) -> tuple[str, Reason]:
    """A small whole number, such as a track's."""
    bare = _untrick(text)
    whole = _WHOLE.fullmatch(bare)
    return (whole[1], "written as a whole number") if whole else (bare, None)


def repair_day(text: str, pattern: str | None = None) -> tuple[str, Reason]:
    """A day as YYYY-MM-DD. `pattern` says how they are written, such as `DD.MM.YYYY`; `excel` are serial numbers of the 1900 system.

    Without one, days with midnight behind them and Excel's serial numbers are recognised; 03/04/2026 is not: it means two days.
    """
    bare = _untrick(text)
    if pattern and pattern != "excel":
        day = _parse_pattern(bare, pattern)
        return day, f"{pattern} written as YYYY-MM-DD" if day != bare else None
    midnight = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]00:00(?::00(?:\.0+)?)?Z?", bare)
    if midnight:
        return midnight[1], "time of midnight left out"
    whole = _WHOLE.fullmatch(bare)
    serial = whole[1] if whole else bare
    if serial.isascii() and serial.isdigit() and len(serial) == 5 and _SERIAL_FIRST <= int(serial) <= _SERIAL_LAST:
        return str(_EPOCH + timedelta(days=int(serial))), "Excel's serial number of a day written as YYYY-MM-DD"
    if pattern == "excel":
        raise ValueError(f"{bare!r} is not a serial number of a day between {_SERIAL_FIRST} and {_SERIAL_LAST}")
    return bare, None


def repair_share(text: str, unit: str = "percent") -> tuple[str, Reason]:
    """A share as a percentage with a point. `unit` says what the number is: percent, fraction (of 1) or ppm (of 1,000,000)."""
    bare = _untrick(text)
    number = bare.removesuffix("%").strip(_EDGES)
    if bare.endswith("%"):
        unit = "percent"  # the sign speaks for itself
    point = number.replace(",", ".")
    match = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]*))?", point)
    if not match or (unit == "ppm" and "." in point):
        raise ValueError(
            f"{bare!r} is not a share in {unit}, such as {'33.33' if unit == 'percent' else '0.3333' if unit == 'fraction' else '333300'}"
        )
    sign, whole, fraction = match[1], match[2], match[3] or ""
    shift = {"percent": 0, "fraction": 2, "ppm": -4}[unit]
    digits = whole.zfill(5) + fraction.ljust(2, "0")
    place = len(whole.zfill(5)) + shift
    percent = f"{digits[:place].lstrip('0') or '0'}.{digits[place:]}".rstrip("0").rstrip(".")
    said = None if unit == "percent" else f"{unit} written as percent"
    return sign + percent, said


def _numeric(text: str, width: int, parse: Callable[[str], str], name: str) -> tuple[str, Reason]:
    """Digits that a number column may have shortened: zeros in front are put back when the check digit fits."""
    bare = _DASHES.sub("-", _untrick(text))
    digits, reason = _expand(bare, name)
    compact = re.sub(r"[\s.-]", "", digits)
    if compact.isdigit() and len(compact) < width:
        if len(compact) < width - 7:
            raise ValueError(f"{bare!r} is too short for a {name}")
        padded = compact.zfill(width)
        try:
            return parse(padded), "leading zeros put back (the check digit fits)"
        except ValueError:
            raise ValueError(f"{bare!r} is too short for a {name}, and with zeros in front its check digit doesn't fit") from None
    found = parse(digits)
    return found, reason or ("written without separators" if found != bare else None)


def _expand(text: str, name: str) -> tuple[str, Reason]:
    """The digits behind `4.006E+12` and `123.0`, where all of them are there."""
    whole = _WHOLE.fullmatch(text)
    if whole:
        return whole[1], "written as a whole number"
    match = _SCIENTIFIC.fullmatch(text)
    if not match:
        return text, None
    fraction, exponent = match[2] or "", int(match[3])
    if len(fraction) < exponent:
        raise ValueError(f"{text!r} has lost the digits of a {name}: format the column as text and enter them again")
    if fraction[exponent:].strip("0"):
        raise ValueError(f"{text!r} is not a whole number")
    return match[1] + fraction[:exponent], "scientific notation written out (all digits were there)"


def _untrick(text: str) -> str:
    """Without what people put around numbers so that a spreadsheet leaves them alone: `="00123"`, `'00123`."""
    bare, _ = repair_text(text)
    if len(bare) > 1 and not bare.strip("#"):
        raise ValueError(f"{bare!r} is what a spreadsheet shows where a column is too narrow")
    trick = _TRICK.fullmatch(bare)
    return (trick[1] if trick else bare.removeprefix("'")).strip(_EDGES)


def _parse_pattern(text: str, pattern: str) -> str:
    parts = {"YYYY": r"(?P<y>[0-9]{4})", "MM": r"(?P<m>[0-9]{1,2})", "DD": r"(?P<d>[0-9]{1,2})"}
    expression = re.escape(pattern)
    for token, part in parts.items():
        expression = expression.replace(token, part, 1)
    match = re.fullmatch(expression, text)
    try:
        if not match:
            raise ValueError
        return date(int(match["y"]), int(match["m"]), int(match["d"])).isoformat()
    except ValueError:
        raise ValueError(f"{text!r} is not a day written as {pattern}") from None
