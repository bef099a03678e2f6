"""The catalogue by its sound: the index follows the catalogue, goes on where it was, names what can't be heard, and finds passages."""

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
SURE = 18_000  # of evidence, in millidecades: what no stranger reaches
LONG = {f"x{seed}": seed for seed in (11, 12, 13)}


def as_json(run: Run, *arguments: object, expect: int = 0) -> Any:
    return json.loads(run("--json", *arguments, expect=expect))


@pytest.fixture
def known(home: Path, tmp_path: Path, run: Run) -> Path:
    """The home with three recordings of 30 s more, all of it listened to."""
    audio = tmp_path / "audio"
    audio.mkdir()
    for name, seed in LONG.items():
        soundfile.write(audio / f"{name}.flac", piece(seed, 30.0), RATE_HZ, subtype="PCM_16")
    add(run, home, audio, *LONG)
    answer = as_json(run, "--home", home, "catalogue", "fingerprint")
    assert (answer["assets"], answer["silent"], answer["problems"]) == (10, [], [])
    return home


def add(run: Run, home: Path, audio: Path, *names: str) -> None:
    rows = "".join(f"{name},{name}.flac,Title {name},Somebody\n" for name in names)
    (audio / "r.csv").write_text("recording_id,file,title,artist\n" + rows)
    run("--home", home, "catalogue", "import", "--recordings", audio / "r.csv", "--audio", audio)


def test_what_is_in_the_index_is_not_computed_again(known: Path, run: Run) -> None:
    assert as_json(run, "--home", known, "catalogue", "fingerprint")["assets"] == 0
    assert as_json(run, "--home", known, "catalogue", "fingerprint", "x11", "--again")["assets"] == 1
    assert len(json.loads((known / "fingerprints" / "index.json").read_text())["segments"]) == 1, "queries look into each segment"
    assert "unknown_recording" in run("--home", known, "catalogue", "fingerprint", "nobody", expect=3)


def test_passages_are_found_with_time_speed_and_chance(known: Path, run: Run, tmp_path: Path) -> None:
    before, after = piece(91, 10.0), piece(92, 8.0)
    faster = soxr.resample(piece(12, 30.0)[10 * RATE_HZ : 24 * RATE_HZ], RATE_HZ * 1.03, RATE_HZ)
    soundfile.write(tmp_path / "q.wav", np.concatenate([before, piece(11, 30.0)[5 * RATE_HZ : 17 * RATE_HZ], after, faster]), RATE_HZ)
    found = as_json(run, "--home", known, "catalogue", "identify", tmp_path / "q.wav")
    first, second = [one for one in found if one["evidence_millidecades"] > SURE]
    assert (first["recording_id"], second["recording_id"]) == ("x11", "x12")
    assert [first[name] // 1000 for name in ("start_ms", "end_ms", "asset_start_ms", "asset_end_ms")] == pytest.approx(
        [10, 22, 5, 17], abs=1
    )
    assert second["speed_ppm"] == pytest.approx(1_030_000, abs=5_000) and second["pitch_cents"] == pytest.approx(51, abs=8)
    assert max(first["false_match_ppb"], second["false_match_ppb"]) < 1_000
    text = run("--home", known, "catalogue", "identify", tmp_path / "q.wav")
    assert "of x11" in text and "% speed" in text and "1 in 1,000,000,000" in text


def test_a_stranger_is_not_found(known: Path, run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "q.wav", piece(93, 20.0), RATE_HZ)
    found = as_json(run, "--home", known, "catalogue", "identify", tmp_path / "q.wav")
    assert not [one for one in found if one["evidence_millidecades"] > SURE]
    soundfile.write(tmp_path / "silence.wav", np.zeros(8 * RATE_HZ), RATE_HZ)
    assert "nothing" in run("--home", known, "catalogue", "identify", tmp_path / "silence.wav")
    (tmp_path / "no.wav").write_bytes(b"no sound")
    assert "no.wav" in run("--home", known, "catalogue", "identify", tmp_path / "no.wav", expect=1)


def test_what_cannot_be_heard_is_named_and_the_rest_goes_on(known: Path, run: Run, tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    for name, samples in (
        ("gone", piece(21, 4.0)),
        ("changed", piece(22, 4.0)),
        ("silent", np.zeros(RATE_HZ * 4)),
        ("short", piece(23, 0.3)),
        ("sound", piece(24, 4.0)),
    ):
        soundfile.write(audio / f"{name}.flac", samples, RATE_HZ, subtype="PCM_16")
    add(run, known, audio, "gone", "changed", "silent", "short", "sound")
    (audio / "gone.flac").unlink()
    soundfile.write(audio / "changed.flac", piece(25, 4.0), RATE_HZ, subtype="PCM_16")
    names = ("gone", "changed", "silent", "short", "sound")
    answer = as_json(run, "--home", known, "catalogue", "fingerprint", *names, "--again", expect=1)
    assert answer["assets"] == 1 and {one["file"] for one in answer["problems"]} == {"gone.flac", "changed.flac"}
    assert {one["file"] for one in answer["silent"]} == {"silent.flac", "short.flac"}
    assert "silent.flac (silent)" in run("--home", known, "catalogue", "fingerprint", expect=1)


@pytest.mark.sqlite  # two homes, two databases
def test_what_the_catalogue_does_not_have_leaves_the_index(known: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    other = tmp_path / "other"
    run("--home", other, "init", "--origin", "other")
    run("--home", other, "catalogue", "import", "--folder", catalogue_folder)
    assert "no_index" in run("--home", other, "catalogue", "identify", catalogue_folder / "audio" / "one.flac", expect=3)
    shutil.copytree(known / "fingerprints", other / "fingerprints")
    answer = as_json(run, "--home", other, "catalogue", "fingerprint")
    assert (answer["assets"], answer["removed"]) == (0, 3)
    soundfile.write(tmp_path / "q.wav", piece(11, 20.0), RATE_HZ)
    found = as_json(run, "--home", other, "catalogue", "identify", tmp_path / "q.wav")
    assert not [one for one in found if one["recording_id"] == "x11" or one["evidence_millidecades"] > SURE]
    (other / "fingerprints" / "index.json").write_text("{")
    assert "bad_index" in run("--home", other, "catalogue", "identify", tmp_path / "q.wav", expect=3)
