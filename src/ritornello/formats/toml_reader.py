"""Reading a TOML document key by key: every problem is noted with its place, and reading goes on with a harmless stand-in."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.money import parse_decimal

Read = TypeVar("Read")


def parse_toml(name: str, data: bytes) -> dict[str, Any]:
    """The table in a file's bytes; `name` is the file's name for messages. Raises BadInput when it is no TOML."""
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # TOML and Unicode errors are ValueErrors; so are numbers of thousands of digits
        raise_if_any([Problem(name, None, None, f"is not valid TOML: {error}", "correct the file")])
        raise AssertionError from error


@dataclass(slots=True)
class Reader:
    """Notes problems of one file."""

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

    def texts(self, table: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
        """A list of texts that may be left out, each named once."""
        values = self.get(table, key, list, place, []) if key in table else []
        if key in table and (not values or not all(isinstance(value, str) for value in values) or len(set(values)) != len(values)):
            self.problem(place + key, "is no list of texts that each stand once", 'write ["…", "…"], or leave the key out for all')
            return ()
        return tuple(values)

    def whole(self, table: Mapping[str, Any], key: str, place: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self.get(table, key, int, place, low)
        if not low <= value <= high:
            self.problem(place + key, f"{value} is not between {low:,} and {high:,}", "correct the number")
            return low
        return int(value)

    def parsed(self, text: Any, parse: Callable[[str], Read], place: str, todo: str, default: Read) -> Read:
        """What `parse` makes of a text; its ValueError is a problem."""
        try:
            if not isinstance(text, str):
                raise ValueError(f"{text!r} is not text")
            return parse(text)
        except ValueError as error:
            self.problem(place, str(error), todo)
            return default

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
