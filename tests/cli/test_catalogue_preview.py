"""A distributor's tables come in: looked at, corrected, imported, and an update shows what it changes."""

import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import soundfile

from tests.conftest import RATE_HZ, tune

Run = Callable[..., str]

TRACKS = """Catalogue export 2026
Track ISRC;Track Title;Mix;Track Artist;Composers;UPC;Album;Track No;ISWC;Audio File;Genre
de-abc-26-00001;One;;Bjo\u0308rk Example;Bj\u00f6rk Example; 36000291452;All;1;T-034.524.680-1;one.flac;Pop
DEABC2600002;Two;Live;Ben Example;Ben Example;36000291452;All;2;;two\u0308.flac;Pop
"""


@pytest.fixture
def empty(tmp_path: Path, run: Run) -> Path:
    run("--home", tmp_path / "empty", "init")
    return tmp_path / "empty"


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    (tmp_path / "audio").mkdir()
    for seed, name in enumerate(("one.flac", "twü.flac"), 1):  # composed on the disk, not in the table
        soundfile.write(tmp_path / "audio" / name, tune(seed, 1.0), RATE_HZ, subtype="PCM_16")
    (tmp_path / "tracks.csv").write_text(TRACKS.replace("two\u0308", "twu\u0308"), encoding="utf-8-sig")
    return tmp_path / "tracks.csv"


def preview(run: Run, home: Path, *arguments: object, expect: int = 0) -> dict:
    return json.loads(run("--home", home, "--json", "catalogue", "preview", *arguments, expect=expect))


def names(found: dict, kind: str, new: bool) -> list[str]:
    return [change["name"] for change in found["changes"] if change["kind"] == kind and change["new"] is new]


def test_from_a_foreign_table_to_the_catalogue_and_an_update(run: Run, empty: Path, tracks: Path, tmp_path: Path) -> None:
    first = preview(run, empty, tracks, "--audio", tmp_path / "audio", "--write-mapping", tmp_path / "m.toml")
    assert first["problems"] == [] and first["files"][0]["not_taken"] == ["Genre"]
    assert names(first, "recording", True) == ["DEABC2600001", "DEABC2600002"] and len(names(first, "file", True)) == 2
    assert {repair["reason"] for repair in first["files"][0]["repairs"]} >= {
        "leading zeros put back (the check digit fits)", "accents composed (NFD to NFC)", "written without separators, in capitals",
    }  # fmt: skip
    assert json.loads(run("--home", empty, "--json", "catalogue", "show")) == []  # a preview writes nothing
    shown = run("--home", empty, "catalogue", "preview", tracks, "--mapping", tmp_path / "m.toml", "--audio", tmp_path / "audio")
    assert "would be new: " in shown and "2 recordings" in shown
    run("--home", empty, "catalogue", "import", tracks, "--mapping", tmp_path / "m.toml", "--audio", tmp_path / "audio")
    found = json.loads(run("--home", empty, "--json", "catalogue", "show", "DEABC2600002"))
    assert found["recording"]["title"] == "Two (Live)" and len(found["assets"]) == 1
    assert "barcode 036000291452  2 tracks" in run("--home", empty, "catalogue", "releases")

    again = preview(run, empty, tracks, "--mapping", tmp_path / "m.toml", "--audio", tmp_path / "audio")
    assert again["changes"] == [] and again["unchanged"]["recording"] == 2
    tracks.write_text(tracks.read_text(encoding="utf-8-sig").replace("Two;Live", "Two;Live at home"), encoding="utf-8")
    (change,) = preview(run, empty, tracks, "--mapping", tmp_path / "m.toml", "--audio", tmp_path / "audio")["changes"]
    assert change["fields"] == {"title": ["Two (Live)", "Two (Live at home)"]} and not change["new"]
    shown = run("--home", empty, "catalogue", "preview", tracks, "--mapping", tmp_path / "m.toml", expect=1)  # without the audio folder
    assert "title 'Two (Live)' → 'Two (Live at home)'" in shown and "name the audio folder" in shown


def test_a_workbook_of_shares_with_every_problem_in_its_place(run: Run, empty: Path, tracks: Path, tmp_path: Path) -> None:
    preview(run, empty, tracks, "--write-mapping", tmp_path / "m.toml", "--audio", tmp_path / "audio")
    run("--home", empty, "catalogue", "import", tracks, "--mapping", tmp_path / "m.toml", "--audio", tmp_path / "audio")
    book = openpyxl.Workbook()
    for row in (
        ("ISRC", "Payee", "Share", "Start Date"),
        ("DEABC2600001", "Ben Example; North Records", "0.6; 0.4", "31/12/2020"),
        ("DEABC2600009", "Ben Example", "1", "15/01/2021"),  # no such recording
        ("DEABC2600002", "Ben Example", "1.2", "30/02/2021"),  # too much, and no such day
        ("DEABC2600002", "Ben Example", "#N/A", "15/01/2021"),
    ):
        book.active.append(row)
    book.save(tmp_path / "splits.xlsx")
    (tmp_path / "s.toml").write_text(
        """format = "ritornello-mapping-1"
[[claims]]
subject = { from = "ISRC", make = "recording" }
lane = { value = "master" }
party_id = { from = "Payee", split = ";", make = "party" }
share_percent = { from = "Share", split = ";", unit = "fraction" }
valid_from = { from = "Start Date", dates = "DD/MM/YYYY" }
"""
    )
    found = preview(run, empty, tmp_path / "splits.xlsx", "--mapping", tmp_path / "s.toml", expect=1)
    places = {(problem["file"], problem["row"], problem["field"]) for problem in found["problems"]}
    assert places == {
        ("splits.xlsx", 3, "subject (from ISRC)"),
        ("splits.xlsx", 4, "share_percent (from Share)"),
        ("splits.xlsx", 4, "valid_from (from Start Date)"),
        ("splits.xlsx", 5, "share_percent (from Share)"),
    }
    assert len(names(found, "claim", True)) == 3 and len(names(found, "party", True)) == 1
    answer = run("--home", empty, "catalogue", "import", tmp_path / "splits.xlsx", "--mapping", tmp_path / "s.toml", expect=1)
    assert "4 problem(s); nothing was taken." in answer


def test_files_in_our_own_columns_are_previewed_as_they_are(run: Run, home: Path, catalogue_folder: Path) -> None:
    files = [catalogue_folder / name for name in ("parties.csv", "claims.csv")]
    found = preview(run, home, *files)
    assert [one["table"] for one in found["files"]] == ["parties", "claims"]
    assert found["changes"] == [] and found["unchanged"]["claim"] == 16


@pytest.mark.parametrize("arguments", [["FILE"], ["--mapping", "m.toml"], ["FILE", "--mapping", "m.toml", "--parties", "FILE"]])
def test_files_and_mapping_go_together(run: Run, empty: Path, tracks: Path, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "m.toml").write_text('format = "ritornello-mapping-1"\n[[recordings]]\nrecording_id = "Track ISRC"\n')
    places = {"FILE": tracks, "m.toml": tmp_path / "m.toml"}
    run("--home", empty, "catalogue", "import", *(places.get(one, one) for one in arguments), expect=2)


def test_a_table_that_nothing_is_known_of(run: Run, empty: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("foo,bar\n1,2\n")
    found = preview(run, empty, tmp_path / "x.csv", expect=1)
    assert "nothing can be proposed" in found["problems"][0]["what"]
