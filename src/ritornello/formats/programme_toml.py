"""Reading a programme from TOML: docs/formats/programme.md. All problems of a file at once."""

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ritornello.domain import identifiers
from ritornello.domain.catalogue import LANES
from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import raise_if_any
from ritornello.domain.money import UNITS_PER_MINOR, minor_digits
from ritornello.domain.programme import BASES, UNATTRIBUTED_RULES, WHOLE_PPM, Income, Programme
from ritornello.formats.toml_reader import Reader, parse_toml

FORMAT = "ritornello-programme-1"
MAX_BYTES = 1 << 20
_HASH = re.compile("[0-9a-f]{64}")
_TOP = {
    "format", "programme_id", "version", "title", "licensor", "licensee", "purposes", "licence", "valid_from", "valid_to",
    "notice_days", "tail_days", "territory", "quorum", "lanes", "income", "payout", "classes",
}  # fmt: skip
_INCOME = {"name", "amount", "rate", "minimum", "currency", "divide_by", "unattributed", "max_error_ppm", "fallback"}


def read_programme(name: str, data: bytes) -> Programme:
    """The programme in a file's bytes; `name` is the file's name for messages. Raises BadInput with every problem."""
    table = parse_toml(name, data)
    reader = Reader(name)
    programme = _programme(reader, table, hashlib.sha256(data).hexdigest())
    raise_if_any(reader.problems)
    return programme


def _programme(reader: Reader, table: Mapping[str, Any], sha256: str) -> Programme:
    reader.unknown(table, _TOP, "")
    if table.get("format") != FORMAT:
        reader.problem("format", f"is not {FORMAT!r}", f'write format = "{FORMAT}"')
    programme_id = reader.get(table, "programme_id", str, "", "x")
    try:
        if len(identifiers.parse_own(programme_id)) > 48:
            raise ValueError("is longer than 48 characters")
    except ValueError as error:
        reader.problem("programme_id", str(error), "choose another")
    valid_from = reader.get(table, "valid_from", date, "", date(2000, 1, 1))
    valid_to = reader.get(table, "valid_to", date, "", date(2100, 1, 1))
    if valid_to < valid_from:
        reader.problem("valid_to", "is before valid_from", "correct one of the days")
    counts = {key: reader.get(table, key, int, "", 1) for key in ("version", "notice_days", "tail_days")}
    for key, count in counts.items():
        if not 0 <= count <= 100_000:
            reader.problem(key, f"{count} is not between 0 and 100,000", "correct the number")
    lanes = _lanes(reader, reader.get(table, "lanes", dict, "", {"master": WHOLE_PPM}))
    incomes = reader.get(table, "income", list, "", [])
    if table.get("income") is not None and not incomes:
        reader.problem("income", "is empty", "add at least one [[income]]")
    return Programme(
        programme_id,
        counts["version"],
        reader.get(table, "title", str, "", ""),
        reader.get(table, "licensor", str, "", ""),
        reader.get(table, "licensee", str, "", ""),
        reader.words(table, "purposes", PURPOSES),
        reader.get(table, "licence", str, "", ""),
        valid_from,
        valid_to,
        counts["notice_days"],
        counts["tail_days"],
        read_territory(reader, table.get("territory", "WW")),
        read_quorum(reader, table),
        lanes,
        _incomes(reader, incomes, valid_from),
        _thresholds(reader, table.get("payout", {}), valid_from),
        sha256,
        classes=_classes(reader, table.get("classes", {})),
    )


def read_territory(reader: Reader, value: Any) -> str:
    try:
        return identifiers.parse_territory(str(value))
    except ValueError as error:
        reader.problem("territory", str(error), 'write "WW" or a country')
        return "WW"


def _classes(reader: Reader, table: Any) -> dict[str, str]:
    """Class → hash of the class document that the programme falls under."""
    if not isinstance(table, dict):
        reader.problem("classes", f"{table!r} is not a table", 'write classes = { research = "64 hex digits" }')
        return {}
    for class_id, sha256 in table.items():
        if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
            todo = "write the SHA-256 of the class document, 64 lower-case hex digits: `ritornello class list` shows it"
            reader.problem(f"classes.{class_id}", f"{str(sha256)[:80]!r} is no hash", todo)
    return {str(class_id): str(sha256) for class_id, sha256 in sorted(table.items())}


def read_quorum(reader: Reader, table: Mapping[str, Any]) -> dict[str, int]:
    """Lane → share (ppm) that must agree, from a list of lanes (everyone) or a table of rules."""
    rules = table.get("quorum")
    if not isinstance(rules, dict):
        return dict.fromkeys(sorted(reader.words(table, "quorum", LANES)), WHOLE_PPM)
    if not rules:
        reader.problem("quorum", "is empty", "name at least one lane")
    reader.unknown(rules, set(LANES), "quorum.")
    found = {}
    for lane, rule in sorted(rules.items()):
        share = (
            WHOLE_PPM if rule == "everyone" else rule.get("share_ppm") if isinstance(rule, dict) and set(rule) == {"share_ppm"} else None
        )
        if not isinstance(share, int) or isinstance(share, bool) or not 0 < share <= WHOLE_PPM:
            reader.problem(f"quorum.{lane}", f"{rule!r} is no rule", 'write "everyone" or { share_ppm = 666_667 }')
            continue
        found[lane] = share
    return found


def _lanes(reader: Reader, table: Mapping[str, Any]) -> dict[str, int]:
    reader.unknown(table, set(LANES), "lanes.")
    lanes = {lane: reader.get(table, lane, int, "lanes.", 0) for lane in table if lane in LANES}
    if any(ppm <= 0 for ppm in lanes.values()) or sum(lanes.values()) != WHOLE_PPM:
        reader.problem(
            "lanes",
            f"total {sum(lanes.values()):,} ppm",
            "let the lanes be positive and total 1,000,000 ppm; leave out a lane that gets nothing",
        )
    return dict(sorted(lanes.items()))


def _incomes(reader: Reader, tables: list[Any], day: date) -> tuple[Income, ...]:
    incomes = [_income(reader, table, f"income[{number}].", day) for number, table in enumerate(tables, 1) if isinstance(table, dict)]
    if len(incomes) != len(tables):
        reader.problem("income", "is not a list of tables", "write [[income]] before each")
    names = [income.name for income in incomes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problem("income", f"two incomes are named {name!r}", "name each differently")
    return tuple(incomes)


def _income(reader: Reader, table: Mapping[str, Any], place: str, day: date) -> Income:
    reader.unknown(table, _INCOME, place)
    name = reader.get(table, "name", str, place, "x")
    if not name or not name.isascii() or not name.replace("_", "").isalnum() or name != name.lower():
        reader.problem(place + "name", f"{name!r} is not made of a–z, 0–9 and _", "rename it")
    if ("amount" in table) == ("rate" in table):
        reader.problem(place + "amount", "an income has either amount or rate", "give exactly one of the two")
    currency, digits = table.get("currency"), 2
    if currency is not None or "amount" in table or "minimum" in table:
        try:
            digits = minor_digits(reader.get(table, "currency", str, place, "EUR"), day)
        except ValueError as error:
            reader.problem(place + "currency", str(error), "correct the code")
    amount = reader.decimal(table["amount"], digits, place + "amount") if "amount" in table else None
    minimum = reader.decimal(table["minimum"], digits, place + "minimum") if "minimum" in table else None
    rate = reader.decimal(table["rate"], 6, place + "rate") if "rate" in table else None
    if rate is not None and rate > WHOLE_PPM:
        reader.problem(place + "rate", f"{table['rate']!r} is more than 1", 'write 30 % as "0.30"')
    if minimum is not None and "amount" in table:
        reader.problem(place + "minimum", "a fixed amount has no minimum", "remove minimum")
    divide_by = reader.one_of(table, "divide_by", BASES, place)
    unattributed = max_error = fallback = None
    if divide_by == "attribution":
        if "amount" in table:
            reader.problem(
                place + "divide_by", "a fixed amount belongs to no model version, so attribution can't divide it", 'use "exposure"'
            )
        unattributed = reader.one_of(table, "unattributed", UNATTRIBUTED_RULES, place)
        max_error = reader.get(table, "max_error_ppm", int, place, 0)
        fallback = reader.one_of(table, "fallback", ("exposure",), place)
        if not 0 <= max_error <= WHOLE_PPM:
            reader.problem(place + "max_error_ppm", "is not between 0 and 1,000,000", "correct the number")
    else:
        for key in ("unattributed", "max_error_ppm", "fallback"):
            if key in table:
                reader.problem(place + key, 'belongs to divide_by = "attribution"', "remove it")
    return Income(
        name,
        divide_by,
        currency if isinstance(currency, str) else None,
        None if amount is None else amount * UNITS_PER_MINOR,
        rate,
        None if minimum is None else minimum * UNITS_PER_MINOR,
        unattributed,
        max_error,
        fallback,
    )


def _thresholds(reader: Reader, table: Any, day: date) -> dict[str, int]:
    if not isinstance(table, dict) or not isinstance(table.get("thresholds", {}), dict):
        reader.problem("payout", "is not a table with thresholds", 'write [payout] and thresholds = { EUR = "10.00" }')
        return {}
    reader.unknown(table, {"thresholds"}, "payout.")
    thresholds = {}
    for currency, text in sorted(table.get("thresholds", {}).items()):
        try:
            amount = reader.decimal(text, minor_digits(currency, day), f"payout.thresholds.{currency}")
            thresholds[currency] = (amount or 0) * UNITS_PER_MINOR
        except ValueError as error:
            reader.problem(f"payout.thresholds.{currency}", str(error), "correct the code")
    return thresholds
