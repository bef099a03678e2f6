"""Clones at the door: what comes in is compared, verdicts wait for people, copies count once, two claims on one sound are a dispute, AI's output is recognised."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from tests.pieces import RATE_HZ, piece

Run = Callable[..., str]
SECONDS = 14.0


def as_json(run: Run, *arguments: object, expect: int = 0) -> Any:
    return json.loads(run("--json", *arguments, expect=expect))


def bring(
    run: Run, home: Path, folder: Path, sounds: dict[str, np.ndarray], kind: str = "flac", owners: dict[str, str] | None = None
) -> Any:
    """Import recordings, some with a master claim of one party."""
    folder.mkdir()
    for name, samples in sounds.items():
        soundfile.write(folder / f"{name}.{kind}", samples, RATE_HZ)
    rows = "".join(f"{name},{name}.{kind},Title {name},Somebody\n" for name in sounds)
    (folder / "r.csv").write_text("recording_id,file,title,artist\n" + rows)
    claims = "".join(f"{name},master,{party},100\n" for name, party in (owners or {}).items())
    (folder / "c.csv").write_text("subject,lane,party_id,share_percent\n" + claims)
    options = ("--claims", folder / "c.csv") if owners else ()
    return as_json(run, "--home", home, "catalogue", "import", "--recordings", folder / "r.csv", "--audio", folder, *options)


@pytest.fixture
def known(home: Path, tmp_path: Path, run: Run) -> Path:
    """The home with three recordings of 14 s more, listened to and compared."""
    bring(run, home, tmp_path / "old", {f"x{seed}": piece(seed, SECONDS) for seed in (11, 12, 13)}, owners={"x11": "ana", "x12": "ben"})
    run("--home", home, "catalogue", "fingerprint")
    return home


def kinds(answer: Any, home: Path, run: Run) -> dict[tuple[str, str], str]:
    """Newcomer and known recording → verdict, of an import's answer."""
    ids = {one["verdict_id"] for one in answer["clones"]["verdicts"]}
    rows = as_json(run, "--home", home, "clones", "list", "--all")
    return {(row["recording_id"], row["other_recording_id"]): row["kind"] for row in rows if row["verdict_id"] in ids}


@pytest.mark.slow
def test_what_comes_in_is_compared(known: Path, tmp_path: Path, run: Run) -> None:
    one, two, three = (piece(seed, SECONDS) for seed in (11, 12, 13))
    sounds = {
        "again": 0.5 * one,
        "part": two[3 * RATE_HZ : 11 * RATE_HZ],
        "faster": soxr.resample(three, RATE_HZ * 1.03, RATE_HZ).astype(np.float32),
        "longer": np.concatenate([piece(31, 10.0), two, piece(32, 6.0)]),
        "sampling": np.concatenate([piece(33, 8.0), three[3 * RATE_HZ : 8 * RATE_HZ], piece(34, 8.0)]),
        "looping": np.concatenate([two[6 * RATE_HZ : 10 * RATE_HZ]] * 5),
        "own": piece(35, SECONDS),
    }
    found = kinds(bring(run, known, tmp_path / "new", sounds), known, run)
    old = {pair: kind for pair, kind in found.items() if pair[1] in {"x11", "x12", "x13"}}
    assert old == {
        ("again", "x11"): "same_sound",
        ("part", "x12"): "excerpt",
        ("faster", "x13"): "variant",
        ("longer", "x12"): "contains",
        ("sampling", "x13"): "sample",
        ("looping", "x12"): "loop",
    }
    assert not [pair for pair in found if "own" in pair]
    assert as_json(run, "--home", known, "clones", "check")["verdicts"] == []
    (row,) = [
        row
        for row in as_json(run, "--home", known, "clones", "list")
        if (row["recording_id"], row["other_recording_id"]) == ("part", "x12")
    ]
    text = run("--home", known, "clones", "show", row["verdict_id"])
    assert "0:03–0:1" in text and "does not show who made it first" in text
    evidence = as_json(run, "--home", known, "clones", "show", row["verdict_id"])["evidence"]
    assert evidence["asset_covered_ppm"] == pytest.approx(571_000, abs=60_000) and evidence["false_match_ppb"] == 1


def test_a_stem_and_its_mix_know_each_other(known: Path, tmp_path: Path, run: Run) -> None:
    under = piece(41, SECONDS)
    found = kinds(bring(run, known, tmp_path / "mix", {"mix": piece(11, SECONDS) + under}), known, run)
    assert found == {("mix", "x11"): "contains"}
    found = kinds(bring(run, known, tmp_path / "stem", {"below": under}), known, run)
    assert found == {("below", "mix"): "stem_of"}


def test_two_parties_with_one_sound_are_a_dispute_about_the_later_claim(known: Path, tmp_path: Path, run: Run) -> None:
    bring(run, known, tmp_path / "copy", {"copy": piece(11, SECONDS)}, kind="ogg", owners={"copy": "cleo"})
    bring(run, known, tmp_path / "own", {"own": piece(12, SECONDS)}, kind="ogg", owners={"own": "ben"})
    (dispute,) = as_json(run, "--home", known, "dispute", "list")
    shown = json.dumps(as_json(run, "--home", known, "catalogue", "show", "copy"))
    assert "copy and x11 are the same sound" in dispute["reason"] and "verdict v" in dispute["reason"]
    assert dispute["claim_id"] in shown or "cleo" in shown
    (verdict,) = [row["verdict_id"] for row in as_json(run, "--home", known, "clones", "list") if row["recording_id"] == "copy"]
    assert as_json(run, "--home", known, "clones", "show", verdict)["disputes"][0]["dispute_id"] == dispute["dispute_id"]
    run("--home", known, "dispute", "resolve", dispute["dispute_id"], "--by", "operator", "--outcome", "cleo licensed it")
    run("--home", known, "clones", "confirm", verdict, "--by", "operator", "--reason", "heard both")
    assert len(as_json(run, "--home", known, "dispute", "list")) == 1, "how it ended stands"
    assert "decided_already" in run("--home", known, "clones", "confirm", verdict, "--by", "operator", "--reason", "x", expect=3)
    assert "unknown_verdict" in run("--home", known, "clones", "dismiss", "v0", "--by", "operator", "--reason", "x", expect=3)


def test_a_copy_that_is_claimed_later_is_contested_then(known: Path, tmp_path: Path, run: Run) -> None:
    bring(run, known, tmp_path / "copy", {"copy": piece(11, SECONDS)}, kind="ogg")
    assert as_json(run, "--home", known, "dispute", "list") == []
    (tmp_path / "c.csv").write_text("subject,lane,party_id,share_percent\ncopy,master,cleo,100\n")
    for _ in range(2):
        run("--home", known, "catalogue", "import", "--claims", tmp_path / "c.csv")
        (dispute,) = as_json(run, "--home", known, "dispute", "list")
    assert "copy and x11 are the same sound" in dispute["reason"]


def test_the_same_bytes_claimed_by_another_party_are_a_dispute_and_not_a_second_file(known: Path, tmp_path: Path, run: Run) -> None:
    def bring_again(folder: str, party: str | None, expect: int = 0) -> str:
        shutil.rmtree(tmp_path / folder, ignore_errors=True)
        shutil.copytree(tmp_path / "old", tmp_path / folder)
        (tmp_path / folder / "r.csv").write_text("recording_id,file,title,artist\ntaken,x11.flac,Mine,Cleo\n")
        (tmp_path / folder / "c.csv").write_text("subject,lane,party_id,share_percent\n" + (f"taken,master,{party},100\n" if party else ""))
        place = tmp_path / folder
        return run(
            "--home",
            known,
            "catalogue",
            "import",
            "--recordings",
            place / "r.csv",
            "--audio",
            place,
            "--claims",
            place / "c.csv",
            expect=expect,
        )

    for party in (None, "ana"):
        refused = bring_again("again", party, expect=1)
        assert "byte for byte the file of x11" in refused and "another party" in refused
    assert "unknown" in run("--home", known, "catalogue", "show", "taken", expect=3), "nothing was written"
    assert "byte for byte the file of x11 recording, and another party claims it" in bring_again("taken", "cleo")
    (row,) = as_json(run, "--home", known, "clones", "list")
    assert (row["recording_id"], row["kind"], row["other_recording_id"]) == ("x11", "exact_copy", "taken")
    shown = as_json(run, "--home", known, "clones", "show", row["verdict_id"])
    assert shown["evidence"]["asset_id"] == row["asset_id"] and "byte for byte" in shown["evidence"]["sentence"]
    (dispute,) = shown["disputes"]
    assert "cleo" in json.dumps(as_json(run, "--home", known, "catalogue", "show", "taken")), "the claim is on record, and contested"
    assert row["evidence_sha256"] in dispute["reason"]
    assert as_json(run, "--home", known, "clones", "clusters") == [["taken", "x11"]]
    bring_again("taken", "cleo")
    assert len(as_json(run, "--home", known, "clones", "list", "--all")) == len(as_json(run, "--home", known, "dispute", "list")) == 1
    run("--home", known, "clones", "dismiss", row["verdict_id"], "--by", "operator", "--reason", "a mistake in their list")
    assert as_json(run, "--home", known, "clones", "clusters") == []
    run("--home", known, "log", "verify")


def test_the_same_bytes_twice_in_one_import_are_contested_on_both_sides(home: Path, tmp_path: Path, run: Run) -> None:
    sounds = {"one": piece(71, 4.0), "two": piece(71, 4.0)}
    answer = bring(run, home, tmp_path / "both", sounds, owners={"one": "ana", "two": "ben"})
    assert answer["assets"] == 1
    reasons = [row["reason"] for row in as_json(run, "--home", home, "dispute", "list")]
    assert len(reasons) == 2 and all("one and two are the same sound and claimed by different parties" in reason for reason in reasons)
    shown = [as_json(run, "--home", home, "catalogue", "show", name) for name in ("one", "two")]
    assert [len(one["assets"]) for one in shown] == [1, 0]


def test_copies_count_once_and_decisions_change_that(known: Path, tmp_path: Path, run: Run) -> None:
    bring(run, known, tmp_path / "copy", {"copy": piece(11, SECONDS), "part": piece(12, SECONDS)[: 7 * RATE_HZ]}, kind="ogg")
    assert as_json(run, "--home", known, "clones", "clusters") == [["copy", "x11"]]
    waiting = {row["recording_id"]: row["verdict_id"] for row in as_json(run, "--home", known, "clones", "list")}
    run("--home", known, "clones", "confirm", waiting["part"], "--by", "operator", "--reason", "an edit")
    assert as_json(run, "--home", known, "clones", "clusters") == [["copy", "x11"], ["part", "x12"]]
    run("--home", known, "clones", "dismiss", waiting["copy"], "--by", "operator", "--reason", "one master, two releases")
    assert as_json(run, "--home", known, "clones", "clusters") == [["part", "x12"]]
    assert "nothing waits" in run("--home", known, "clones", "list")


def test_outputs_that_come_back_are_recognised(trained: Path, tmp_path: Path, run: Run) -> None:
    made = {"p1": piece(61, 8.0), "p2": np.concatenate([piece(62, 4.0), piece(61, 4.0)]), "gone": piece(63, 4.0)}
    for name, samples in made.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE_HZ)
    rows = "".join(f"{name},{name}.wav,m,2026-10-02\n" for name in made)
    (tmp_path / "more.csv").write_text("output_id,file,model_version,made_on\n" + rows)
    run("--home", trained, "output", "add", tmp_path / "more.csv")
    (tmp_path / "gone.wav").unlink()
    run("--home", trained, "catalogue", "fingerprint")
    samples = made["p1"]
    answer = bring(run, trained, tmp_path / "back", {"back": samples, "stranger": piece(51, 4.0)}, kind="ogg")
    assert "output gone" in {one["file"] for one in answer["clones"]["problems"]}
    rows = [row for row in as_json(run, "--home", trained, "clones", "list") if row["kind"] == "generated"]
    assert [(row["recording_id"], row["other_kind"], row["other_id"]) for row in rows] == [("back", "output", "p1")]
    marked = samples[::-1]
    folder = tmp_path / "marked"
    folder.mkdir()
    soundfile.write(folder / "m.wav", marked, RATE_HZ)
    with (folder / "m.wav").open("ab") as file:
        file.write(b"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia  ")
    (folder / "r.csv").write_text("recording_id,file,title,artist\nm,m.wav,M,Me\n")
    run("--home", trained, "catalogue", "import", "--recordings", folder / "r.csv", "--audio", folder)
    (row,) = [row for row in as_json(run, "--home", trained, "clones", "list") if row["recording_id"] == "m" and row["kind"] == "generated"]
    assert (row["other_kind"], row["other_id"]) == ("mark", "trainedAlgorithmicMedia")
    assert "AI made the file" in run("--home", trained, "clones", "show", row["verdict_id"])
