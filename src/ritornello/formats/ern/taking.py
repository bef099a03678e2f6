"""A message while it becomes rows in our own columns: the rows so far, whom its references mean, and what was left out and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ritornello.domain.errors import Problem
from ritornello.domain.matching import PartyFinder, RecordingFinder
from ritornello.formats.ern.message import Message
from ritornello.formats.mapping import TABLES
from ritornello.formats.preferences.xml import Element
from ritornello.formats.sheet import Cells, Sheet

COLUMNS = {**TABLES, "parties": ("party_id", "name", "kind", "ipi", "isni", "dpid")}


@dataclass(slots=True)
class Finders:
    """What the catalogue knows already, shared by all messages of an import."""

    parties: PartyFinder
    recordings: RecordingFinder
    releases: dict[str, str]  # barcode → release


@dataclass(slots=True)
class Taking:
    """One message; its lines stand in place of a spreadsheet's row numbers."""

    message: Message
    finders: Finders
    root: Path  # the folder of the import: files lie below it
    sheets: dict[str, Sheet] = field(default_factory=dict)
    parties: dict[str, str] = field(default_factory=dict)  # reference in the message → our party
    resources: dict[str, str] = field(default_factory=dict)  # reference → recording
    notes: Counter[str] = field(default_factory=Counter)  # what was left out for a reason
    problems: list[Problem] = field(default_factory=list)
    said: set[tuple[str, ...]] = field(default_factory=set)  # claims: two recordings of one work repeat its shares

    def row(self, table: str, line: int, **texts: str | None) -> None:
        """Add a row; a claim that was made word for word counts once."""
        sheet = self.sheets.setdefault(table, Sheet(self.message.file, COLUMNS[table], [], ";", {}))
        cells = {name: texts.get(name) or "" for name in sheet.columns}
        key = tuple(cells.values())
        if table != "claims" or key not in self.said:
            sheet.rows.append(Cells(sheet, line, cells))
        self.said |= {key} if table == "claims" else set()

    def note(self, text: str) -> None:
        self.notes[text] += 1

    def problem(self, element: Element, column: str, what: str, todo: str = "ask the sender for the message again") -> None:
        self.problems.append(Problem(self.message.file, element.line, column, what, todo))

    def party(self, element: Element, name: str) -> str | None:
        """Our party behind a reference; a reference that leads nowhere is a problem."""
        reference = self.message.value(element, name)
        if reference in self.parties:
            return self.parties[reference]
        self.problem(element, name, f"there is no party {(reference or '')[:40]!r} that could be taken from the PartyList")
        return None


def below(root: Element, *names: str) -> list[Element]:
    """The elements at a path of names."""
    found = [root]
    for name in names:
        found = [child for element in found for child in element.all(name)]
    return found


def default(elements: list[Element], *path: str) -> Element | None:
    """Of several for different languages and places, the one that is meant where nothing else is said; then a path below it."""

    def rank(element: Element) -> int:
        if element.attributes.get("IsDefault") == "true":
            return 0
        return 1 if element.attributes.get("ApplicableTerritoryCode", "Worldwide") == "Worldwide" else 2

    chosen = min(elements, key=rank, default=None)
    for name in path:
        chosen = next(iter(chosen.all(name)), None) if chosen else None
    return chosen


def references(root: Element, *names: str) -> Iterator[str]:
    """Every reference of these kinds in the message."""
    return (element.text for element in root.walk() if element.name in names)
