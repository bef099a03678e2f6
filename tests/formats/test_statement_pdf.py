"""The statement as PDF, read back by another program: every amount is there, in the same bytes each time, and no name is silently wrong."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from ritornello.domain.errors import Refused
from ritornello.formats.pdf_fonts import BASE, choose_fonts, list_fonts, needs_shaping
from ritornello.formats.statement_files import show_money
from ritornello.formats.statement_pdf import render_pdf

HEAD: dict[str, Any] = {
    "programme_title": "Terms & more",
    "licensor": "Licensor",
    "licensee": "Licensee",
    "first_day": date(2026, 10, 1),
    "last_day": date(2026, 10, 31),
    "known_at": datetime(2026, 11, 1, 9, tzinfo=UTC),
}


def sheet(name: str, lines: int, **more: str) -> dict[str, Any]:
    items = [
        {
            "line_id": f"{number:016x}",
            "title": f"Title {number}",
            "artist": name,
            "lane": "master",
            "income": "output_share",
            "basis": "attribution",
            "reason": "error_above_limit" if number % 7 == 0 else "rule",
            "model_version": "m",
            "territory": "DE",
            "withdrawn_from": None,
            "pool_units": "9876543210000",
            "weight": "1",
            "total_weight": "3",
            "share_percent": "33.333333",
            "amount_units": str(1_000_000 + number),
            **more,
        }
        for number in range(lines)
    ]
    total = sum(int(item["amount_units"]) for item in items)
    money = {
        f"{part}_units": "0"
        for part in ("opening", "net_costs", "recouped", "tax", "fee", "reserves_withheld", "reserves_released", "held_with_others")
    }
    ids = {"settlement_id": "p-2026-10", "party_id": "ana", "name": name, "currency": "EUR", "minor_digits": 2, "payable": True}
    rest: dict[str, Any] = {
        "corrects": None,
        "net_revenue_units": str(total),
        "paid_units": "0",
        "closing_units": str(total),
        "by_basis": {"attribution": str(total)},
        "by_terms": {"1": str(total)},
        "after_tail_units": "0",
        "notes": [],
    }
    return {**ids, **money, **rest, "lines": lines, "items": items}


def read(data: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def test_a_long_statement_keeps_every_line_its_heading_and_its_total() -> None:
    one = sheet("Ána Müller", 150)
    pages = read(render_pdf([one], **HEAD))
    assert len(pages) > 5
    amounts = [found for page in pages for found in re.findall(r"1\.0\d*$", page, re.MULTILINE)]
    assert sorted(amounts) == sorted(show_money(item["amount_units"], 2) for item in one["items"])
    assert all("Your share" in page for page in pages[:-1])
    text = "\n".join(pages)
    assert text.count(show_money(one["net_revenue_units"], 2)) >= 3, "net revenue, where it comes from, and the sum of the lines"
    assert {f"page {number}" in page for number, page in enumerate(pages, 1)} == {True}


def test_the_same_bytes_every_time() -> None:
    assert render_pdf([sheet("Ωμέγα Привет", 3)], **HEAD) == render_pdf([sheet("Ωμέγα Привет", 3)], **HEAD)


def test_names_in_many_scripts_are_drawn_and_others_are_spelled_out() -> None:
    names = ["Łódź Ñandú Việt", "Ελλάδα", "Українська", "שלום", "محمد", "हिन्दी", "ไทย", "Հայ", "ქართ"]
    assert choose_fonts(names).undrawable == frozenset()
    assert [needs_shaping(name) for name in names] == [False] * 3 + [True] * 4 + [False, True]
    text = "".join(read(render_pdf([sheet("東京 Tom", 1)], **HEAD)))
    assert "[U+6771][U+4EAC] Tom" in text and "no font here can draw" in text
    assert "no font here" not in "".join(read(render_pdf([sheet("Tom", 1)], **HEAD)))


def test_further_fonts_are_looked_into(tmp_path: Path) -> None:
    emoji = Path(str(files("manimgx_fonts"))) / "NotoEmoji[wght].ttf"
    assert choose_fonts(["\U0001f3b7"]).undrawable and not choose_fonts(["\U0001f3b7"], [emoji]).undrawable
    assert BASE not in {path.name for path in choose_fonts(["a"]).fallbacks}
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(Refused, match=r"broken\.ttf"):
        choose_fonts(["\U0001f3b7"], list_fonts(tmp_path))


def test_texts_of_any_length_and_numbers_of_any_width_are_whole() -> None:
    title = "W" * 300
    text = "".join("".join(read(render_pdf([sheet("A", 1, title=title, pool_units="123456789012345678901")], **HEAD))).split())
    assert title in text and show_money("123456789012345678901", 2) in text


def test_statements_come_as_pdf_too(settled: Path, run: Callable[..., str], tmp_path: Path) -> None:
    run("--home", settled, "statement", "p-2026-10", "--out", tmp_path / "statements")
    run("--home", settled, "statement", "p-2026-10", "--out", tmp_path / "again", "--fonts", tmp_path)
    run("--home", settled, "statement", "p-2026-10", "ana", "--out", tmp_path / "without", "--no-pdf")
    assert not list((tmp_path / "without").rglob("*.pdf"))
    for path in sorted((tmp_path / "statements" / "parties").glob("*.pdf")):
        assert path.read_bytes() == (tmp_path / "again" / "parties" / path.name).read_bytes()
        text = "".join(read(path.read_bytes()))
        for one in json.loads(path.with_suffix(".json").read_text()):
            assert show_money(one["closing_units"], one["minor_digits"]) in text
            assert all(item["line_id"] in text for item in one["items"])
