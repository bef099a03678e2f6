"""A mapping: which of somebody's columns say what ours ask. Format: docs/formats/mapping.md; read and written by `mapping_toml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PARTY_COLUMNS = ("party_id", "name", "kind", "ipi", "isni", "dpid", "country", "payout_account")
TABLES: dict[str, tuple[str, ...]] = {
    "parties": PARTY_COLUMNS,
    "recordings": ("recording_id", "file", "kind", "label", "isrc", "title", "artist", "work_id", "work_title", "iswc", "iscc"),
    "releases": ("release_id", "barcode", "title", "disc", "track", "recording_id"),
    "contributions": ("recording_id", "party_id", "role"),
    "claims": ("subject", "lane", "party_id", "share_percent", "territory", "valid_from", "valid_to"),
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "parties": ("party_id", "name", "kind"),
    "recordings": ("recording_id",),
    "releases": ("track", "recording_id"),
    "contributions": ("recording_id", "party_id", "role"),
    "claims": ("subject", "lane", "party_id", "share_percent"),
}
# What a section may also say about the party that it names.
ABOUT_PARTY = ("ipi", "isni", "dpid", "country")
MAKES = ("id", "party", "recording", "work")
UNITS = ("percent", "fraction", "ppm")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the cells of one of our columns come from: their columns, or one value for all rows."""

    columns: tuple[str, ...] = ()
    template: str | None = None  # "{Title}[ ({Version})]": a part in brackets is left out when a column in it is empty
    value: str | None = None
    split: tuple[str, ...] = ()  # several values in one cell, between any of these marks
    values: Mapping[str, str] = field(default_factory=dict)  # their word → ours
    dates: str | None = None  # "DD.MM.YYYY", or "excel"
    unit: str = "percent"
    make: str | None = None  # an identifier of ours is made of it
    kind: str = "person"  # of a party that is made

    def say(self) -> str:
        """Where it comes from, for people."""
        return self.template or (f"always {self.value!r}" if self.value is not None else " or ".join(self.columns))


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one of our tables: at most one per row of the file, or one for each value of a cell that is split."""

    table: str
    origins: Mapping[str, Origin]


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What a file's columns mean, and how the file is written."""

    sections: tuple[Section, ...]
    ignore: tuple[str, ...] = ()  # columns that are left out on purpose
    header_row: int | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None

    def columns(self) -> set[str]:
        """Every column of theirs that is spoken of."""
        return {name for section in self.sections for origin in section.origins.values() for name in origin.columns} | set(self.ignore)


def parse_template(template: str) -> list[tuple[bool, list[tuple[bool, str]]]]:
    """A template as parts: (optional, [(is a column, text)]). Raises ValueError when brackets don't match."""
    parts: list[tuple[bool, list[tuple[bool, str]]]] = [(False, [])]
    text, at = "", 0

    def flush() -> None:
        nonlocal text
        if text:
            parts[-1][1].append((False, text))
        text = ""

    while at < len(template):
        mark = template[at]
        if mark == "{":
            end = template.find("}", at)
            if end < 0:
                raise ValueError(f"{template!r} has a {{ without }}")
            flush()
            parts[-1][1].append((True, template[at + 1 : end]))
            at = end
        elif mark == "[" and not parts[-1][0]:
            flush()
            parts.append((True, []))
        elif mark == "]" and parts[-1][0]:
            flush()
            parts.append((False, []))
        elif mark in "[]}":
            raise ValueError(f"{template!r} has a {mark} that belongs to nothing")
        else:
            text += mark
        at += 1
    flush()
    if parts[-1][0]:
        raise ValueError(f"{template!r} has a [ without ]")
    return [part for part in parts if part[1]]
