"""What a column's value may be."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from ritornello_verify.currency import MINOR_DIGITS

WHOLE_SHARE = 100_000_000
"""A whole share, in e8."""

WHOLE_PPM = 1_000_000
"""Everyone, in parts per million."""

UNITS_FORM = re.compile("0|-?[1-9][0-9]{0,59}")
NATURAL_FORM = re.compile("0|[1-9][0-9]{0,59}")
DAY_FORM = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
HASH_FORM = re.compile("[0-9a-f]{64}")
ASSET_FORM = re.compile("sha256:[0-9a-f]{64}")
IDENTIFIER_FORM = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TERRITORY_FORM = re.compile("[A-Z]{2}")
ISRC_FORM = re.compile("[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A test and the words for what passes it."""

    description: str
    accepts: Callable[[object], bool]


@lru_cache(maxsize=4096)
def is_day(text: str) -> bool:
    try:
        return bool(DAY_FORM.fullmatch(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def match_form(form: re.Pattern[str], description: str) -> Kind:
    return Kind(description, lambda value: type(value) is str and form.fullmatch(value) is not None)


def match_hex(size: int) -> Kind:
    return match_form(re.compile(f"[0-9a-f]{{{2 * size}}}"), f"{2 * size} lower-case hex digits")


def choose(*words: str) -> Kind:
    return Kind(" or ".join(words), lambda value: type(value) is str and value in words)


def allow_null(kind: Kind) -> Kind:
    return Kind(f"{kind.description}, or null", lambda value: value is None or kind.accepts(value))


def bound(lowest: int, highest: int | None = None) -> Kind:
    limit = "" if highest is None else f", at most {highest}"
    return Kind(
        f"an integer of at least {lowest}{limit}",
        lambda value: type(value) is int and value >= lowest and (highest is None or value <= highest),
    )


def is_text_list(value: object) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


def is_ascending_list(value: object) -> bool:
    return type(value) is list and is_text_list(value) and all(value[index] < value[index + 1] for index in range(len(value) - 1))


def is_hash_list(value: object) -> bool:
    return type(value) is list and all(type(item) is str and HASH_FORM.fullmatch(item) for item in value)


def is_units_by_name(value: object) -> bool:
    return type(value) is dict and all(type(units) is str and UNITS_FORM.fullmatch(units) for units in value.values())


def is_quorum(value: object) -> bool:
    return type(value) is dict and all(type(ppm) is int and 0 < ppm <= WHOLE_PPM for ppm in value.values())


TEXT = Kind("a text", lambda value: type(value) is str)
IDENTIFIER = match_form(IDENTIFIER_FORM, "an identifier (1–64 of A–Z a–z 0–9 . _ -)")
HASH = match_hex(32)
ASSET = match_form(ASSET_FORM, "`sha256:` and 64 lower-case hex digits")
ISRC = match_form(ISRC_FORM, "an ISRC of 12 characters, without hyphens")
TERRITORY = match_form(TERRITORY_FORM, "WW or two capital letters")
CURRENCY = Kind("an ISO 4217 currency", lambda value: type(value) is str and value in MINOR_DIGITS)
UNITS = match_form(UNITS_FORM, "a string of decimal digits (at most 60)")
NATURAL = match_form(NATURAL_FORM, "a string of decimal digits (at most 60), not negative")
DAY = Kind("a day (YYYY-MM-DD)", lambda value: type(value) is str and is_day(value))
QUORUM = Kind("an object of lanes, each with 1 … 1000000", is_quorum)
YES_OR_NO = Kind("true or false", lambda value: type(value) is bool)
COUNT = bound(0)
INTEGER = Kind("an integer", lambda value: type(value) is int)
OBJECT = Kind("an object", lambda value: type(value) is dict)
HASHES = Kind("a list of texts of 64 lower-case hex digits", is_hash_list)
TEXTS = Kind("a list of texts", is_text_list)
ASCENDING = Kind("a list of texts, ascending, none twice", is_ascending_list)
UNITS_BY_NAME = Kind("an object of strings of decimal digits", is_units_by_name)
LANE_NAME = Kind("a text", lambda value: type(value) is str and value != "")
