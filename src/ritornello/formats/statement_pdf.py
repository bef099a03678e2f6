"""A payee's statement as PDF: the same rows as the page, and the same bytes whenever it is written from the same settlement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date
from fpdf import FPDF

from ritornello.formats.division_words import describe_basis, describe_reason
from ritornello.formats.pdf_fonts import Fonts, choose_fonts, needs_shaping
from ritornello.formats.statement_files import describe_balance, list_balance, show_money, show_share

_INK, _SOFT, _RULE = (28, 27, 25), (103, 99, 91), (200, 195, 182)
_COLUMNS = (("Recording", 51), ("Right and why", 50), ("Pool", 25), ("Its part", 18), ("Your share", 21), ("Amount", 25))  # mm
_MARGIN, _LINE, _SMALL = 10, 4.6, 3.6  # mm
Row = Mapping[str, Any]


def render_pdf(
    sheets: Sequence[Row],
    *,
    programme_title: str,
    licensor: str,
    licensee: str,
    first_day: date,
    last_day: date,
    known_at: datetime,
    fonts: Sequence[Path] = (),
) -> bytes:
    """The statement as PDF. `known_at`: the moment the settlement speaks of; it becomes the document's date. `fonts`: further font files."""
    head = _Head(programme_title, licensor, licensee, f"{_day(first_day)} – {_day(last_day)}")
    chosen = choose_fonts(_texts(sheets, head), fonts)
    pdf = _Document(chosen, sheets[0], known_at)
    pdf.begin(sheets[0], head)
    for sheet in sheets:
        pdf.balance(sheet)
        pdf.lines(sheet)
    pdf.end(sheets[0], head)
    return bytes(pdf.output())


@dataclass(frozen=True, slots=True)
class _Head:
    programme_title: str
    licensor: str
    licensee: str
    days: str


class _Document(FPDF):  # type: ignore[misc]
    """Top-down: what is written next stands below; tables go on over pages, each with their heading."""

    def __init__(self, fonts: Fonts, sheet: Row, known_at: datetime) -> None:
        super().__init__(format="A4")
        self.fonts_chosen, self.running = fonts, f"{sheet['name']} · {sheet['settlement_id']}"
        self.set_creation_date(known_at)
        self.set_title(f"Statement {sheet['settlement_id']} {sheet['party_id']}")
        self.set_lang("en")
        self.set_margins(_MARGIN, 12)
        self.set_auto_page_break(True, 16)
        fonts.load_into(self)

    def footer(self) -> None:
        self.set_y(-12)
        self._style(7, _SOFT)
        self._put(150, _SMALL, self.running)
        self._put(0, _SMALL, f"page {self.page_no()}", align="R")

    def begin(self, sheet: Row, head: _Head) -> None:
        self.add_page()
        self._style(18, _INK)
        self._paragraph(sheet["name"], 8)
        self._style(9.5, _SOFT)
        self._paragraph(f"Statement for {head.days} · {head.programme_title}", _LINE)
        self._paragraph(f"from {head.licensor}, for the use of recordings by {head.licensee}", _LINE)

    def balance(self, sheet: Row) -> None:
        """The amount, and how opening becomes closing."""
        digits, currency = sheet["minor_digits"], sheet["currency"]
        self.ln(4)
        self._style(20, _INK)
        amount, what, then = describe_balance(sheet)
        self._paragraph(f"{amount} {what}", 9)
        self._style(9.5, _SOFT)
        if then:
            self._paragraph(then, _LINE)
        self._title("Your balance")
        for label, shown in list_balance(sheet):
            self._entry(label, shown)
        self._entry("Closing balance", f"{show_money(sheet['closing_units'], digits)} {currency}", _INK)
        if sheet["held_with_others_units"] != "0":
            self.ln(1.5)
            self._style(9.5, _INK)
            held = show_money(sheet["held_with_others_units"], digits)
            self._paragraph(
                f"{held} {currency} is held on recordings on which you have a claim, because the claims of all owners don’t total 100 %. "
                "It is nobody’s yet. It is paid when the owners agree.",
                _LINE,
            )
        if sheet["after_tail_units"] != "0":
            self.ln(1.5)
            self._style(9.5, _INK)
            earned = show_money(sheet["after_tail_units"], digits)
            self._paragraph(
                f"{earned} {currency} was earned by models after the tail of a withdrawal: consent was withdrawn, and the days that the terms "
                "leave a trained model are over. The money is owed all the same; whether the use may go on is another question: ask.",
                _LINE,
            )
        self._title("Where it comes from")
        for basis, units in sorted(sheet["by_basis"].items()):
            self._entry(describe_basis(basis).capitalize(), show_money(units, digits))
        for version, units in sorted(sheet["by_terms"].items()) if len(sheet["by_terms"]) > 1 else ():
            self._entry(f"  of this: under version {version} of the terms", show_money(units, digits))
        if sheet["notes"]:
            self.ln(1.5)
            self._style(8, _SOFT)
            for note in sheet["notes"]:
                self._paragraph(f"{note}.", _SMALL)

    def lines(self, sheet: Row) -> None:
        """Every line, and their sum."""
        digits = sheet["minor_digits"]
        self._title(f"Every line ({sheet['currency']})")
        self._style(8, _SOFT)
        self._paragraph("Amount = pool × (weight of the recording ÷ total weight) × your share.", _SMALL)
        self._heading()
        for item in sheet["items"]:
            self._line(item, digits, len(sheet["by_terms"]) > 1)
        total = sum(int(item["amount_units"]) for item in sheet["items"])
        self._style(8.5, _INK)
        self._put(150, 6, f"{len(sheet['items'])} lines")
        self._put(0, 6, show_money(total, digits), align="R")
        self.ln(6)

    def end(self, sheet: Row, head: _Head) -> None:
        self._title("Check it yourself")
        self._style(9, _INK)
        self._paragraph(
            f"Ask {head.licensor} for the bundle of {sheet['settlement_id']}. With nothing but Python, ritornello-verify BUNDLE recomputes every "
            "amount here, and ritornello explain LINE --folder BUNDLE walks one line back to its pool, weight, claim, consent, snapshot and revenue row.",
            _LINE,
        )
        if self.fonts_chosen.undrawable:
            self.ln(2)
            self._paragraph(
                "[U+…] stands for a character that no font here can draw, by its Unicode number; the same statement as a page, JSON and CSV has it.",
                _LINE,
            )

    def _heading(self) -> None:
        self._style(8, _SOFT)
        for place, (name, width) in enumerate(_COLUMNS):
            self._put(width, 5.5, name, align="L" if place < 2 else "R")
        self.ln(5.5)
        self._rule()

    def _line(self, item: Row, digits: int, several: bool) -> None:
        """One line in small print, never parted by a page break: two columns of texts, four numbers."""
        self._style(8, _INK)
        texts = [
            [row for text in group for row in self._wrap(text, width - 3)]
            for group, (_, width) in zip(((item["title"], item["artist"], item["line_id"]), _why(item, several)), _COLUMNS, strict=False)
        ]
        height = _SMALL * max(map(len, texts)) + 1.6
        if self.will_page_break(height):
            self.add_page()
            self._heading()
        top, left = self.get_y() + 0.8, float(self.l_margin)
        for rows, (_, width) in zip(texts, _COLUMNS, strict=False):
            for number, text in enumerate(rows):
                self._style(8, _SOFT if number else _INK)
                self.set_xy(left, top + number * _SMALL)
                self._put(width, _SMALL, text)
            left += width
        numbers = (
            show_money(item["pool_units"], digits),
            show_share(item["weight"], item["total_weight"]),
            f"{item['share_percent']} %",
            show_money(item["amount_units"], digits),
        )
        for text, (_, width) in zip(numbers, _COLUMNS[2:], strict=True):
            self.set_xy(left, top)
            self._put_number(width, text)
            left += width
        self.set_xy(self.l_margin, top - 0.8 + height)
        self._rule()

    def _wrap(self, text: str, width: float) -> Iterator[str]:
        """The text in rows of at most a width, broken between words where it can be; nothing for an empty one."""
        row = ""
        for word in self.fonts_chosen.drawable(text).split():
            longer = f"{row} {word}".lstrip()
            if self._width(longer) <= width:
                row = longer
                continue
            if row:
                yield row
            row = word
            while self._width(row) > width:
                cut = next(end for end in range(len(row) - 1, 0, -1) if end == 1 or self._width(row[:end]) <= width)
                yield row[:cut]
                row = row[cut:]
        if row:
            yield row

    def _put_number(self, width: float, text: str) -> None:
        """A number is never cut: one that is too wide is written smaller."""
        size = 8.0
        self._style(size, _INK)
        while self._width(text) > width - 2 and size > 3:
            size -= 0.5
            self._style(size, _INK)
        self._put(width, _SMALL, text, align="R")

    def _entry(self, label: str, amount: str, colour: tuple[int, int, int] = _SOFT) -> None:
        self._style(9.5, colour)
        self._put(130, 5.4, label)
        self._put(0, 5.4, amount, align="R")
        self.ln(5.4)
        self._rule()

    def _title(self, text: str) -> None:
        if self.will_page_break(24):
            self.add_page()
        self.ln(4)
        self._style(12, _INK)
        self._paragraph(text, 6.5)

    def _paragraph(self, text: str, height: float) -> None:
        for row in self._wrap(text, self.epw):
            self._put(0, height, row)
            self.ln(height)

    def _put(self, width: float, height: float, text: str, *, align: str = "L") -> None:
        """One row of text; the pen moves to its right."""
        text = self.fonts_chosen.drawable(text)
        self.set_text_shaping(needs_shaping(text))
        self.cell(width, height, text, align=align)

    def _width(self, text: str) -> float:
        self.set_text_shaping(needs_shaping(text))
        return float(self.get_string_width(text))

    def _rule(self) -> None:
        self.set_draw_color(*_RULE)
        self.set_line_width(0.15)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())

    def _style(self, size: float, colour: tuple[int, int, int]) -> None:
        self.set_font("text", "", size)
        self.set_text_color(*colour)


def _why(item: Row, several: bool) -> Iterator[str]:
    """Right, reason and income of a line in up to three rows; the version of the terms where there are several."""
    terms = f", terms version {item['terms_version']}" if several else ""
    yield f"{item['lane']} · {item['income'].replace('_', ' ')}{terms}"
    yield describe_basis(item["basis"])
    more = [text for text, shown in ((item["model_version"], "*"), (item["territory"], "WW")) if text != shown]
    if item["reason"] not in {"rule", "unattributed"}:
        more.append(describe_reason(item))
    if item["withdrawn_from"]:
        more.append(f"consent withdrawn from {item['withdrawn_from']}")
    yield ", ".join(more)


def _texts(sheets: Sequence[Row], head: _Head) -> Iterator[str]:
    """Every text of others that the document shows."""
    yield from (head.programme_title, head.licensor, head.licensee)
    for sheet in sheets:
        yield sheet["name"]
        for item in sheet["items"]:
            yield from (item["title"], item["artist"], item["model_version"], item["income"])


def _day(day: date) -> str:
    return format_date(day, "d MMMM y", locale="en")
