"""Consent by everyone, through the command line: who is missing, notice, stems, terms."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

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


def grant(run: Run, home: Path, party: str, recording: str, *options: object) -> str:
    return run("--home", home, "consent", "grant", "--programme", "p", "--party", party, "--recording", recording, *options)


def test_a_hold_stops_what_everybody_granted(home: Path, run: Run) -> None:
    hold = ("--home", home, "consent", "hold", "--programme", "p", "--party", "songs", "--recording", "r3")
    assert "nothing_to_release" in run(*hold[:3], "release", *hold[4:], expect=3)
    run(*hold)
    (answer,) = check(run, home, "r3")
    assert [(m["reason"], m["party_id"]) for m in answer["missing"]] == [("hold", "songs")]
    run(*hold[:3], "release", *hold[4:])
    assert check(run, home, "r3")[0]["allowed"]


def test_a_term_ends_and_a_territory_is_not_the_world(home: Path, run: Run) -> None:
    grant(run, home, "ben", "r3", "--to", today() + timedelta(days=5))
    assert check(run, home, "r3", "--day", today() + timedelta(days=5))[0]["allowed"]
    assert {m["reason"] for m in check(run, home, "r3", "--day", today() + timedelta(days=6))[0]["missing"]} == {"expired"}
    grant(run, home, "ben", "r3", "--territory", "SE")
    assert {m["reason"] for m in check(run, home, "r3")[0]["missing"]} == {"elsewhere"}
    assert "bad_term" in run(
        "--home", home, "consent", "grant", "--programme", "p", "--party", "ben", "--recording", "r3", "--to", "2020-01-01", expect=3
    )


def test_a_representative_needs_a_mandate_that_covers_the_lane(home: Path, run: Run) -> None:
    grant(run, home, "cleo", "r6")
    by_north = ("--home", home, "consent", "grant", "--programme", "p", "--party", "songs", "--by", "north", "--recording", "r6")
    assert "no_mandate" in run(*by_north, expect=3)
    give = ("--home", home, "--json", "mandate", "give", "--party", "songs", "--to", "north")
    master_only = json.loads(run(*give, "--lane", "master"))
    run(*by_north)
    assert [(m["lane"], m["reason"]) for m in check(run, home, "r6")[0]["missing"]] == [("publishing", "no_mandate")]
    run("--home", home, "mandate", "end", master_only["mandate_id"])
    whole = json.loads(run(*give))
    run(*by_north)
    assert check(run, home, "r6")[0]["allowed"]
    run("--home", home, "mandate", "end", whole["mandate_id"])
    assert check(run, home, "r6")[0]["allowed"], "what was done under a mandate stays done"
    assert "no_mandate" in run(*by_north, expect=3)
    assert "unknown_mandate" in run("--home", home, "mandate", "end", whole["mandate_id"], expect=3)
    history = json.loads(run("--home", home, "--json", "consent", "history", "r6"))
    assert history[-1]["actor_id"] == "north" and history[-1]["party_id"] == "songs"


def test_a_share_may_be_enough(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    terms = (
        (catalogue_folder / "programme.toml")
        .read_text()
        .replace('quorum = ["master", "publishing"]', "quorum = { master = { share_ppm = 660_000 } }")
    )
    (tmp_path / "q.toml").write_text(terms.replace('programme_id = "p"', 'programme_id = "q"'))
    run("--home", home, "programme", "add", tmp_path / "q.toml")
    options = ("--programme", "q", "--recording", "r1")
    run("--home", home, "consent", "grant", *options, "--party", "ana")
    ask = ("--home", home, "--json", "consent", "check", "r1", "--programme", "q")
    assert not json.loads(run(*ask))[0]["allowed"]
    run("--home", home, "consent", "grant", *options, "--party", "north")
    (answer,) = json.loads(run(*ask))
    assert answer["allowed"] and len(answer["consent_events"]) == 2


def test_what_was_known_then_and_what_is_known_now(home: Path, run: Run) -> None:
    run("--home", home, "consent", "withdraw", "--programme", "p", "--party", "ben", "--recording", "r3", "--from", today())
    given, taken = json.loads(run("--home", home, "--json", "consent", "history", "r3"))

    def known(moment_us: int) -> dict[str, Any]:
        moment = datetime.fromtimestamp(moment_us // 1_000_000, UTC) + timedelta(microseconds=moment_us % 1_000_000)
        return check(run, home, "r3", "--known-at", moment.strftime("%Y-%m-%dT%H:%M:%S.%f"))[0]

    assert known(given["recorded_at_us"])["allowed"]
    assert known(taken["recorded_at_us"] - 1)["allowed"]
    assert {m["reason"] for m in known(taken["recorded_at_us"])["missing"]} == {"withdrawn"}
    assert {m["reason"] for m in known(given["recorded_at_us"] - 1)["missing"]} == {"no_grant"}
    assert {m["reason"] for m in known(0)["missing"]} == {"unclaimed"}


def test_bulk_decisions_are_looked_at_before_they_are_recorded(home: Path, run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "bulk.csv"
    sheet.write_text("party_id,recording_id,purpose,decision\nsongs,r6,ai_training,grant\n")
    command = ("--home", home, "--json", "consent", "import", sheet, "--programme", "p")
    preview = json.loads(run(*command))
    assert (preview["decisions"], preview["assets"]) == ({"grant": 1}, 1)
    assert not check(run, home, "r6")[0]["allowed"]
    sheet.write_text("party_id,recording_id,purpose,decision\nsongs,r6,ai_training,grant\nnorth,r4,ai_training,grant\n")
    assert "not_confirmed" in run(*command, "--confirm", preview["token"], expect=3)
    run(*command, "--confirm", json.loads(run(*command))["token"])
    assert check(run, home, "r6")[0]["allowed"]


def test_todays_table_is_the_fold_after_every_event(home: Path, run: Run) -> None:
    """The state asked for is recomputed here, event by event, by the plainest loop."""
    steps = [
        ("ben", "r3", "withdraw"),
        ("ben", "r3", "grant"),
        ("songs", "r6", "grant"),
        ("cleo", "r6", "withdraw"),
        ("cleo", "r6", "grant"),
    ]
    for party, recording, verb in steps:
        run("--home", home, "consent", verb, "--programme", "p", "--party", party, "--recording", recording, "--from", today())
        latest: dict[tuple[str, str], str] = {}
        for event in json.loads(run("--home", home, "--json", "consent", "history", recording)):
            latest[event["party_id"], event["purpose"]] = event["decision"]
        needed = {"r3": ["ben"], "r6": ["cleo", "songs"]}[recording]
        assert check(run, home, recording)[0]["allowed"] == all(latest.get((name, "ai_training")) == "grant" for name in needed)
    assert json.loads(run("--home", home, "--json", "consent", "audit"))["events"] == 9 + len(steps)


@pytest.mark.sqlite
def test_a_changed_event_breaks_the_chain(home: Path, run: Run) -> None:
    connection = sqlite3.connect(home / "ritornello.db")
    connection.execute("DROP TRIGGER consent_event_no_update")
    connection.execute("UPDATE consent_event SET decision = 'withdraw' WHERE seq = 3")
    connection.commit()
    connection.close()
    assert "consent_rewritten" in run("--home", home, "consent", "audit", expect=3)


def test_a_withdrawal_shows_who_still_holds_it_and_gives_a_receipt(trained: Path, run: Run, tmp_path: Path) -> None:
    answer = json.loads(run("--home", trained, "--json", "consent", "withdraw", "--programme", "p", "--party", "ben", "--recording", "r3"))
    (effect,) = answer["effects"]
    day = today() + timedelta(days=30)
    assert effect["excluded_from"] == day.isoformat()
    assert effect["snapshots_holding"] == ["p-s1"]
    assert effect["models_holding"] == [{"model_version": "m", "exposure_ms": 3000}]
    assert effect["tail_until"] == (day + timedelta(days=365)).isoformat()

    (notice,) = json.loads(run("--home", trained, "--json", "notices", "list"))
    assert (notice["recipient"], notice["model_version"], notice["acknowledged_at_us"]) == ("Licensee", "m", None)
    run("--home", trained, "notices", "acknowledge", notice["notice_id"])
    assert "unknown_notice" in run("--home", trained, "notices", "acknowledge", notice["notice_id"], expect=3)

    receipt = tmp_path / "receipt.json"
    run("--home", trained, "consent", "receipt", answer["events"][0]["event_id"], "--out", receipt)
    vkey = json.loads(run("--home", trained, "--json", "log", "checkpoint"))["vkey"]
    assert json.loads(run("--json", "consent", "check-receipt", receipt, "--vkey", vkey))["decision"] == "withdraw"
    for harm in (('"withdraw"', '"grant"'), (day.isoformat(), today().isoformat()), ('"index":', '"index":1')):
        broken = tmp_path / "broken.json"
        broken.write_text(receipt.read_text().replace(*harm))
        run("consent", "check-receipt", broken, expect=1)


def test_training_on_an_old_snapshot_after_the_notice_is_refused(home: Path, run: Run, tmp_path: Path) -> None:
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    run("--home", home, "snapshot", "export", "p-s1", tmp_path / "dataset")
    manifest = [json.loads(line) for line in (tmp_path / "dataset" / "manifest.jsonl").read_text().splitlines()]
    run("--home", home, "consent", "withdraw", "--programme", "p", "--party", "ben", "--recording", "r3")
    document = {
        "format": "ritornello-run-1",
        "run_id": "late",
        "model_version": "late",
        "parents": [],
        "snapshot_ids": ["p-s1"],
        "code_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        "trained_on": (today() + timedelta(days=31)).isoformat(),
        "exposure": [{"asset_id": row["asset_id"], "exposure_ms": 5} for row in manifest],
    }
    (tmp_path / "late.json").write_text(json.dumps(document))
    answer = json.loads(run("--home", home, "--json", "run", "register", tmp_path / "late.json", expect=1))
    assert [problem["field"] for problem in answer["problems"]] == ["trained_on"] and "r3" in answer["problems"][0]["what"]
    document["trained_on"] = (today() + timedelta(days=29)).isoformat()
    (tmp_path / "late.json").write_text(json.dumps(document))
    run("--home", home, "run", "register", tmp_path / "late.json")
    run("--home", home, "consent", "withdraw", "--programme", "p", "--party", "ana", "--recording", "r1", "--from", today())
    assert "r1" in run("--home", home, "snapshot", "export", "p-s1", tmp_path / "again", expect=1)


@pytest.mark.sqlite
def test_evidence_is_kept_encrypted_and_can_be_erased(home: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "form.txt").write_text("Ben lives at 1 Private Road")
    grant(run, home, "ben", "r3", "--evidence", tmp_path / "form.txt", "--authentication", "passport seen")
    event = json.loads(run("--home", home, "--json", "consent", "history", "r3"))[-1]
    stored = home / "files" / event["evidence_sha256"][:2] / event["evidence_sha256"][2:]
    assert b"Private" not in stored.read_bytes()
    run("--home", home, "consent", "erase", "--party", "ben", "--yes")
    with sqlite3.connect(home / "ritornello.db") as connection:
        assert connection.execute("SELECT count(*) FROM evidence WHERE key IS NOT NULL").fetchone() == (0,)
    connection.close()
    run("--home", home, "consent", "audit")
    assert check(run, home, "r3")[0]["allowed"]


def test_changed_terms_need_new_grants_for_new_snapshots(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    terms = (catalogue_folder / "programme.toml").read_text().replace("version = 1", "version = 2").replace('"0.30"', '"0.10"')
    (tmp_path / "v2.toml").write_text(terms)
    run("--home", home, "programme", "add", tmp_path / "v2.toml")
    assert {m["reason"] for m in check(run, home, "r3")[0]["missing"]} == {"other_terms"}
    assert "other_terms" in run("--home", home, "snapshot", "export", "p-s1", tmp_path / "dataset", expect=1)
    assert "empty_snapshot" in run("--home", home, "snapshot", "freeze", "--programme", "p", expect=3)
    grant(run, home, "ben", "r3")
    assert check(run, home, "r3")[0]["allowed"]
    events = json.loads(run("--home", home, "--json", "consent", "history", "r3"))
    assert len({event["terms_sha256"] for event in events}) == 2, "old grants still show what they were given under"
