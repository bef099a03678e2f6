"""Reading a class document from TOML: docs/formats/licensee-class.md. All problems of a file at once."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from ritornello.domain import identifiers
from ritornello.domain.catalogue import LANES
from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import raise_if_any
from ritornello.domain.licensee_class import LicenseeClass
from ritornello.domain.money import UNITS_PER_MINOR, minor_digits
from ritornello.domain.programme import WHOLE_PPM
from ritornello.formats.programme_toml import read_quorum, read_territory
from ritornello.formats.toml_reader import Reader, parse_toml

FORMAT = "ritornello-class-1"
_TOP = {
    "format", "class_id", "version", "title", "summary", "licensors", "licensees", "purposes", "territory", "valid_from", "valid_to",
    "licences", "objection_days", "notice_days", "tail_days", "quorum", "lanes", "income", "attribution",
}  # fmt: skip
_MOST_DAYS = 100_000


def read_class(name: str, data: bytes) -> LicenseeClass:
    """The class document in a file's bytes; `name` is the file's name for messages. Raises BadInput with every problem."""
    table = parse_toml(name, data)
    reader = Reader(name)
    found = _class(reader, table, hashlib.sha256(data).hexdigest())
    raise_if_any(reader.problems)
    return found


def _class(reader: Reader, table: Mapping[str, Any], sha256: str) -> LicenseeClass:
    reader.unknown(table, _TOP, "")
    if table.get("format") != FORMAT:
        reader.problem("format", f"is not {FORMAT!r}", f'write format = "{FORMAT}"')
    valid_from = reader.get(table, "valid_from", date, "", date(2000, 1, 1))
    valid_to = reader.get(table, "valid_to", date, "", date(2100, 1, 1))
    if valid_to < valid_from:
        reader.problem("valid_to", "is before valid_from", "correct one of the days")
    if "licensors" not in table:
        reader.problem("licensors", "is missing", "name the licensors whose programmes may fall under the class")
    days = {key: reader.whole(table, key, "", 0, _MOST_DAYS) for key in ("objection_days", "notice_days", "tail_days")}
    rate_ppm, amounts = _income(reader, _subtable(reader, table, "income"), valid_from)
    max_error_ppm, unattributed = _attribution(reader, _subtable(reader, table, "attribution"))
    return LicenseeClass(
        _identifier(reader, table),
        reader.whole(table, "version", "", 0, _MOST_DAYS),
        reader.get(table, "title", str, "", ""),
        reader.get(table, "summary", str, "", ""),
        reader.texts(table, "licensors", ""),
        reader.texts(table, "licensees", ""),
        reader.words(table, "purposes", PURPOSES),
        read_territory(reader, table.get("territory", "WW")),
        valid_from,
        valid_to,
        reader.texts(table, "licences", ""),
        days["objection_days"],
        days["notice_days"],
        days["tail_days"],
        read_quorum(reader, table),
        _lanes(reader, _subtable(reader, table, "lanes")),
        rate_ppm,
        amounts,
        max_error_ppm,
        unattributed,
        sha256,
    )


def _identifier(reader: Reader, table: Mapping[str, Any]) -> str:
    class_id = str(reader.get(table, "class_id", str, "", "x"))
    try:
        if len(identifiers.parse_own(class_id)) > 48:
            raise ValueError("is longer than 48 characters")
    except ValueError as error:
        reader.problem("class_id", str(error), "choose another")
    return class_id


def _subtable(reader: Reader, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        reader.problem(key, f"{value!r} is not a table", f"write [{key}]")
        return {}
    return value


def _lanes(reader: Reader, table: Mapping[str, Any]) -> dict[str, int]:
    reader.unknown(table, set(LANES), "lanes.")
    return {lane: reader.whole(table, lane, "lanes.", 1, WHOLE_PPM) for lane in sorted(set(table) & set(LANES))}


def _income(reader: Reader, table: Mapping[str, Any], day: date) -> tuple[int, dict[str, int]]:
    """The least rate (ppm), and the least amount in units by currency."""
    reader.unknown(table, {"rate", "amounts"}, "income.")
    rate_ppm = reader.decimal(table["rate"], 6, "income.rate") or 0 if "rate" in table else 0
    if rate_ppm > WHOLE_PPM:
        reader.problem("income.rate", f"{table['rate']!r} is more than 1", 'write 30 % as "0.30"')
    amounts = {}
    for currency, text in sorted(_subtable(reader, table, "amounts").items()):
        try:
            amount = reader.decimal(text, minor_digits(currency, day), f"income.amounts.{currency}")
            amounts[currency] = (amount or 0) * UNITS_PER_MINOR
        except ValueError as error:
            reader.problem(f"income.amounts.{currency}", str(error), "correct the code")
    return rate_ppm, amounts


def _attribution(reader: Reader, table: Mapping[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    reader.unknown(table, {"max_error_ppm", "unattributed"}, "attribution.")
    most = reader.whole(table, "max_error_ppm", "attribution.", 0, WHOLE_PPM) if "max_error_ppm" in table else None
    return most, reader.texts(table, "unattributed", "attribution.")
