"""Somebody's table, through a mapping, as tables in our columns: the same readers then check it as if it had been ours, and name its own rows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ritornello.domain.catalogue import Party
from ritornello.domain.matching import PARTY_IDENTIFIERS, PartyFinder, RecordingFinder, make_own
from ritornello.formats import repair
from ritornello.formats.mapping import ABOUT_PARTY, TABLES, ColumnMapping, Origin, Section, parse_template
from ritornello.formats.raw_table import RawTable
from ritornello.formats.sheet import Cells, Sheet, fold_header

_REPAIRS: dict[str, Callable[[str], tuple[str, repair.Reason]]] = {
    "isrc": repair.repair_isrc,
    "iswc": repair.repair_iswc,
    "barcode": repair.repair_barcode,
    "ipi": repair.repair_ipi,
    "isni": repair.repair_isni,
    "disc": repair.repair_count,
    "track": repair.repair_count,
    "file": lambda text: (text.strip(), None),  # a file's name is what it is on the disk
}
_MADE = ("party_id", "name", "kind", *ABOUT_PARTY)
# A row says nothing for a section where these cells are all empty.
_SPEAKS_OF: dict[str, tuple[str, ...]] = {
    "parties": ("party_id", "name"),
    "recordings": ("recording_id", "isrc", "title", "file"),
    "releases": ("release_id", "barcode"),
    "contributions": ("party_id",),
    "claims": ("party_id", "share_percent"),
}


@dataclass(slots=True)
class Repair:
    """One kind of repair of one column: how often, and the first of them."""

    column: str
    reason: str
    row: int
    before: str
    after: str
    times: int = 1


@dataclass(slots=True)
class Mapped:
    """A file in our tables, and what was done to get there."""

    file: str
    form: str
    sheets: dict[str, Sheet]  # our table → the rows that its sections made
    parties: Sheet  # parties that only their names were given of
    untaken: list[str] = field(default_factory=list)  # their columns that no section speaks of
    repairs: dict[tuple[str, str], Repair] = field(default_factory=dict)
    repeated: int = 0  # rows that say what another row has said
    made: dict[str, Cells] = field(default_factory=dict)  # party → its row in `parties`

    def tables(self) -> Iterator[tuple[str, Sheet]]:
        """Each table's rows, parties first; parties may come twice."""
        yield from ((table, self.sheets[table]) for table in TABLES if table == "parties" and table in self.sheets)
        yield "parties", self.parties
        yield from ((table, self.sheets[table]) for table in TABLES if table != "parties" and table in self.sheets)


def name_columns(header: Sequence[str]) -> list[str]:
    """The columns' names, each once: the second `Artist` is `Artist (2)`; one without a name is named by its place."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        name = re.sub(r"\s+", " ", repair.repair_text(cell)[0] if cell.strip() else "") or f"column {place}"
        number = sum(1 for other in names if other == name or other.startswith(f"{name} (")) + 1
        names.append(name if name not in names else f"{name} ({number})")
    return names


def apply_mapping(raw: RawTable, mapping: ColumnMapping, parties: PartyFinder, recordings: RecordingFinder) -> Mapped:
    """The file's rows as rows of our tables. Problems lie in the sheets; those of the file itself in the one of parties."""
    tables = list(dict.fromkeys(section.table for section in mapping.sections))
    sheets = {table: Sheet(raw.file, (), [], ";", {}) for table in tables}
    made = Sheet(raw.file, _MADE, [], ";", {})
    mapped = Mapped(raw.file, raw.form, sheets, made)
    made.problems += raw.problems
    header = mapping.header_row or 1
    rows = [row for row in raw.rows if row[0] >= header] if mapping.header_row else raw.rows
    if raw.problems or not rows:
        return mapped
    columns = name_columns(rows[0][1])
    by_fold = {fold_header(name): name for name in columns}
    for name in sorted(mapping.columns() - set(columns)):
        if fold_header(name) not in by_fold:
            todo = f"correct the mapping; the columns are {', '.join(columns)[:400]}"
            made.problem(rows[0][0], name, "there is no such column", todo)
    if made.problems:
        return mapped
    spoken = {by_fold.get(fold_header(name), name) for name in mapping.columns()} | set(mapping.columns())
    mapped.untaken = [name for name in columns if name not in spoken]
    places = {name: place for place, name in enumerate(columns)} | {
        name: columns.index(by_fold[fold_header(name)]) for name in mapping.columns() if name not in columns
    }
    for section in mapping.sections:
        _Section(section, mapped, places, parties, recordings).run(rows[1:])
    return mapped


class _Section:
    """One section of a mapping at work."""

    def __init__(
        self, section: Section, mapped: Mapped, places: Mapping[str, int], parties: PartyFinder, recordings: RecordingFinder
    ) -> None:
        self.table, self.origins = section.table, section.origins
        self.mapped, self.places, self.parties, self.recordings = mapped, places, parties, recordings
        self.sheet = mapped.sheets[section.table]
        self.templates = {name: parse_template(origin.template) for name, origin in self.origins.items() if origin.template is not None}
        self.columns = [name for name in self.origins if name in TABLES[self.table]]
        self.sheet.columns = tuple(dict.fromkeys((*self.sheet.columns, *self.columns)))
        for name, origin in self.origins.items():
            said = self.sheet.labels.get(name)
            self.sheet.labels[name] = origin.say() if said in (None, origin.say()) else f"{said} / {origin.say()}"
        self.seen: set[tuple[str, ...]] = {self._key(cells.texts) for cells in self.sheet.rows}

    def run(self, rows: Sequence[tuple[int, list[str]]]) -> None:
        for number, cells in rows:
            for texts, bad in self._expand(number, cells):
                key = self._key(texts)
                if key in self.seen:
                    self.mapped.repeated += 1
                    continue
                self.seen.add(key)
                self.sheet.rows.append(Cells(self.sheet, number, {name: texts.get(name, "") for name in self.columns}, bad))
                if self.table == "parties" and texts.get("party_id"):
                    known = {name: texts.get(name) or None for name in _MADE}
                    self.parties.add(Party(**{**known, "name": texts.get("name", ""), "kind": texts.get("kind", "")}))  # type: ignore[arg-type]

    def _key(self, texts: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(texts.get(name, "") for name in TABLES[self.table])

    def _expand(self, number: int, cells: Sequence[str]) -> Iterator[tuple[dict[str, str], frozenset[str]]]:
        """The row as often as its split cells have values, in step; a single value goes with all of them."""
        pieces = {name: self._pieces(name, cells) for name in self.origins}
        if not any(any(pieces.get(name, ())) for name in _SPEAKS_OF[self.table]):
            return
        width = max(len(found) for found in pieces.values())
        odd = [name for name, found in pieces.items() if len(found) not in (0, 1, width)]
        if odd:
            counts = ", ".join(f"{len(pieces[name])} in {self.origins[name].say()}" for name in pieces if len(pieces[name]) > 1)
            place = next(name for name in pieces if len(pieces[name]) > 1)
            self.sheet.problem(number, place, f"the split cells have different numbers of values ({counts})", "give each the same number")
            return
        for at in range(width):
            texts = {name: found[at if len(found) == width else 0] if found else "" for name, found in pieces.items()}
            if any(texts.get(name) for name in _SPEAKS_OF[self.table]):
                yield self._finish(number, texts)

    def _pieces(self, name: str, cells: Sequence[str]) -> list[str]:
        origin = self.origins[name]
        text = self._fill(name, origin, cells)
        if not origin.split:
            return [text]
        expression = "|".join(re.escape(mark) for mark in sorted(origin.split, key=len, reverse=True))
        return [piece.strip() for piece in re.split(expression, text) if piece.strip()]

    def _fill(self, name: str, origin: Origin, cells: Sequence[str]) -> str:
        if origin.value is not None:
            return origin.value
        if origin.template is None:
            return next((text for column in origin.columns if (text := self._cell(column, cells))), "")
        text = ""
        for optional, part in self.templates[name]:
            filled = [self._cell(piece, cells) if is_column else piece for is_column, piece in part]
            if not optional or all(filled):
                text += "".join(filled)
        return text if any(self._cell(column, cells) for column in origin.columns) else ""

    def _cell(self, column: str, cells: Sequence[str]) -> str:
        place = self.places[column]
        return cells[place].strip() if place < len(cells) else ""

    def _finish(self, number: int, texts: Mapping[str, str]) -> tuple[dict[str, str], frozenset[str]]:
        """Repaired, with their words for ours, and with identifiers made; columns where that can't be done are named, and their problem is noted."""
        done: dict[str, str] = {}
        bad: set[str] = set()
        for name, text in texts.items():
            origin = self.origins[name]
            try:
                done[name] = self._translate(number, name, origin, text) if text else ""
                if done[name] and origin.make in ("id", "recording", "work"):
                    done[name] = self._identify(done[name], origin.make)
            except ValueError as error:
                self.sheet.problem(number, name, str(error), "correct the cell")
                done[name] = ""
                bad.add(name)
        if done.get("party_id") and self.origins["party_id"].make == "party":
            done["party_id"] = self._find_party(number, done)
            bad |= set() if done["party_id"] else {"party_id"}
        return done, frozenset(bad)

    def _translate(self, number: int, name: str, origin: Origin, text: str) -> str:
        if text in origin.values:
            return origin.values[text]
        folded = {word.casefold(): ours for word, ours in origin.values.items()}
        if text.casefold() in folded:
            return folded[text.casefold()]
        if name in ("valid_from", "valid_to"):
            after, reason = repair.repair_day(text, origin.dates)
        elif name == "share_percent":
            after, reason = repair.repair_share(text, origin.unit)
        else:
            after, reason = _REPAIRS.get(name, repair.repair_text)(text)
        if reason:
            key = (self.sheet.labels[name], reason)
            if found := self.mapped.repairs.get(key):
                found.times += 1
            else:
                self.mapped.repairs[key] = Repair(*key, number, text, after)
        return after

    def _identify(self, text: str, make: str) -> str:
        """An ISRC or ISWC finds what it names; any other text becomes an identifier of its own."""
        try:
            if make == "recording":
                return self.recordings.find_recording(repair.repair_isrc(text)[0])
            if make == "work":
                return self.recordings.find_work(repair.repair_iswc(text)[0])
        except ValueError:
            pass
        return make_own(text)

    def _find_party(self, number: int, done: Mapping[str, str]) -> str:
        """The party of that name, made known if it is new; what else the row says of it goes with it."""
        name, about = done["party_id"], {column: done[column] for column in ABOUT_PARTY if done.get(column)}
        try:
            party_id = self.parties.find(name, {kind: about.get(kind) for kind in PARTY_IDENTIFIERS})
        except ValueError as error:
            self.sheet.problem(number, "party_id", str(error), "map a column with identifiers, or give the parties different names")
            return ""
        if self.table == "parties":
            return party_id
        old = self.parties.parties.get(party_id)
        new = Party(party_id, name, self.origins["party_id"].kind) if old is None else old
        added = {column: value for column, value in about.items() if getattr(new, column) is None}
        new = replace(new, **added) if added else new
        clash = next((column for column, value in about.items() if getattr(new, column) != value), None)
        if clash:
            said = f"{about[clash]!r} is not the {clash} of {new.name} ({party_id}), {getattr(new, clash)!r}"
            self.sheet.problem(number, clash, said, "correct one of them")
        elif new != old:
            self.parties.add(new)
            self._make_known(number, new)
        return party_id

    def _make_known(self, number: int, party: Party) -> None:
        """A row for the party among those of the file, or what is new in it."""
        sheet, texts = self.mapped.parties, {column: getattr(party, column) or "" for column in _MADE}
        if party.party_id not in self.mapped.made:
            self.mapped.made[party.party_id] = Cells(sheet, number, {})
            sheet.rows.append(self.mapped.made[party.party_id])
        self.mapped.made[party.party_id].texts.update(texts)
