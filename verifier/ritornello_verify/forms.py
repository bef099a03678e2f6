"""Reading terms out of a TOML document (programme.md): known keys, each of its form; amounts, rates and prices as integers."""

import re
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from ritornello_verify.currency import MINOR_DIGITS, PLACES_BELOW_MINOR, read_amount, read_decimal
from ritornello_verify.report import Malformed, show

PATH = "period/programme.toml"
MILLION = 1_000_000
LANES = {"master", "publishing", "performer", "voice"}

Check = Callable[[Any], bool]


def is_text(value: object) -> bool:
    return type(value) is str and value != ""


def is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def is_positive(value: object) -> bool:
    return type(value) is int and value > 0


def is_ppm(value: object) -> bool:
    return type(value) is int and 0 <= value <= MILLION


def is_texts(value: object) -> bool:
    return type(value) is list and value != [] and all(map(is_text, value)) and len(set(value)) == len(value)


def is_texts_by_name(value: object) -> bool:
    return type(value) is dict and all(map(is_text, value.values()))


def is_tables(value: object) -> bool:
    return type(value) is list and all(type(item) is dict for item in value)


def is_table(value: object) -> bool:
    return type(value) is dict


def is_lanes(value: object) -> bool:
    return type(value) is dict and value.keys() <= LANES and all(map(is_positive, value.values())) and sum(value.values()) == MILLION


def is_currency(value: object) -> bool:
    return type(value) is str and value in MINOR_DIGITS


def is_name(value: object) -> bool:
    return type(value) is str and re.fullmatch("[a-z0-9_]+", value) is not None


def choose(*words: str) -> Check:
    return lambda value: type(value) is str and value in words


def check_members(values: dict[str, Any], checks: dict[str, Check], where: str, needed: Collection[str]) -> None:
    for name in sorted(set(needed) - values.keys()):
        refuse(f"{where}{name} is missing")
    for name, value in values.items():
        if name not in checks:
            refuse(f"{where}{show(name)} is not known")
        if not checks[name](value):
            refuse(f"{where}{name} is {show(value)}, which it may not be")


def read_money(text: object, currency: object, where: str) -> int:
    """An amount of at most the currency's minor digits, in ledger units."""
    try:
        return read_amount(*expect_amount(text, currency))
    except ValueError as error:
        refuse(f"{where}{error}")


def read_price(text: object, currency: object, where: str) -> int:
    """An amount of at most four digits more than the currency's minor digits, in ledger units."""
    try:
        digits, code = expect_amount(text, currency)
        return read_decimal(digits, MINOR_DIGITS[code] + PLACES_BELOW_MINOR)
    except ValueError as error:
        refuse(f"{where}{error}")


def expect_amount(text: object, currency: object) -> tuple[str, str]:
    if type(text) is not str or type(currency) is not str or currency not in MINOR_DIGITS:
        raise ValueError("not a text, or no ISO 4217 currency")
    return text, currency


def read_rate(text: object, where: str) -> int:
    """A decimal of at most six places and at most 1, in parts per million."""
    rate = read_millionths(text, where)
    if rate > MILLION:
        refuse(f"{where}is more than 1")
    return rate


def read_millionths(text: object, where: str) -> int:
    """A decimal of at most six places, × 1,000,000."""
    return read_places(text, 6, where)


def read_thousandths(text: object, where: str) -> int:
    """A decimal of at most three places, × 1000."""
    return read_places(text, 3, where)


def read_places(text: object, places: int, where: str) -> int:
    try:
        if type(text) is not str:
            raise ValueError("not a text")
        return read_decimal(text, places)
    except ValueError as error:
        refuse(f"{where}{error}")


def refuse(message: str) -> NoReturn:
    raise Malformed(PATH, message)
