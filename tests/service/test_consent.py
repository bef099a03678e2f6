"""Consent by everyone, through the command line: who is missing, notice, stems, terms."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

Run = Callable[..., str]


def check(run: Run, home: Path, recording: str, *options: object) -> list[dict[str, Any]]:
    return list(json.loads(run("--home", home, "--json", "consent", "check", recording, "--programme", "p", *options)))


def today() -> date:
    return datetime.now(UTC).date()


def test_each_refusal_names_who_is_missing_in_which_lane(home: Path, run: Run) -> None:
    (answer,) = check(run, home, "r6")
    assert not answer["allowed"]
    assert [(m["lane"], m["party_id"], m["reason"], m["share_e8"]) for m in answer["missing"]] == [
        ("publishing", "songs", "no_grant", 100_000_000)
    ]
    (answer,) = check(run, home, "r4")
    assert [(m["lane"], m["reason"], m["share_e8"]) for m in answer["missing"]] == [("publishing", "gap", 20_000_000)]
    voice, whole = sorted(check(run, home, "r5"), key=lambda answer: -len(answer["kind"]))
    assert {m["reason"] for m in whole["missing"]} == {"overclaim", "no_grant"}
    assert voice["missing"]
    assert "publishing: songs (100 %) has not granted ai_training" in run("--home", home, "consent", "check", "r6", "--programme", "p")


def test_thirds_are_everybody(home: Path, run: Run) -> None:
    (answer,) = check(run, home, "r1")
    assert answer["allowed"] and len(answer["consent_events"]) == 3


def test_a_recordings_consent_does_not_cover_its_stems(home: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "claims.csv").write_text("subject,lane,party_id,share_percent\nr5,master,north,40\n")
    run("--home", home, "catalogue", "import", "--claims", tmp_path / "claims.csv")
    for party in ("cleo", "north"):
        run("--home", home, "consent", "grant", "--programme", "p", "--party", party, "--recording", "r5")
    answers = {answer["kind"]: answer["allowed"] for answer in check(run, home, "r5")}
    assert answers == {"recording": True, "stem": False}
    for party in ("cleo", "north"):
        run(
            "--home",
            home,
            "consent",
            "grant",
            "--programme",
            "p",
            "--party",
            party,
            "--recording",
            "r5",
            "--kind",
            "stem",
            "--label",
            "voice",
        )
    assert all(answer["allowed"] for answer in check(run, home, "r5"))


def test_a_withdrawal_takes_effect_after_the_notice(home: Path, run: Run) -> None:
    run("--home", home, "consent", "withdraw", "--programme", "p", "--party", "ben", "--recording", "r3")
    assert check(run, home, "r3")[0]["allowed"]
    assert check(run, home, "r3", "--day", today() + timedelta(days=29))[0]["allowed"]
    (after,) = check(run, home, "r3", "--day", today() + timedelta(days=30))
    assert [(m["party_id"], m["reason"]) for m in after["missing"]] == [("ben", "withdrawn"), ("ben", "withdrawn")]
    events = json.loads(run("--home", home, "--json", "consent", "history", "r3"))
    assert [event["decision"] for event in events] == ["grant", "withdraw"]
    assert all(len(event["terms_sha256"]) == 64 for event in events)
    run(
        "--home",
        home,
        "consent",
        "grant",
        "--programme",
        "p",
        "--party",
        "ben",
        "--recording",
        "r3",
        "--from",
        today() + timedelta(days=40),
    )
    assert check(run, home, "r3", "--day", today() + timedelta(days=40))[0]["allowed"]
    assert not check(run, home, "r3", "--day", today() + timedelta(days=39))[0]["allowed"]


def test_what_cannot_be_decided_is_refused(home: Path, run: Run) -> None:
    common = ("--home", home, "consent")
    assert "nothing_to_withdraw" in run(*common, "withdraw", "--programme", "p", "--party", "ana", "--recording", "r3", expect=3)
    assert "unknown_party" in run(*common, "grant", "--programme", "p", "--party", "zed", "--recording", "r3", expect=3)
    assert "unknown_asset" in run(
        *common, "grant", "--programme", "p", "--party", "ana", "--recording", "r3", "--kind", "vocal_take", expect=3
    )
    assert "unknown_programme" in run(*common, "check", "--programme", "q", expect=3)
    assert "no claim on r3" in run(*common, "grant", "--programme", "p", "--party", "ana", "--recording", "r3")


def test_a_new_claimant_must_agree_too(home: Path, run: Run, tmp_path: Path) -> None:
    assert check(run, home, "r2")[0]["allowed"]
    (tmp_path / "claims.csv").write_text("subject,lane,party_id,share_percent\nw2,publishing,songs,25\nw2,publishing,cleo,25\n")
    run("--home", home, "catalogue", "import", "--claims", tmp_path / "claims.csv")
    assert [m["party_id"] for m in check(run, home, "r2")[0]["missing"]] == ["cleo"]
