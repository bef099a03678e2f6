"""Excel workbooks: what cells hold, not how they are shown; and nothing that a hostile file can make grow."""

import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest

from ritornello.formats import workbook
from ritornello.formats.raw_table import read_raw


def save(path: Path, *rows: tuple[object, ...], sheets: tuple[str, ...] = ("Tracks",)) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_cells_are_read_as_what_they_hold(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.xlsx",
        ("UPC", "Day", "Share", "Name", "Flag"),
        (),
        (36000291452, datetime.date(2026, 1, 2), 0.335, "Bjo\u0308rk", True),
    )
    book = openpyxl.load_workbook(path)
    book.active["C3"].number_format = "0.00%"
    book.save(path)
    table = read_raw(path)
    assert table.problems == [] and table.form == "Excel, sheet 'Tracks'"
    assert table.rows[1] == (3, ["36000291452", "2026-01-02", "33.5%", "Bjo\u0308rk", "true"])  # numbered as Excel does: row 2 is blank


def test_a_sheet_must_be_named_where_several_have_rows(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", ("ISRC",), ("DEABC2600001",), sheets=("Tracks", "Old"))
    (problem,) = read_raw(path).problems
    assert "Tracks, Old" in problem.what
    assert len(read_raw(path, sheet_name="Old").rows) == 2
    assert "no visible sheet" in read_raw(path, sheet_name="New").problems[0].what


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(100), b"\xd0\xcf\x11\xe0" + bytes(600), b""])
def test_what_is_no_workbook(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    table = read_raw(tmp_path / "a.xlsx")
    assert len(table.problems) == 1 and not table.rows


def replace_part(source: Path, target: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, data if part.filename == name else old.read(part))
    return target


def test_entities_are_refused(tmp_path: Path) -> None:
    good = save(tmp_path / "good.xlsx", ("ISRC",), ("DEABC2600001",))
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><sst>&y;</sst>'
    for part in ("xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml"):
        table = read_raw(replace_part(good, tmp_path / "bad.xlsx", part, bomb))
        assert table.problems and not table.rows, part


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = save(tmp_path / "good.xlsx", ("ISRC",), ("DEABC2600001",))
    bomb = replace_part(good, tmp_path / "bomb.xlsx", "xl/worksheets/sheet1.xml", b"<a>" + b" " * 50_000_000 + b"</a>")
    assert bomb.stat().st_size < 200_000
    monkeypatch.setattr(workbook, "MAX_UNPACKED_BYTES", 10_000_000)
    (problem,) = read_raw(bomb).problems
    assert "unpacks to more than" in problem.what
