"""The programme's terms (programme.md), as far as money and consent depend on them."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn

from ritornello_verify.currency import MINOR_DIGITS, UNITS_PER_MINOR, read_amount, read_decimal
from ritornello_verify.report import Malformed, show

PATH = "period/programme.toml"
MILLION = 1_000_000
EXPOSURE, ATTRIBUTION, RESERVE = "exposure", "attribution", "reserve"


@dataclass(frozen=True, slots=True)
class Income:
    """One `[[income]]`: a fixed amount (units) or a rate (parts per million of net revenue), a minimum (units), and how it is divided."""

    name: str
    amount_units: int | None
    rate_ppm: int | None
    minimum_units: int | None
    currency: str | None
    divide_by: str
    unattributed: str
    max_error_ppm: int
    has_error_limit: bool


@dataclass(frozen=True, slots=True)
class Licensing:
    """Who licenses to whom, with which notice and tail. `classes`: class of licensees → hash of its document."""

    licensor: str
    licensee: str
    notice_days: int
    tail_days: int
    classes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Programme:
    """`quorum`: lane → the share that must agree in parts per million, None for everyone. `lanes` in parts per million; `thresholds` in units, of named currencies."""

    programme_id: str
    purposes: tuple[str, ...]
    licence: str
    territory: str
    quorum: dict[str, int | None]
    lanes: dict[str, int]
    incomes: tuple[Income, ...]
    thresholds: dict[str, int]
    licensing: Licensing
    valid_from: str = "0001-01-01"
    valid_to: str = "9999-12-31"

    def find_threshold(self, currency: str) -> int:
        """At least one minor unit."""
        return max(self.thresholds.get(currency, UNITS_PER_MINOR), UNITS_PER_MINOR)


Check = Callable[[Any], bool]


def is_text(value: object) -> bool:
    return type(value) is str and value != ""


def is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def is_texts(value: object) -> bool:
    return type(value) is list and all(map(is_text, value)) and len(set(value)) == len(value)


def is_rule(value: object) -> bool:
    """`"everyone"`, or `{ share_ppm = … }`."""
    if type(value) is dict:
        share = value.get("share_ppm")
        return value.keys() == {"share_ppm"} and type(share) is int and 0 < share <= MILLION
    return value == "everyone"


def is_hash(value: object) -> bool:
    return type(value) is str and re.fullmatch("[0-9a-f]{64}", value) is not None


def is_currency(value: object) -> bool:
    return type(value) is str and value in MINOR_DIGITS


TERMS: dict[str, Check] = {
    "format": lambda value: value == "ritornello-programme-1",
    "programme_id": is_text,
    "version": is_count,
    "title": is_text,
    "licensor": is_text,
    "licensee": is_text,
    "purposes": is_texts,
    "licence": is_text,
    "valid_from": lambda value: type(value) is date,
    "valid_to": lambda value: type(value) is date,
    "notice_days": is_count,
    "tail_days": is_count,
    "territory": lambda value: type(value) is str and re.fullmatch("[A-Z]{2}", value) is not None,
    "quorum": lambda value: is_texts(value) or (type(value) is dict and all(map(is_rule, value.values()))),
    "lanes": lambda value: type(value) is dict and all(map(is_count, value.values())) and sum(value.values()) == MILLION,
    "income": lambda value: type(value) is list and all(type(item) is dict for item in value),
    "classes": lambda value: type(value) is dict and all(map(is_hash, value.values())),
    "payout": lambda value: type(value) is dict and value.keys() <= {"thresholds"} and type(value.get("thresholds", {})) is dict,
}
OPTIONAL_TERMS = {"classes", "payout", "territory"}
INCOME: dict[str, Check] = {
    "name": lambda value: type(value) is str and re.fullmatch("[a-z0-9_]+", value) is not None,
    "amount": is_text,
    "rate": is_text,
    "minimum": is_text,
    "currency": is_currency,
    "divide_by": lambda value: value in (EXPOSURE, ATTRIBUTION),
    "unattributed": lambda value: value in (EXPOSURE, RESERVE),
    "max_error_ppm": is_count,
    "fallback": lambda value: value == EXPOSURE,
}


def read_programme(data: bytes) -> Programme:
    try:
        terms = tomllib.loads(data.decode("utf-8"), parse_float=refuse_float)
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Malformed(PATH, f"cannot be read as TOML: {error}") from None
    check_members(terms, TERMS, "", TERMS.keys() - OPTIONAL_TERMS)
    incomes = tuple(read_income(item, f"income {number}: ") for number, item in enumerate(terms["income"], 1))
    if len({income.name for income in incomes}) != len(incomes):
        refuse("two incomes have the same name")
    return Programme(
        programme_id=terms["programme_id"],
        purposes=tuple(terms["purposes"]),
        licence=terms["licence"],
        territory=terms.get("territory", "WW"),
        quorum=read_quorum(terms["quorum"]),
        lanes=dict(terms["lanes"]),
        incomes=incomes,
        thresholds={
            currency: read_money(amount, currency, f"threshold {currency}: ")
            for currency, amount in terms.get("payout", {}).get("thresholds", {}).items()
        },
        licensing=Licensing(
            licensor=terms["licensor"],
            licensee=terms["licensee"],
            notice_days=terms["notice_days"],
            tail_days=terms["tail_days"],
            classes=dict(terms.get("classes", {})),
        ),
        valid_from=terms["valid_from"].isoformat(),
        valid_to=terms["valid_to"].isoformat(),
    )


def read_quorum(terms: list[str] | dict[str, Any]) -> dict[str, int | None]:
    if isinstance(terms, list):
        return dict.fromkeys(terms)
    return {lane: None if rule == "everyone" else rule["share_ppm"] for lane, rule in terms.items()}


def read_income(item: dict[str, Any], where: str) -> Income:
    needed = {"name", "divide_by"}
    if ("amount" in item) == ("rate" in item):
        refuse(f"{where}needs either amount or rate")
    if "amount" in item or "minimum" in item:
        needed.add("currency")
    if item.get("divide_by") == ATTRIBUTION:
        needed |= {"unattributed", "max_error_ppm", "fallback"}
    check_members(item, INCOME, where, needed)
    currency = item.get("currency")
    return Income(
        name=item["name"],
        amount_units=read_money(item["amount"], currency, f"{where}amount ") if "amount" in item else None,
        rate_ppm=read_number(item["rate"], 6, f"{where}rate ") if "rate" in item else None,
        minimum_units=read_money(item["minimum"], currency, f"{where}minimum ") if "minimum" in item else None,
        currency=currency,
        divide_by=item["divide_by"],
        unattributed=item.get("unattributed", EXPOSURE),
        max_error_ppm=item.get("max_error_ppm", 0),
        has_error_limit="max_error_ppm" in item,
    )


def check_members(values: dict[str, Any], checks: dict[str, Check], where: str, needed: set[str]) -> None:
    for name in sorted(needed - values.keys()):
        refuse(f"{where}{name} is missing")
    for name, value in values.items():
        if name not in checks:
            refuse(f"{where}{show(name)} is not known")
        if not checks[name](value):
            refuse(f"{where}{name} is {show(value)}, which it may not be")


def read_money(text: object, currency: object, where: str) -> int:
    try:
        if type(text) is not str or type(currency) is not str or currency not in MINOR_DIGITS:
            raise ValueError("not a text, or no ISO 4217 currency")
        return read_amount(text, currency)
    except ValueError as error:
        refuse(f"{where}{error}")


def read_number(text: str, digits: int, where: str) -> int:
    try:
        return read_decimal(text, digits)
    except ValueError as error:
        refuse(f"{where}{error}")


def refuse_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is a floating-point number")


def refuse(message: str) -> NoReturn:
    raise Malformed(PATH, message)
