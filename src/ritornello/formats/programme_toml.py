"""Reading a programme from TOML: docs/formats/programme.md. All problems of a file at once."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ritornello.domain import identifiers
from ritornello.domain.catalogue import LANES
from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.money import UNITS_PER_MINOR, minor_digits, parse_decimal
from ritornello.domain.programme import BASES, UNATTRIBUTED_RULES, WHOLE_PPM, Income, Programme

FORMAT = "ritornello-programme-1"
MAX_BYTES = 1 << 20
_TOP = {
    "format", "programme_id", "version", "title", "licensor", "licensee", "purposes", "licence", "valid_from", "valid_to",
    "notice_days", "tail_days", "territory", "quorum", "lanes", "income", "payout",
}  # fmt: skip
_INCOME = {"name", "amount", "rate", "minimum", "currency", "divide_by", "unattributed", "max_error_ppm", "fallback"}


def read_programme(name: str, data: bytes) -> Programme:
    """The programme in a file's bytes; `name` is the file's name for messages. Raises BadInput with every problem."""
    reader = _Reader(name)
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # TOML and Unicode errors are ValueErrors; so are numbers of thousands of digits
        reader.problem(None, f"is not valid TOML: {error}", "correct the file")
        raise_if_any(reader.problems)
        raise AssertionError from error
    programme = _programme(reader, table, hashlib.sha256(data).hexdigest())
    raise_if_any(reader.problems)
    return programme


@dataclass(slots=True)
class _Reader:
    file: str
    problems: list[Problem] = field(default_factory=list)

    def problem(self, place: str | None, what: str, todo: str) -> None:
        self.problems.append(Problem(self.file, None, place, what, todo))

    def unknown(self, table: Mapping[str, Any], known: set[str], place: str) -> None:
        for key in sorted(set(table) - known):
            self.problem(
                place + key, "is not a key of this format", f"remove it or correct its spelling; known are {', '.join(sorted(known))}"
            )

    def get(self, table: Mapping[str, Any], key: str, kind: type, place: str, default: Any) -> Any:
        """The value when it is of the kind; otherwise a problem is noted and a harmless stand-in goes on."""
        value = table.get(key)
        if value is None:
            self.problem(place + key, "is missing", f"add {key}")
        elif not isinstance(value, kind) or isinstance(value, bool | datetime):
            self.problem(place + key, f"{value!r} is of the wrong type", f"write {_EXAMPLES[kind]}")
        else:
            return value
        return default

    def one_of(self, table: Mapping[str, Any], key: str, options: tuple[str, ...], place: str) -> str:
        value = self.get(table, key, str, place, options[0])
        if value not in options:
            self.problem(place + key, f"{value!r} is not known", f"use one of: {', '.join(options)}")
        return str(value)

    def words(self, table: Mapping[str, Any], key: str, options: tuple[str, ...]) -> tuple[str, ...]:
        values = self.get(table, key, list, "", [options[0]])
        for value in values:
            if value not in options:
                self.problem(key, f"{value!r} is not known", f"use any of: {', '.join(options)}")
        if not values or len({str(value) for value in values}) != len(values):
            self.problem(key, "is empty or names something twice", "name each once")
        return tuple(str(value) for value in values)

    def decimal(self, text: Any, digits: int, place: str) -> int | None:
        try:
            if not isinstance(text, str):
                raise ValueError(f'{text!r} is not text: write amounts and rates in quotes, such as "0.30", so that no digit is lost')
            value = parse_decimal(text, digits)
            if value < 0:
                raise ValueError(f"{text!r} is negative")
        except ValueError as error:
            self.problem(place, str(error), "correct the number")
            return None
        return value


_EXAMPLES = {str: 'text in quotes: "…"', int: "a whole number", list: '["…", "…"]', dict: "a table", date: "a day: 2026-01-31"}


def _programme(reader: _Reader, table: Mapping[str, Any], sha256: str) -> Programme:
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
        _territory(reader, table.get("territory", "WW")),
        _quorum(reader, table),
        lanes,
        _incomes(reader, incomes, valid_from),
        _thresholds(reader, table.get("payout", {}), valid_from),
        sha256,
    )


def _territory(reader: _Reader, value: Any) -> str:
    try:
        return identifiers.parse_territory(str(value))
    except ValueError as error:
        reader.problem("territory", str(error), 'write "WW" or a country')
        return "WW"


def _quorum(reader: _Reader, table: Mapping[str, Any]) -> dict[str, int]:
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


def _lanes(reader: _Reader, table: Mapping[str, Any]) -> dict[str, int]:
    reader.unknown(table, set(LANES), "lanes.")
    lanes = {lane: reader.get(table, lane, int, "lanes.", 0) for lane in table if lane in LANES}
    if any(ppm <= 0 for ppm in lanes.values()) or sum(lanes.values()) != WHOLE_PPM:
        reader.problem(
            "lanes",
            f"total {sum(lanes.values()):,} ppm",
            "let the lanes be positive and total 1,000,000 ppm; leave out a lane that gets nothing",
        )
    return dict(sorted(lanes.items()))


def _incomes(reader: _Reader, tables: list[Any], day: date) -> tuple[Income, ...]:
    incomes = [_income(reader, table, f"income[{number}].", day) for number, table in enumerate(tables, 1) if isinstance(table, dict)]
    if len(incomes) != len(tables):
        reader.problem("income", "is not a list of tables", "write [[income]] before each")
    names = [income.name for income in incomes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problem("income", f"two incomes are named {name!r}", "name each differently")
    return tuple(incomes)


def _income(reader: _Reader, table: Mapping[str, Any], place: str, day: date) -> Income:
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


def _thresholds(reader: _Reader, table: Any, day: date) -> dict[str, int]:
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
