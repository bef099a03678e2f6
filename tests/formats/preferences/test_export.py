"""Today's consent for others' machines, through the commands: everyone, or nobody; for the licensee, under the terms, as long as it is known to hold."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ritornello.cli.frame import Frame
from ritornello.cli.preferences import preferences
from ritornello.domain.catalogue import Asset, Recording
from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import BadInput, Refused
from ritornello.domain.preference import NO, YES
from ritornello.formats.preferences.convert import FORMATS, read
from ritornello.service import preferences as service

Run = Callable[..., str]


def call(home: Path, *arguments: object, as_json: bool = True) -> Any:
    done = CliRunner().invoke(preferences, [str(one) for one in arguments], obj=Frame(home, None, as_json, True), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output) if as_json else done.output


def test_what_everyone_granted_is_allowed_to_the_licensee(home: Path, run: Run, tmp_path: Path) -> None:
    run("--home", home, "consent", "withdraw", "--programme", "p", "--party", "ben", "--recording", "r3")
    out = tmp_path / "policy.json"
    answer = call(home, "export", "--programme", "p", "--as", "odrl", "--out", out)
    assert (answer["subjects"], answer["permitted"], answer["losses"]) == (7, 3, [])
    found = {one.subject.recording_id: one for one in read("odrl", out.read_bytes(), "policy.json")[0]}
    today = datetime.now(UTC).date()
    limits = found["r1"].says("ai_training").constraint
    assert limits and (limits.licensee, limits.valid_from, str(limits.valid_to)) == ("Licensee", today, "2099-12-31")
    limits = found["r3"].says("ai_training").constraint
    assert limits and limits.valid_to == today + timedelta(days=29) and limits.terms_sha256
    assert found["r1"].says("voice_model").use == found["r6"].says("ai_training").use == "notAllowed"
    assert found[None].subject.asset_id and found[None].says("ai_training").use == "notAllowed"  # the stem, under its own name only


def test_every_format_permits_at_most_that(home: Path, tmp_path: Path) -> None:
    for form in FORMATS:
        out, extra = (
            tmp_path / form,
            ["--location", "/audio/{recording_id}.flac"] if form in {"rsl", "aipref-robots", "tdmrep-json"} else [],
        )
        if form in {"ddex", "isrc-csv"}:
            with pytest.raises(Refused, match="can't name"):  # this catalogue has no ISRC
                call(home, "export", "--programme", "p", "--as", form, "--out", out)
        else:
            call(home, "export", "--programme", "p", "--as", form, "--recording", "r1", *extra, "--out", out)
            back = call(home, "read", out, "--as", form)
            uses = {one["use"] for record in back["preferences"] for one in record["statements"].values()}
            assert uses <= ({"constrained", "notAllowed"} if form in {"cawg", "c2pa", "odrl"} else {"notAllowed", "silent"})


def test_one_file_holds_one_assertion(home: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not of 7"):
        call(home, "export", "--programme", "p", "--as", "cawg", "--out", tmp_path / "x")
    with pytest.raises(Refused, match="no asset"):
        call(home, "export", "--programme", "p", "--as", "cawg", "--asset", "x", "--out", tmp_path / "x")
    with pytest.raises(BadInput, match="neither a URL"):
        call(home, "export", "--programme", "p", "--as", "rsl", "--location", "audio", "--out", tmp_path / "x")


def test_reading_and_converting_in_plain_words(home: Path, tmp_path: Path) -> None:
    header, terms = tmp_path / "header.txt", tmp_path / "terms.csv"
    header.write_text("Content-Usage: train-ai=y, search=y\n")
    told = call(home, "read", header, "--as", "aipref-header", as_json=False)
    assert "ai_generative_training   is allowed" in told and "lost: `search=y`" in told
    told = call(
        home,
        "convert",
        header,
        "--from",
        "aipref-header",
        "--to",
        "isrc-csv",
        "--subject",
        "isrc=DEABC2600001",
        "--out",
        terms,
        as_json=False,
    )
    assert "lost: `search=y`" in told
    assert terms.read_text().splitlines()[1].startswith("DEABC2600001,,,,,ai_generative_training,allowed")
    with pytest.raises(Refused):
        call(home, "convert", header, "--from", "aipref-header", "--to", "isrc-csv", "--out", terms)
    assert CliRunner().invoke(preferences, ["read", str(header), "--as", "cawg", "--subject", "isrc=1"]).exit_code == 2


def test_lists_by_isrc_and_deals(home: Path, tmp_path: Path) -> None:
    with sqlite3.connect(home / "ritornello.db") as database:
        database.execute("UPDATE recording SET isrc = 'DEABC26000' || printf('%02d', substr(recording_id, 2))")
    out = tmp_path / "out"
    answer = call(home, "export", "--programme", "p", "--as", "isrc-csv", "--out", out)
    allowed = {line.split(",")[0] for line in out.read_text().splitlines() if ",constrained," in line}
    assert allowed == {"DEABC2600001", "DEABC2600002", "DEABC2600003"}
    assert [loss["kind"] for loss in answer["losses"]] == ["record"]  # the stem has no ISRC
    call(home, "export", "--programme", "p", "--as", "ddex", "--recording", "r2", "--location", "/x/{isrc}", "--out", out)
    (record,) = read("ddex", out.read_bytes(), "out")[0]
    limits = record.says("ai_training").constraint
    assert limits and limits.licensee == "Licensee" and limits.terms_sha256


def test_two_files_of_a_recording_bear_its_name_together() -> None:
    files = [Asset(f"sha256:{digit * 64}", "r1", "recording", "", "f", 1, 1) for digit in "12"]
    said = {files[0].asset_id: dict.fromkeys(PURPOSES, YES), files[1].asset_id: dict.fromkeys(PURPOSES, NO)}
    found = service._name(files, {"r1": Recording("r1", "T", "A", "DEABC2600001")}, {}, said, "/a/{asset_id}")
    assert [(one.subject.recording_id, one.says("ai_training")) for one in found] == [("r1", NO), (None, YES), (None, NO)]
    assert found[0].subject.asset_id is None and found[1].subject.location == f"/a/{files[0].asset_id}"
