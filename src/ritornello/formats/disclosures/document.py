"""A disclosure as a record: sections of items, each answered, or not applicable for a reason that it states; and what it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from ritornello.formats.canonical import encode_document

DISCLOSURE_FORMAT = "ritornello-disclosure-1"
RECORDS, PROVIDER, BOTH = "records", "provider", "both"  # whose word an answer is


@dataclass(frozen=True, slots=True)
class Grid:
    """An answer in rows and columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Answer = str | tuple[str, ...] | Grid


@dataclass(frozen=True, slots=True)
class Item:
    """One thing asked. Exactly one of `answer` and `reason` (why it is not applicable) is there: nothing stays blank."""

    number: str
    asked: str
    answer: Answer | None = None
    basis: str | None = None  # RECORDS, PROVIDER or BOTH
    reason: str | None = None
    files: tuple[str, ...] = ()  # beside the disclosure, which show it

    def __post_init__(self) -> None:
        assert bool(self.answer) != bool(self.reason), f"item {self.number} is neither answered nor not applicable for a reason"
        assert bool(self.answer) == (self.basis is not None), f"item {self.number} does not say whose word it is"


@dataclass(frozen=True, slots=True)
class Section:
    """Items under one heading."""

    number: str
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The text that asks."""

    law: str
    section: str
    version: str  # of the law or template that the items follow


@dataclass(frozen=True, slots=True)
class Evidence:
    """An artefact that a disclosure rests on. `hash` is what the log's entry holds, `log_index` where it stands."""

    kind: str
    id: str
    hash: str
    log_index: int


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file beside the disclosure. `hash` is that of docs/formats/conventions.md; `logged` is the log's entry with this hash, if there is one."""

    path: str
    hash: str
    logged: Evidence | None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Everything that is handed over, before it is written for people or programs."""

    kind: str
    title: str
    source: Source
    made_on: date
    subject: tuple[str, ...]  # model versions, or the owner
    summary: str  # one paragraph in plain words
    sections: tuple[Section, ...]
    totals: Mapping[str, Any]
    evidence: tuple[Evidence, ...]
    works: tuple[Mapping[str, Any], ...] = field(default=())  # of the notices that go work by work
    files: tuple[Enclosed, ...] = field(default=())
    provider_sha256: str | None = None  # of the file that holds the provider's statements

    def count(self) -> tuple[int, int]:
        """(items answered, items not applicable)."""
        items = [item for section in self.sections for item in section.items]
        answered = sum(item.answer is not None for item in items)
        return answered, len(items) - answered


def yes_no(value: bool) -> str:
    return "Yes" if value else "No"


def optional(number: str, asked: str, text: str | None) -> Item:
    """An item that the provider may leave out."""
    return Item(number, asked, text, PROVIDER) if text else Item(number, asked, reason="optional; the provider adds nothing")


def encode_disclosure(disclosure: Disclosure) -> bytes:
    """The canonical JSON document (docs/formats/disclosures.md)."""
    return encode_document(
        {
            "format": DISCLOSURE_FORMAT,
            "kind": disclosure.kind,
            "title": disclosure.title,
            "source": asdict(disclosure.source),
            "made_on": disclosure.made_on.isoformat(),
            "subject": list(disclosure.subject),
            "summary": disclosure.summary,
            "sections": [
                {"number": section.number, "title": section.title, "items": [_item(item) for item in section.items]}
                for section in disclosure.sections
            ],
            "totals": dict(disclosure.totals),
            "provider_sha256": disclosure.provider_sha256,
            "evidence": [asdict(one) for one in disclosure.evidence],
            "works": [dict(work) for work in disclosure.works],
            "files": [asdict(file) for file in disclosure.files],
        }
    )


def _item(item: Item) -> dict[str, Any]:
    answer: Any = item.answer
    if isinstance(answer, Grid):
        answer = {"columns": list(answer.columns), "rows": [list(row) for row in answer.rows]}
    elif isinstance(answer, tuple):
        answer = list(answer)
    return {
        "number": item.number,
        "asked": item.asked,
        "answer": answer,
        "basis": item.basis,
        "not_applicable": item.reason,
        "files": list(item.files),
    }


def hours(duration_ms: int) -> str:
    """Milliseconds as hours with two decimals, or as seconds below a hundredth of an hour."""
    hundredths = duration_ms // 36_000
    return f"{hundredths // 100}.{hundredths % 100:02d} h" if hundredths else f"{seconds(duration_ms)} s"


def seconds(duration_ms: int) -> str:
    """Milliseconds as seconds with three decimals: exact."""
    return f"{duration_ms // 1000}.{duration_ms % 1000:03d}"


def count_of(number: int, noun: str) -> str:
    """`1 recording`, `2 recordings`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def join(words: Iterable[str]) -> str:
    """`a, b and c`."""
    listed: Sequence[str] = list(words)
    return " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1]))) if listed else ""
