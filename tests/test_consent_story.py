"""The whole way of one vocal take, through the command line only: four writers, one licensee, a way out with its effect, and strangers who check it."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import soundfile

from ritornello.domain.errors import Refused
from ritornello.loader.dataset import open_dataset
from tests.conftest import RATE_HZ, tune

Run = Callable[..., str]
PARTIES = """party_id;name;kind
mira;Mira Vale;person
ines;Inès Roux;person
jon;Jón Þór;person
lee;Lee Park;person
quill;Quill Songs;organisation
"""
RECORDINGS = """recording_id;file;kind;label;title;artist;work_id
shore;shore.flac;recording;;Shore;Mira Vale;w-shore
shore;shore-voice.flac;vocal take;lead vocal;;;
tide;tide.flac;recording;;Tide;Mira Vale;w-tide
"""
CLAIMS = """subject;lane;party_id;share_percent
shore;voice;mira;100
shore;master;mira;100
w-shore;publishing;mira;25
w-shore;publishing;ines;25
w-shore;publishing;jon;25
w-shore;publishing;lee;25
tide;voice;mira;100
w-tide;publishing;mira;100
"""
PROGRAMME = """format = "ritornello-programme-1"
programme_id = "choir"
version = 1
title = "A choir of models"
licensor = "Example Society"
licensee = "Choir Audio"
purposes = ["voice_model"]
licence = "LicenseRef-choir-1"
valid_from = 2020-01-01
valid_to = 2099-12-31
notice_days = 30
tail_days = 365
quorum = ["voice", "publishing"]

[lanes]
voice = 600_000
publishing = 400_000

[[income]]
name = "fee"
amount = "100.00"
currency = "EUR"
divide_by = "exposure"
"""
TODAY = datetime.now(UTC).date()
LAST, GONE = TODAY + timedelta(days=29), TODAY + timedelta(days=30)


@pytest.fixture
def home(tmp_path: Path, run: Run) -> Path:
    """Two recordings, one of them with a vocal take; programmes of two licensees with the same terms. Nobody has said anything."""
    home, folder = tmp_path / "home", tmp_path / "catalogue"
    (folder / "audio").mkdir(parents=True)
    for seed, name in enumerate(("shore", "shore-voice", "tide"), 1):
        soundfile.write(folder / "audio" / f"{name}.flac", tune(seed, 1.0), RATE_HZ, subtype="PCM_16")
    for name, text in (("parties", PARTIES), ("recordings", RECORDINGS), ("claims", CLAIMS)):
        (folder / f"{name}.csv").write_bytes(text.encode("utf-16"))
    (folder / "choir.toml").write_text(PROGRAMME)
    (folder / "rival.toml").write_text(PROGRAMME.replace('"choir"', '"rival"').replace("Choir Audio", "Rival Audio"))
    run("--home", home, "init")
    run("--home", home, "catalogue", "import", "--folder", folder)
    for name in ("choir", "rival"):
        run("--home", home, "programme", "add", folder / f"{name}.toml")
    return home


def test_a_vocal_take_in_and_out_again(home: Path, run: Run, tmp_path: Path) -> None:
    def call(*arguments: object, expect: int = 0) -> Any:
        return json.loads(run("--home", home, "--json", *arguments, expect=expect))

    def grant(party: str, *options: object) -> Any:
        take = ("--programme", "choir", "--recording", "shore", "--kind", "vocal_take", "--party", party)
        return call("consent", "grant", *take, "--channel", "studio visit", "--authentication", "passport seen", *options)

    def missing(day: date = TODAY) -> list[str]:
        take = next(one for one in call("consent", "check", "shore", "--programme", "choir", "--day", day) if one["kind"] == "vocal_take")
        assert take["allowed"] != bool(take["missing"])
        return [f"{one['party_id']}, {one['lane']}: {one['reason']}" for one in take["missing"]]

    # The artist opts her take in, for one licensee, and sees who still has to agree.
    grant("mira")
    assert missing() == ["ines, publishing: no_grant", "jon, publishing: no_grant", "lee, publishing: no_grant"]
    assert "publishing: lee (25 %) has not granted voice_model" in run("--home", home, "consent", "check", "shore", "--programme", "choir")
    assert call("snapshot", "freeze", "--programme", "choir", expect=3)["error"] == "empty_snapshot"

    # Two writers answer in a spreadsheet, one through her publisher.
    (tmp_path / "answers.csv").write_text(
        "Party ID;Recording ID;Kind;Purpose;Decision\nINES;shore;vocal take;voice model;grant\njon;shore;vocal take;voice model;grant\n"
    )
    (problem,) = call("consent", "import", tmp_path / "answers.csv", "--programme", "choir", expect=1)["problems"]
    assert (problem["row"], problem["field"]) == (2, "party_id")
    (tmp_path / "answers.csv").write_text((tmp_path / "answers.csv").read_text().replace("INES", "ines"))
    token = call("consent", "import", tmp_path / "answers.csv", "--programme", "choir")["token"]
    call("consent", "import", tmp_path / "answers.csv", "--programme", "choir", "--confirm", token)
    assert missing() == ["lee, publishing: no_grant"]
    assert call("snapshot", "freeze", "--programme", "choir", expect=3)["error"] == "empty_snapshot"
    call("mandate", "give", "--party", "lee", "--to", "quill", "--lane", "publishing", "--purpose", "voice_model")
    grant("lee", "--by", "quill")
    assert missing() == []

    # Only now it is in a snapshot: the take alone, and for this licensee alone.
    assert call("snapshot", "freeze", "--programme", "choir")["assets"] == 1
    assert call("snapshot", "freeze", "--programme", "rival", expect=3)["error"] == "empty_snapshot"
    run("--home", home, "snapshot", "export", "choir-s1", tmp_path / "dataset")
    (row,) = [json.loads(line) for line in (tmp_path / "dataset" / "manifest.jsonl").read_text().splitlines()]
    assert (row["recording_id"], row["kind"], len(row["consent_events"])) == ("shore", "vocal_take", 4)
    call("run", "register", write_run(tmp_path, "chorus-1", row["asset_id"], TODAY))

    # She leaves with thirty days' notice, sees what is left, and keeps a receipt.
    leaving = call("consent", "withdraw", "--programme", "choir", "--party", "mira", "--recording", "shore", "--kind", "vocal_take")
    assert leaving["effects"] == [
        {
            "asset_id": row["asset_id"],
            "recording_id": "shore",
            "excluded_from": GONE.isoformat(),
            "snapshots_holding": ["choir-s1"],
            "models_holding": [{"model_version": "chorus-1", "exposure_ms": 700}],
            "tail_until": (GONE + timedelta(days=365)).isoformat(),
        }
    ]
    run("--home", home, "consent", "receipt", leaving["events"][0]["event_id"], "--out", tmp_path / "receipt.json")
    (tmp_path / "log.vkey").write_text(call("log", "checkpoint")["vkey"])
    verdict = verify("receipt", tmp_path / "receipt.json", "--key", tmp_path / "log.vkey")
    assert 'party mira withdrew its consent to "voice_model" with recording shore' in verdict and GONE.isoformat() in verdict

    # The licensee is told once, and answers.
    run("--home", home, "notices", "deliver", "--folder", tmp_path / "post")
    (letter,) = (tmp_path / "post").iterdir()
    told = json.loads(letter.read_text())["notice"]
    assert (told["recipient"], told["model_version"], told["excluded_from"]) == ("Choir Audio", "chorus-1", GONE.isoformat())
    letter.with_name(f"{told['notice_id']}.acknowledged.json").write_text(json.dumps({"acknowledged": told["notice_id"]}))
    run("--home", home, "notices", "deliver", "--folder", tmp_path / "post")
    assert [notice["state"] for notice in call("notices", "list")] == ["acknowledged"]

    # Until the notice is over the old snapshot stands; from day 30 on nobody trains on it, and no new one has the take.
    assert (missing(LAST), missing(GONE)) == ([], ["mira, publishing: withdrawn", "mira, voice: withdrawn"])
    call("run", "register", write_run(tmp_path, "chorus-2", row["asset_id"], LAST))
    day_31 = GONE + timedelta(days=1)
    (problem,) = call("run", "register", write_run(tmp_path, "chorus-3", row["asset_id"], day_31), expect=1)["problems"]
    assert problem["field"] == "trained_on" and "shore (vocal_take) may not be used" in problem["what"]
    run("--home", home, "snapshot", "export", "choir-s1", tmp_path / "again", "--as", "folder")
    with pytest.raises(Refused, match=f"to {LAST}, not on {day_31}"):
        open_dataset(tmp_path / "again", today=day_31)
    assert call("snapshot", "freeze", "--programme", "choir", "--day", GONE, expect=3)["error"] == "empty_snapshot"

    # An auditor with nothing but a checkpoint sees that the take's recording was in it and another one was not.
    run("--home", home, "log", "checkpoint", "--out", tmp_path / "kept")
    for recording, words in (("shore", "recording shore is in snapshot"), ("tide", "recording tide is NOT in snapshot")):
        proof = tmp_path / f"{recording}.json"
        run("--home", home, "snapshot", "prove", "choir-s1", recording, "--checkpoint", tmp_path / "kept", "--out", proof)
        assert ("shore" if recording == "tide" else "tide") not in proof.read_text(), "the proof names nothing else"
        asked = ("--snapshot", "choir-s1", "--recording", recording)
        assert words in verify("membership", proof, "--key", tmp_path / "log.vkey", "--checkpoint", tmp_path / "kept", *asked)


def write_run(folder: Path, model_version: str, asset_id: str, trained_on: date) -> Path:
    path = folder / f"{model_version}.json"
    document = {
        "format": "ritornello-run-1",
        "run_id": f"run-{model_version}",
        "model_version": model_version,
        "parents": [],
        "snapshot_ids": ["choir-s1"],
        "code_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        "trained_on": trained_on.isoformat(),
        "exposure": [{"asset_id": asset_id, "exposure_ms": 700}],
    }
    path.write_text(json.dumps(document))
    return path


def verify(*arguments: object) -> str:
    """The independent verifier's last word."""
    command = [sys.executable, "-m", "ritornello_verify", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]
