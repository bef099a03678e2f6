"""Mapping files: TOML by hand or by `catalogue preview`, every problem of one at once. Format: docs/formats/mapping.md."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ritornello.domain.catalogue import PARTY_KINDS
from ritornello.domain.errors import BadInput, Problem
from ritornello.formats.mapping import ABOUT_PARTY, MAKES, REQUIRED, TABLES, UNITS, ColumnMapping, Origin, Section, parse_template

FORMAT = "ritornello-mapping-1"
MAX_BYTES = 1024 * 1024
_KEYS = {"from", "value", "template", "split", "values", "dates", "unit", "make", "kind"}


def read_mapping(path: Path) -> ColumnMapping:
    """Raises BadInput with every problem of the file."""
    problems: list[Problem] = []
    data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            [Problem(path.name, None, None, f"is not TOML in UTF-8: {error}", "correct it, or let catalogue preview write one")]
        ) from None
    mapping = _Reader(path.name, problems).mapping(document)
    if problems:
        raise BadInput(problems)
    return mapping


def write_mapping(mapping: ColumnMapping) -> str:
    """The mapping as TOML, in our order of tables and columns: the same mapping gives the same bytes."""
    lines = [f'format = "{FORMAT}"']
    if mapping.ignore:
        lines.append(f"ignore = {_toml(list(mapping.ignore))}")
    of_file = {name: getattr(mapping, name) for name in ("header_row", "delimiter", "encoding", "sheet")}
    if any(value is not None for value in of_file.values()):
        lines += ["", "[file]", *(f"{name} = {_toml(value)}" for name, value in of_file.items() if value is not None)]
    for table in TABLES:
        for section in mapping.sections:
            if section.table == table:
                lines += ["", f"[[{table}]]", *(f"{column} = {_origin(origin)}" for column, origin in section.origins.items())]
    return "\n".join(lines) + "\n"


class _Reader:
    """Reads the document and notes every problem with the place it has in it."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file, self.problems = file, problems

    def mapping(self, document: Mapping[str, Any]) -> ColumnMapping:
        if document.get("format") != FORMAT:
            self.problem("format", f"is not {FORMAT!r}", f'write format = "{FORMAT}"')
        for name in sorted(set(document) - {"format", "file", "ignore", *TABLES}):
            self.problem(name, "is not known", f"known are file, ignore and the tables {', '.join(TABLES)}")
        sections = tuple(section for table in TABLES for section in self.sections(document, table))
        if not sections and not self.problems:
            self.problem(None, "maps nothing", f"write at least one section such as [[{next(iter(TABLES))}]]")
        of_file = document.get("file", {})
        if not isinstance(of_file, dict):
            self.problem("file", "is not a table", "write [file] and below it delimiter = …")
            of_file = {}
        for name in sorted(set(of_file) - {"header_row", "delimiter", "encoding", "sheet"}):
            self.problem(f"file.{name}", "is not known", "known are header_row, delimiter, encoding and sheet")
        row = of_file.get("header_row")
        if row is not None and not (isinstance(row, int) and not isinstance(row, bool) and 1 <= row <= 1000):
            self.problem("file.header_row", f"{row!r} is not a row from 1 to 1000", "write the number that the spreadsheet shows")
            row = None
        delimiter = self.text(of_file.get("delimiter"), "file.delimiter")
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            self.problem("file.delimiter", f"{delimiter!r} is not one character", 'write ";" or "\\t"')
            delimiter = None
        encoding, sheet = self.text(of_file.get("encoding"), "file.encoding"), self.text(of_file.get("sheet"), "file.sheet")
        return ColumnMapping(sections, tuple(self.texts(document.get("ignore", []), "ignore")), row, delimiter, encoding, sheet)

    def sections(self, document: Mapping[str, Any], table: str) -> Iterable[Section]:
        found = document.get(table, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.problem(table, "is not a list of tables", f"write [[{table}]]")
            return
        for number, one in enumerate(found, 1):
            place = f"{table}[{number}]" if len(found) > 1 else table
            known = (*TABLES[table], *(ABOUT_PARTY if "party_id" in TABLES[table] and table != "parties" else ()))
            origins: dict[str, Origin] = {}
            for column, value in one.items():
                if column not in known:
                    self.problem(f"{place}.{column}", f"is not a column of {table}", f"known are {', '.join(known)}")
                elif origin := self.origin(value, f"{place}.{column}"):
                    origins[column] = origin
            for column in REQUIRED[table]:
                if column not in one:
                    self.problem(f"{place}.{column}", "is missing", f'write {column} = "Their column" or {{ value = "always this" }}')
            if origins:
                yield Section(table, origins)

    def origin(self, value: Any, place: str) -> Origin | None:
        """`"Their column"`, or a table with `from`, `template` or `value` and what is to be done with it."""
        if isinstance(value, str):
            return Origin((value,))
        if not isinstance(value, dict):
            self.problem(place, "is neither a column's name nor a table", 'write "Their column" or { from = "Their column" }')
            return None
        for name in sorted(set(value) - _KEYS):
            self.problem(f"{place}.{name}", "is not known", f"known are {', '.join(sorted(_KEYS))}")
        if sum(name in value for name in ("from", "value", "template")) != 1:
            self.problem(place, "must have one of from, template and value", 'write { from = "Their column" } or { value = "always this" }')
            return None
        template = self.text(value.get("template"), f"{place}.template")
        columns = tuple(self.texts(value.get("from", []), f"{place}.from"))
        if template is not None:
            try:
                columns = tuple(dict.fromkeys(text for _, part in parse_template(template) for is_column, text in part if is_column))
            except ValueError as error:
                self.problem(f"{place}.template", str(error), "write {Column} for a column and […] around what may be missing")
        words = value.get("values", {})
        if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
            self.problem(f"{place}.values", "is not a table of words", 'write values = { "Their word" = "ours" }')
            words = {}
        return Origin(
            columns,
            template,
            self.text(value.get("value"), f"{place}.value"),
            tuple(self.texts(value.get("split", []), f"{place}.split")),
            words,
            self.dates(value.get("dates"), f"{place}.dates"),
            self.word(value.get("unit"), UNITS, f"{place}.unit") or "percent",
            self.word(value.get("make"), MAKES, f"{place}.make"),
            self.word(value.get("kind"), PARTY_KINDS, f"{place}.kind") or "person",
        )

    def dates(self, value: Any, place: str) -> str | None:
        text = self.text(value, place)
        if text is None or text == "excel" or all(text.count(token) == 1 for token in ("YYYY", "MM", "DD")):
            return text
        self.problem(place, f"{text!r} doesn't have YYYY, MM and DD once each", 'write "DD.MM.YYYY", "MM/DD/YYYY" or "excel"')
        return None

    def word(self, value: Any, words: Sequence[str], place: str) -> str | None:
        if value is None:
            return None
        if isinstance(value, str) and value in words:
            return value
        self.problem(place, f"{value!r} is not known", f"use one of: {', '.join(words)}")
        return None

    def text(self, value: Any, place: str) -> str | None:
        if value is None or isinstance(value, str):
            return value
        self.problem(place, f"{value!r} is not a text", "put it in quotes")
        return None

    def texts(self, value: Any, place: str) -> list[str]:
        """One text or a list of texts, none empty."""
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            self.problem(place, "is not a text or a list of texts", 'write "a" or ["a", "b"]')
            return []
        return found

    def problem(self, place: str | None, what: str, todo: str) -> None:
        self.problems.append(Problem(self.file, None, place, what, todo))


def _origin(origin: Origin) -> str:
    parts: dict[str, Any] = {}
    if origin.template is not None:
        parts["template"] = origin.template
    elif origin.value is not None:
        parts["value"] = origin.value
    else:
        parts["from"] = origin.columns[0] if len(origin.columns) == 1 else list(origin.columns)
    parts |= {"split": list(origin.split)} if origin.split else {}
    parts |= {"values": dict(origin.values)} if origin.values else {}
    parts |= {"dates": origin.dates} if origin.dates else {}
    parts |= {"unit": origin.unit} if origin.unit != "percent" else {}
    parts |= {"make": origin.make} if origin.make else {}
    parts |= {"kind": origin.kind} if origin.kind != "person" else {}
    return _toml(parts["from"]) if list(parts) == ["from"] and isinstance(parts["from"], str) else _toml(parts)


def _toml(value: Any) -> str:
    if isinstance(value, str):
        escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
        return (
            '"'
            + "".join(escapes.get(one) or (one if one.isprintable() or ord(one) > 0x9F else f"\\u{ord(one):04x}") for one in value)
            + '"'
        )
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(name)} = {_toml(one)}' for name, one in value.items())} }}"
    return str(value)


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else _toml(name)
