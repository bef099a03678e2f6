"""Classes of licensees, through the command line: granted before the licensee is known, counted only openly, in time and under the very document."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., str]
DOCUMENT = """format = "ritornello-class-1"
class_id = "research"
version = 1
title = "Research"
summary = "Models for research alone."
licensors = ["Licensor"]
purposes = ["ai_training", "data_mining"]
valid_from = 2020-01-01
valid_to = 2099-12-31
objection_days = 14
notice_days = 30
tail_days = 300
quorum = ["master", "publishing"]

[income]
rate = "0.25"
"""


@pytest.fixture
def classed(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> Path:
    """The small world, where the owners of r4 and r6 and of r2 granted training to research; programme q falls under it."""
    (tmp_path / "research.toml").write_text(DOCUMENT)
    run("--home", home, "class", "add", tmp_path / "research.toml")
    (tmp_path / "q.toml").write_text(name_class((catalogue_folder / "programme.toml").read_text(), DOCUMENT))
    run("--home", home, "programme", "add", tmp_path / "q.toml")
    for party, recording in (("cleo", "r6"), ("songs", "r6"), ("north", "r2"), ("ana", "r2"), ("songs", "r2")):
        decide(run, home, "grant", party, recording, "class:research", "--purpose", "ai_training")
    return home


def name_class(terms: str, document: str, programme_id: str = "q") -> str:
    named = f'[classes]\nresearch = "{hashlib.sha256(document.encode()).hexdigest()}"\n\n[payout]'
    return terms.replace('programme_id = "p"', f'programme_id = "{programme_id}"').replace("[payout]", named)


def decide(run: Run, home: Path, verb: str, party: str, recording: str, scope: str, *options: object, expect: int = 0) -> str:
    command = ("--home", home, "--json", "consent", verb, "--programme", scope, "--party", party, "--recording", recording)
    return run(*command, *options, expect=expect)


def check(run: Run, home: Path, recording: str, day: date | None = None, scope: str = "q") -> dict[str, Any]:
    options = ("--day", day) if day else ()
    (answer,) = json.loads(run("--home", home, "--json", "consent", "check", recording, "--programme", scope, *options))
    return dict(answer)


def admit(run: Run, home: Path, *options: object, expect: int = 0) -> str:
    return run(
        "--home", home, "--json", "class", "admit", "research", "--programme", "q", "--basis", "charter seen", *options, expect=expect
    )


def today() -> date:
    return datetime.now(UTC).date()


def test_it_counts_once_it_is_admitted_and_the_days_to_object_are_over(classed: Path, run: Run) -> None:
    answer = check(run, classed, "r6")
    assert {(missing["party_id"], missing["reason"], missing["class_id"]) for missing in answer["missing"]} == {
        ("cleo", "not_in_class", "research"),
        ("songs", "not_in_class", "research"),
    }
    assert "is not admitted to the class" in answer["missing"][0]["detail"]
    assert "bad_term" in admit(run, classed, "--from", today() + timedelta(days=13), expect=3)
    assert "no_basis" in run("--home", classed, "class", "admit", "research", "--programme", "q", "--basis", " ", expect=3)
    admission = json.loads(admit(run, classed))
    first = today() + timedelta(days=14)
    assert admission["valid_from"] == first.isoformat()
    assert not check(run, classed, "r6", first - timedelta(days=1))["allowed"]
    assert check(run, classed, "r6", first)["allowed"]
    assert not check(run, classed, "r4", first)["allowed"], "nobody granted r4 to the class"
    assert {missing["reason"] for missing in check(run, classed, "r1", first)["missing"]} == {"no_grant"}
    text = run("--home", classed, "class", "list")
    assert "charter seen" in text and "of revenue: at least 25 %" in text and "any licensee that is admitted" in text

    run("--home", classed, "class", "end", admission["admission_id"], "--from", first + timedelta(days=5))
    assert check(run, classed, "r6", first + timedelta(days=4))["allowed"], "what was admitted until then stays so"
    assert not check(run, classed, "r6", first + timedelta(days=5))["allowed"]
    assert "unknown_admission" in run("--home", classed, "class", "end", admission["admission_id"], expect=3)


def test_an_objection_is_a_withdrawal_from_the_programme_and_keeps_the_rest(classed: Path, run: Run) -> None:
    admit(run, classed)
    first = today() + timedelta(days=14)
    (event,) = json.loads(decide(run, classed, "withdraw", "songs", "r6", "q"))["events"]
    assert event["effective_from"] == today().isoformat(), "before it counts, a no takes effect at once"
    assert {missing["reason"] for missing in check(run, classed, "r6", first)["missing"]} == {"withdrawn"}
    assert check(run, classed, "r2", first)["allowed"]
    about_class = check(run, classed, "r6", scope="class:research")
    assert {missing["purpose"] for missing in about_class["missing"]} == {"data_mining"}, "the grants of ai_training to the class stand"
    decide(run, classed, "grant", "songs", "r6", "class:research", "--purpose", "ai_training")
    assert not check(run, classed, "r6", first)["allowed"], "a later grant to the class doesn't take the objection back"
    decide(run, classed, "grant", "songs", "r6", "q")
    assert check(run, classed, "r6", first)["allowed"]


def test_a_hold_on_the_class_stops_every_programme_of_it(classed: Path, run: Run) -> None:
    admit(run, classed)
    first = today() + timedelta(days=14)
    decide(run, classed, "hold", "ben", "r6", "class:research", "--purpose", "ai_training")
    (missing,) = check(run, classed, "r6", first)["missing"]
    assert (missing["reason"], missing["class_id"], missing["party_id"]) == ("hold", "research", "ben")
    assert "(class research)" in run("--home", classed, "consent", "check", "r6", "--programme", "q", "--day", first)


def test_a_programme_that_falls_short_is_refused_with_every_reason(classed: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    terms = name_class((catalogue_folder / "programme.toml").read_text(), DOCUMENT, "worse")
    for before, after in (
        ('licensor = "Licensor"', 'licensor = "Somebody"'),
        ('purposes = ["ai_training"]', 'purposes = ["ai_training", "voice_model"]'),
        ("notice_days = 30", "notice_days = 90"),
        ("tail_days = 365", "tail_days = 299"),
        ("2020-01-01", "2019-01-01"),
        ('quorum = ["master", "publishing"]', "quorum = { master = { share_ppm = 999_999 } }"),
        ('rate = "0.30"', 'rate = "0.249999"'),
    ):
        assert before in terms
        terms = terms.replace(before, after)
    (tmp_path / "worse.toml").write_text(terms)
    answer = json.loads(run("--home", classed, "--json", "programme", "add", tmp_path / "worse.toml", expect=1))
    words = ("licensor", "purposes", "notice_days", "tail_days", "term", "quorum.master", "quorum.publishing", "rates")
    found = [problem["what"] for problem in answer["problems"]]
    assert len(found) == len(words) and all(any(word in what for what in found) for word in words), found
    shortfalls = json.loads(run("--json", "class", "check", tmp_path / "research.toml", "--programme", tmp_path / "worse.toml"))[
        "shortfalls"
    ]
    assert shortfalls == found
    (tmp_path / "unknown.toml").write_text(name_class((catalogue_folder / "programme.toml").read_text(), DOCUMENT + "\n", "other"))
    assert "no document of the class research" in run("--home", classed, "programme", "add", tmp_path / "unknown.toml", expect=1)
    assert "not_in_class" in run("--home", classed, "class", "admit", "research", "--programme", "p", "--basis", "b", expect=3)


def test_grants_bind_to_the_documents_hash(classed: Path, run: Run, tmp_path: Path) -> None:
    admit(run, classed)
    first = today() + timedelta(days=14)
    (tmp_path / "second.toml").write_text(DOCUMENT.replace("version = 1", "version = 2").replace("notice_days = 30", "notice_days = 3"))
    run("--home", classed, "class", "add", tmp_path / "second.toml")
    assert check(run, classed, "r6", first)["allowed"], "a newer document changes nothing for those who named the older"
    decide(run, classed, "grant", "songs", "r6", "class:research", "--purpose", "ai_training")
    assert {(missing["reason"], missing["class_id"]) for missing in check(run, classed, "r6", first)["missing"]} == {
        ("other_terms", "research")
    }
    (tmp_path / "third.toml").write_text(DOCUMENT.replace("Models", "Some models"))
    assert "terms_changed" in run("--home", classed, "class", "add", tmp_path / "third.toml", expect=3)
    assert "unknown_class" in decide(run, classed, "grant", "songs", "r6", "class:nothing", expect=3)


def test_a_representative_needs_a_mandate_for_the_class(classed: Path, run: Run) -> None:
    by = ("--by", "north", "--purpose", "ai_training")
    run("--home", classed, "mandate", "give", "--party", "ben", "--to", "north")
    assert "no_mandate" in decide(run, classed, "grant", "ben", "r3", "class:research", *by, expect=3)
    run("--home", classed, "mandate", "give", "--party", "ben", "--to", "north", "--programme", "class:research")
    decide(run, classed, "grant", "ben", "r3", "class:research", *by)
    admit(run, classed)
    assert check(run, classed, "r3", today() + timedelta(days=14))["allowed"]


def test_mistakes_of_a_class_document_are_named_at_once(run: Run, tmp_path: Path) -> None:
    wrong = (
        DOCUMENT.replace('"research"', '"re search"').replace('["ai_training", "data_mining"]', '["singing"]').replace("= 14", '= "soon"')
    )
    wrong = wrong.replace('licensors = ["Licensor"]\n', "").replace("2099-12-31", "2019-12-31").replace('"0.25"', "0.25")
    (tmp_path / "wrong.toml").write_text(
        wrong + 'amounts = { EUR = "1.234", XXX = "1" }\n\n[lanes]\nmaster = 2_000_000\nsync = 1\n\n[attribution]\nerror = 1\n'
    )
    answer = json.loads(run("--json", "class", "check", tmp_path / "wrong.toml", expect=1))
    assert {problem["field"] for problem in answer["problems"]} == {
        "class_id", "purposes", "objection_days", "licensors", "valid_to", "income.rate", "income.amounts.EUR", "income.amounts.XXX",
        "lanes.master", "lanes.sync", "attribution.error",
    }  # fmt: skip


def test_from_class_grants_to_money_and_the_independent_verifier(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    """A class without days to object: a snapshot rests on grants to it, a model is trained, its money divided, and a stranger checks all of it."""
    document = DOCUMENT.replace("objection_days = 14", "objection_days = 0")
    (tmp_path / "research.toml").write_text(document)
    run("--home", home, "class", "add", tmp_path / "research.toml")
    (tmp_path / "q.toml").write_text(name_class((catalogue_folder / "programme.toml").read_text(), document))
    run("--home", home, "programme", "add", tmp_path / "q.toml")
    for party, recording in (("cleo", "r6"), ("songs", "r6"), ("north", "r2"), ("ana", "r2")):
        decide(run, home, "grant", party, recording, "class:research", "--purpose", "ai_training")
    decide(run, home, "grant", "songs", "r2", "q")
    admit(run, home)
    assert json.loads(run("--home", home, "--json", "snapshot", "freeze", "--programme", "q"))["assets"] == 2
    run("--home", home, "snapshot", "export", "q-s1", tmp_path / "dataset", "--as", "folder")
    manifest = [json.loads(line) for line in (tmp_path / "dataset" / "manifest.jsonl").read_text().splitlines()]
    (tmp_path / "run.json").write_text(
        json.dumps(
            {
                "format": "ritornello-run-1",
                "run_id": "run-q",
                "model_version": "mq",
                "parents": [],
                "snapshot_ids": ["q-s1"],
                "code_sha256": "a" * 64,
                "weights_sha256": "b" * 64,
                "trained_on": today().isoformat(),
                "exposure": [{"asset_id": row["asset_id"], "exposure_ms": 1000} for row in manifest],
            }
        )
    )
    run("--home", home, "run", "register", tmp_path / "run.json")

    answer = json.loads(decide(run, home, "withdraw", "cleo", "r6", "class:research", "--purpose", "ai_training"))
    (effect,) = answer["effects"]
    assert (effect["snapshots_holding"], [model["model_version"] for model in effect["models_holding"]]) == (["q-s1"], ["mq"])
    assert effect["excluded_from"] == (today() + timedelta(days=30)).isoformat()
    assert effect["tail_until"] == (today() + timedelta(days=30 + 365)).isoformat(), "the programme's tail, longer than the class demands"
    (notice,) = [one for one in json.loads(run("--home", home, "--json", "notices", "list")) if one["kind"] == "withdrawal"]
    assert (notice["recipient"], notice["model_version"]) == ("Licensee", "mq")
    run("--home", home, "snapshot", "export", "q-s1", tmp_path / "again", "--as", "folder")
    papers = json.loads((tmp_path / "again" / "dataset.json").read_text())
    assert papers["not_after"] == (today() + timedelta(days=29)).isoformat(), "the loader refuses from the day the withdrawal takes effect"
    receipt = tmp_path / "receipt.json"
    run("--home", home, "consent", "receipt", answer["events"][0]["event_id"], "--out", receipt)
    assert 'programme \\"class:research\\"' in verify("receipt", receipt, "--json")

    (tmp_path / "revenue.csv").write_text("line_id,product,model_version,territory,currency,net_amount\nl1,App,mq,DE,EUR,1000\n")
    run("--home", home, "revenue", "import", tmp_path / "revenue.csv", "--programme", "q", "--period", "2026-10")
    run("--home", home, "settle", "--programme", "q", "--period", "2026-10")
    run("--home", home, "bundle", "q-2026-10", tmp_path / "bundle")
    counts = {what: count for step in json.loads(verify(tmp_path / "bundle", "--json"))["steps"] for what, count in step["counts"].items()}
    assert counts["consent decisions derived anew"] == 2 and counts["class documents read"] == 1
    line = json.loads((tmp_path / "bundle" / "result" / "allocations.jsonl").read_text().splitlines()[0])["line_id"]
    assert "granted ai_training to class research" in run("--home", home, "explain", line)


def verify(*arguments: object) -> str:
    command = [sys.executable, "-m", "ritornello_verify", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
