"""Releases from messy spreadsheets, and shorthands that expand and say so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., str]
UPC = "036000291452"
RELEASES = f"""barcode;title;track;recording_id
{UPC};Album One;2;r1
{UPC};;1;r5
{UPC};;3;r2
"""


@pytest.fixture
def released(home: Path, run: Run, tmp_path: Path) -> Path:
    """The small world with one release of r5, r1, r2, in this order."""
    (tmp_path / "releases.csv").write_text(RELEASES)
    run("--home", home, "catalogue", "import", "--releases", tmp_path / "releases.csv")
    return home


def test_tracks_keep_their_order_and_a_second_import_replaces_them(released: Path, run: Run, tmp_path: Path) -> None:
    show = ("--home", released, "--json", "catalogue", "releases")
    (one,) = json.loads(run(*show, f"0{UPC}"))
    assert [track["recording_id"] for track in one["tracks"]] == ["r5", "r1", "r2"]
    assert (one["release_id"], one["title"]) == (UPC, "Album One")
    (tmp_path / "more.csv").write_text(f"Release ID,Track,Recording ID\n{UPC},1,r5\n{UPC},2,r6\n")
    answer = json.loads(run("--home", released, "--json", "catalogue", "import", "--releases", tmp_path / "more.csv"))
    assert any("r6: decisions made for the release before don't cover them" in note for note in answer["notes"])
    (one,) = json.loads(run(*show))
    assert ([track["recording_id"] for track in one["tracks"]], one["title"], one["barcode"]) == (["r5", "r6"], "Album One", UPC)
    assert "unknown_release" in run("--home", released, "catalogue", "releases", "nothing", expect=3)


def test_every_mistake_of_a_releases_sheet_is_named_at_once(home: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "releases.csv").write_text(
        "release_id,barcode,title,disc,track,recording_id\n"
        "a,36000291452,A,1,1,r1\n"  # the spreadsheet dropped the zero
        "b,3.6E+11,B,1,1,r1\n"
        "c,,C,1,1,r1\n"
        "c,,C,1,1,r2\n"  # a place twice
        "d,,D,1,0,r1\n"
        "e,,E,1,1,r99\n"
        "f,,,1,1,r1\n"  # no title
        ",,G,1,1,r1\n"  # no name
        f"h,{UPC},H,1,1,r1\n"
        f"i,{UPC},I,1,1,r1\n"  # one barcode for two
        "j,,J,1,1,r1\n"
        "j,,Jay,1,2,r2\n"  # two titles
    )
    answer = json.loads(run("--home", home, "--json", "catalogue", "import", "--releases", tmp_path / "releases.csv", expect=1))
    found = {(problem["row"], problem["field"]) for problem in answer["problems"]}
    places = [(2, "barcode"), (3, "barcode"), (5, "track"), (6, "track"), (7, "recording_id")]
    assert found == {*places, (8, "title"), (9, "release_id"), (11, "barcode"), (13, "title")}
    assert "dropped zeros" in answer["problems"][0]["what"]
    assert json.loads(run("--home", home, "--json", "catalogue", "releases")) == []


def decide(run: Run, home: Path, verb: str, party: str, subject: str, *options: object, expect: int = 0) -> str:
    command = ("--home", home, "--json", "consent", verb, "--programme", "p", "--party", party, "--subject", subject)
    return run(*command, *options, expect=expect)


def test_a_release_is_previewed_confirmed_and_never_grows(released: Path, run: Run, tmp_path: Path) -> None:
    assert "say --kind" in decide(run, released, "grant", "cleo", f"release:{UPC}", expect=2)
    preview = json.loads(decide(run, released, "grant", "cleo", f"release:{UPC}", "--kind", "recording", "--kind", "stem"))
    whole, stems = preview["expansions"]
    assert [asset["recording_id"] for asset in whole["assets"]] == ["r5", "r1", "r2"], "in track order"
    assert ([asset["label"] for asset in stems["assets"]], stems["recordings_without"]) == (["voice"], ["r1", "r2"])
    assert preview["decisions"] == {"grant": 4}
    assert whole["recordings_without_claim"] == ["r1", "r2"]
    assert not [event for event in history(run, released, "r5") if event["party_id"] == "cleo"], "a preview records nothing"
    assert "not_confirmed" in decide(
        run, released, "grant", "cleo", f"release:{UPC}", "--kind", "recording", "--confirm", preview["token"], expect=3
    )

    both = ("--kind", "recording", "--kind", "stem")
    answer = json.loads(decide(run, released, "grant", "cleo", f"release:{UPC}", *both, "--confirm", preview["token"]))
    assert len(answer["events"]) == 4
    event = answer["events"][0]
    assert event["channel"] == f"command line (release:{UPC})"
    run("--home", released, "consent", "evidence", event["event_id"], "--out", tmp_path / "evidence.json")
    kept = json.loads((tmp_path / "evidence.json").read_text())
    assert (kept["subject"], kept["kind"], [asset["recording_id"] for asset in kept["assets"]]) == (
        f"release:{UPC}",
        "recording",
        ["r5", "r1", "r2"],
    )

    (tmp_path / "more.csv").write_text(f"release_id,track,recording_id\n{UPC},1,r5\n{UPC},2,r6\n")
    run("--home", released, "catalogue", "import", "--releases", tmp_path / "more.csv")
    assert {event["recording_id"] for event in history(run, released, "r6")} == {"r6"}
    assert not [event for event in history(run, released, "r6") if "release" in event["channel"]]
    both_again = json.loads(decide(run, released, "grant", "cleo", f"release:{UPC}", *both))
    assert both_again["token"] != preview["token"], "another track list is another decision"


def test_a_whole_catalogue_is_what_the_party_has_claims_on(released: Path, run: Run) -> None:
    preview = json.loads(decide(run, released, "withdraw", "ana", "catalogue:*", "--kind", "recording"))
    (one,) = preview["expansions"]
    assert [asset["recording_id"] for asset in one["assets"]] == ["r1", "r2"], "r1 by its master, r2 by its work"
    answer = json.loads(decide(run, released, "withdraw", "ana", "catalogue:*", "--kind", "recording", "--confirm", preview["token"]))
    assert {event["decision"] for event in answer["events"]} == {"withdraw"} and len(answer["effects"]) == 2
    text = run(
        "--home", released, "consent", "hold", "--programme", "p", "--party", "ana", "--subject", "catalogue:*", "--kind", "recording"
    )
    assert "only assets of kind recording; what is added later is not covered" in text and "r2 Second: sha256:" in text
    assert "unknown_asset" in decide(run, released, "grant", "ana", "catalogue:*", "--kind", "vocal_take", expect=3)


def test_a_spreadsheet_may_use_shorthands(released: Path, run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "bulk.csv"
    sheet.write_text(
        "Party ID;Subject;Kind;Purpose;Decision\n"
        "cleo;release:1;recording;ai_training;grant\n"
        f"cleo;release:{UPC};;ai_training;grant\n"
        "cleo;album:7;recording;ai_training;grant\n"
        "zed;catalogue:*;recording;ai_training;grant\n"
        "cleo;catalogue:*;vocal take;ai_training;grant\n"
    )
    command = ("--home", released, "--json", "consent", "import", sheet, "--programme", "p")
    answer = json.loads(run(*command, expect=1))
    assert [(problem["row"], problem["field"]) for problem in sorted(answer["problems"], key=lambda one: one["row"])] == [
        (2, "subject"),
        (3, "kind"),
        (4, "subject"),
        (5, "party_id"),
        (6, "kind"),
    ]
    sheet.write_text(
        "party_id,recording_id,subject,kind,purpose,decision\n"
        f"cleo,,RELEASE: {UPC},stem,ai_training,grant\n"
        "cleo,r6,,,ai_training,grant\n"
        "cleo,,catalogue:*,recording,ai_training,grant\n"
    )
    preview = json.loads(run(*command))
    assert [(one["row"], len(one["assets"])) for one in preview["expansions"]] == [(2, 1), (4, 2)]
    answer = json.loads(run(*command, "--confirm", preview["token"]))
    assert [event["channel"] for event in answer["events"]] == [
        f"import of bulk.csv (release:{UPC})",
        "import of bulk.csv",
        "import of bulk.csv (catalogue:*)",
        "import of bulk.csv (catalogue:*)",
    ]
    run("--home", released, "consent", "erase", "--party", "cleo", "--yes")
    out = tmp_path / "gone"
    assert "evidence_erased" in run("--home", released, "consent", "evidence", answer["events"][0]["event_id"], "--out", out, expect=3)
    assert "no_evidence" in run("--home", released, "consent", "evidence", answer["events"][1]["event_id"], "--out", out, expect=3)
    sheet.write_text("party_id,recording_id,purpose,decision\ncleo,release:1,ai_training,grant\n")
    assert "column `subject`" in run(*command, expect=1)


def history(run: Run, home: Path, recording: str) -> list[dict[str, Any]]:
    return list(json.loads(run("--home", home, "--json", "consent", "history", recording)))
