"""Content codes (ISCC) through the commands: computed once, kept, shown, found by code, unit or file, exported; and everything works without them."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import iscc_lib
import pytest
import soundfile

from ritornello.audio import iscc

Run = Callable[..., str]


def as_json(run: Run, *arguments: object, expect: int = 0) -> Any:
    return json.loads(run("--json", *arguments, expect=expect))


def test_the_library_is_the_standards(tmp_path: Path) -> None:
    """The standard's own vectors, as the library carries them; and one of ISO 24138's reference implementation by hand."""
    assert iscc_lib.conformance_selftest()
    (tmp_path / "f").write_bytes(b"\xff")
    found = iscc_lib.gen_sum_code_v0(str(tmp_path / "f"), add_units=True)["units"]
    assert found == [iscc_lib.gen_data_code_v0(b"\xff")["iscc"], iscc_lib.gen_instance_code_v0(b"\xff")["iscc"]]
    assert iscc_lib.gen_instance_code_v0(b"")["iscc"] == "ISCC:IAA26E2JXH27TING"  # BLAKE3 of nothing begins af1349b9f5f9a1a6


def test_codes_are_computed_kept_and_shown(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    assert "ISCC" not in run("--home", home, "catalogue", "show", "r1")
    answer = as_json(run, "--home", home, "catalogue", "iscc", "compute", "r1", "r5")
    assert (answer["computed"], answer["problems"]) == (3, [])
    assert answer["without_audio"] == (0 if iscc.hears() else 3)
    assert as_json(run, "--home", home, "catalogue", "iscc", "compute", "r1")["computed"] == 0
    assert as_json(run, "--home", home, "catalogue", "iscc", "compute")["computed"] == 4
    assert as_json(run, "--home", home, "catalogue", "iscc", "compute", "r1", "--again")["computed"] == 1
    (asset,) = as_json(run, "--home", home, "catalogue", "show", "r1")["assets"]
    assert asset["iscc"] in run("--home", home, "catalogue", "show", "r1")
    assert "unknown_recording" in run("--home", home, "catalogue", "iscc", "compute", "r9", expect=3)

    run("--home", home, "catalogue", "iscc", "export", "--out", tmp_path / "codes.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "codes.csv").read_text())))
    assert len(rows) == 7 and [row["iscc"] for row in rows if row["recording_id"] == "r1"] == [asset["iscc"]]

    (match,) = as_json(run, "--home", home, "catalogue", "iscc", "find", asset["iscc"], "--within", "0")
    assert (match["recording_id"], match["same_file"], match["data_bits"]) == ("r1", True, 0)
    file = catalogue_folder / "audio" / "one.flac"
    assert as_json(run, "--home", home, "catalogue", "iscc", "find", file)[0]["recording_id"] == "r1"
    assert as_json(run, "--home", home, "catalogue", "iscc", "find", rows[0]["instance"])[0]["same_file"]
    assert "the same file" in run("--home", home, "catalogue", "iscc", "find", rows[0]["instance"].lower())

    out = tmp_path / "policy.json"
    run("--home", home, "preferences", "export", "--programme", "p", "--as", "odrl", "--recording", "r1", "--out", out)
    said = as_json(run, "preferences", "read", out, "--as", "odrl")["preferences"]
    assert said[0]["subject"]["iscc"] == asset["iscc"]


def test_codes_leave_with_the_catalogue(home: Path, run: Run, tmp_path: Path) -> None:
    run("--home", home, "catalogue", "iscc", "compute", "r1")
    run("--home", home, "catalogue", "iscc", "export", "--out", tmp_path / "codes.csv")
    run("--home", home, "catalogue", "export", tmp_path / "out", "--audio")
    codes = {row["recording_id"]: row["iscc"] for row in csv.DictReader((tmp_path / "codes.csv").open(encoding="utf-8-sig"))}
    rows = list(csv.DictReader((tmp_path / "out" / "recordings.csv").open()))
    assert codes["r1"] and {row["iscc"] for row in rows if row["recording_id"] == "r1"} == {codes["r1"]}
    assert {row["iscc"] for row in rows if row["recording_id"] != "r1"} == {""}
    run("--home", tmp_path / "other", "init")
    run("--home", tmp_path / "other", "catalogue", "import", "--folder", tmp_path / "out")
    (tmp_path / "r.csv").write_text("recording_id,title,artist,iscc\nx1,A,Me,1189\n")
    assert "ISCC" in run("--home", tmp_path / "other", "catalogue", "import", "--recordings", tmp_path / "r.csv", expect=1)


def test_what_is_wrong_is_named(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    for text in ("ISCC:", "ISCC:GAA", "ISCC:1189", "ISCC:AAAAAAAAAAAAAAAA"):
        assert "ISCC" in run("--home", home, "catalogue", "iscc", "find", text, expect=1)
    assert "neither an ISCC" in run("--home", home, "catalogue", "iscc", "find", "nonsense", expect=2)
    (tmp_path / "x.wav").write_bytes(b"no sound")
    run("--home", home, "catalogue", "iscc", "find", tmp_path / "x.wav", expect=1 if iscc.hears() else 0)


def test_a_file_that_is_gone_or_changed_stops_no_other(home: Path, run: Run, tmp_path: Path) -> None:
    other, audio = tmp_path / "other", tmp_path / "audio"
    shutil.copytree(home, other)
    audio.mkdir()
    for number, name in enumerate(("a", "b", "c"), 1):
        soundfile.write(audio / f"{name}.wav", [0.1 * number] * 4000, 8000)
    (tmp_path / "r.csv").write_text("recording_id,file,title,artist\nx1,a.wav,A,Me\nx2,b.wav,B,Me\nx3,c.wav,C,Me\n")
    run("--home", other, "catalogue", "import", "--recordings", tmp_path / "r.csv", "--audio", audio)
    (audio / "a.wav").unlink()
    soundfile.write(audio / "b.wav", [0.5] * 4000, 8000)
    answer = as_json(run, "--home", other, "catalogue", "iscc", "compute", "x1", "x2", "x3", expect=1)
    assert {one["file"] for one in answer["problems"]} == {"a.wav", "b.wav"}
    assert (answer["computed"], answer["without_audio"]) == (1, 1), "half a second has no Audio-Code"


def test_without_the_extra_the_rest_works(home: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ritornello.service.content_codes.find_spec", lambda name: None)
    assert "ritornello[iscc]" in run("--home", home, "catalogue", "iscc", "compute", expect=3)
    run("--home", home, "catalogue", "show", "r1")
    run("--home", home, "catalogue", "iscc", "export", "--out", tmp_path / "codes.csv")


@pytest.mark.skipif(not iscc.hears(), reason="Chromaprint's library is not installed (Debian: libchromaprint1)")
def test_another_encoding_of_a_recording_is_found_by_its_sound(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    run("--home", home, "catalogue", "iscc", "compute")
    samples, rate = soundfile.read(catalogue_folder / "audio" / "three.flac")
    soundfile.write(tmp_path / "three.mp3", samples, rate)
    first = as_json(run, "--home", home, "catalogue", "iscc", "find", tmp_path / "three.mp3", "--within", "8")[0]
    assert (first["recording_id"], first["same_file"]) == ("r3", False) and first["audio_bits"] <= 4
