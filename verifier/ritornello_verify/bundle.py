"""bundle.json: what a bundle says it holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ritornello_verify.folder import Folder
from ritornello_verify.kinds import COUNT, HASH, TEXT, Kind, allow_null, choose
from ritornello_verify.reading import Row, find_wrong_column, read_document, reread_rows
from ritornello_verify.report import Malformed, Step, show
from ritornello_verify.tables import DOCUMENTS, PROOFS, TABLES

BUNDLE = "bundle.json"
FOLDERS = ("period/", "result/", "reports/")
REPORT_FORM = re.compile("reports/([0-9a-f]{64})[.]csv")
TERMS_FORM = re.compile("period/terms/([0-9a-f]{64})[.]toml")
OBJECTS = Kind("a list of objects", lambda value: type(value) is list and all(type(item) is dict for item in value))
COLUMNS = {"format": TEXT, "settlement_id": TEXT, "files": OBJECTS}
ENTRY_COLUMNS = {"path": TEXT, "kind": choose("table", "document"), "hash": HASH, "rows": allow_null(COUNT)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as bundle.json lists it; `rows` is None for documents."""

    path: str
    kind: str
    hash: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle after its files were read: what is listed, what the bytes hash to, and which tables are well formed in every row."""

    folder: Folder
    settlement_id: str
    entries: dict[str, Entry]
    hashes: dict[str, str]
    well_formed: frozenset[str]

    def read_rows(self, path: str) -> Iterator[Row]:
        if path not in self.well_formed:
            raise Malformed(path, "cannot be used, since it cannot be read (see Files)")
        return reread_rows(self.folder, path)


def read_listing(folder: Folder, step: Step) -> tuple[str, dict[str, Entry]]:
    """The settlement and the files bundle.json names, without those whose paths no document knows."""
    values = read_document(folder, BUNDLE, COLUMNS)
    if values["format"] != "ritornello-bundle-1":
        raise Malformed(BUNDLE, f"format is {show(values['format'])}, not ritornello-bundle-1")
    entries: dict[str, Entry] = {}
    last = ""
    for number, item in enumerate(values["files"], 1):
        where = f"files, entry {number}"
        wrong = find_wrong_column(item, ENTRY_COLUMNS)
        if wrong:
            raise Malformed(BUNDLE, f"{where}: {wrong}")
        entry = Entry(**item)
        if entry.path <= last:
            raise Malformed(BUNDLE, f"{where}: path {show(entry.path)} is not after {show(last)}")
        last = entry.path
        kind = find_kind(entry.path)
        if kind is None:
            raise Malformed(BUNDLE, f"{where}: {show(entry.path)} is no path of a bundle")
        if kind != entry.kind or (entry.rows is None) != (kind == "document"):
            raise Malformed(BUNDLE, f"{where}: {entry.path} is a {kind}, and only tables have a number of rows")
        entries[entry.path] = entry
    for path in sorted([*DOCUMENTS, *(set(TABLES) - {PROOFS})]):
        if path not in entries:
            step.fail(path, "is not listed in bundle.json")
    return values["settlement_id"], entries


def find_kind(path: str) -> str | None:
    """`table` or `document`, or None for a path that the formats do not have. Nothing else is ever opened."""
    if path in TABLES and path != PROOFS:
        return "table"
    return "document" if path in DOCUMENTS or REPORT_FORM.fullmatch(path) or TERMS_FORM.fullmatch(path) else None
