"""Canaries: roles by lot, commitments that hide and can be opened, tests that are valid, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ritornello.attribution.rank_test import simulate_trials
from ritornello.attribution.rank_test import test_larger as compare
from ritornello.domain import merkle
from ritornello.formats.canaries import commit
from ritornello.formats.checkpoint import open_note
from tests.conftest import RATE_HZ, tune

Run = Callable[..., str]


@pytest.fixture
def batch(home: Path, tmp_path: Path, run: Run) -> list[dict[str, Any]]:
    """Ten canaries."""
    for seed in range(10):
        soundfile.write(tmp_path / f"canary{seed}.wav", tune(100 + seed, 0.4), RATE_HZ)
    return list(json.loads(run("--home", home, "--json", "canary", "register", *sorted(tmp_path.glob("canary*.wav")))))


def write_scores(path: Path, scores: dict[str, float]) -> Path:
    path.write_text("canary_id,score\n" + "".join(f"{name},{score}\n" for name, score in scores.items()))
    return path


def test_half_of_a_batch_is_drawn_and_the_log_tells_neither_file_nor_role(home: Path, batch: list[dict[str, Any]], run: Run) -> None:
    assert sum(one["used"] for one in batch) == 5
    assert json.loads(run("--home", home, "--json", "canary", "list")) == batch
    entries = run("--home", home, "--json", "log", "show")
    for one in batch:
        assert one["commitment"] == commit(one["canary_id"], one["sha256"], one["used"], one["salt"])
        assert one["commitment"] in entries
        assert not any(secret in entries for secret in (one["sha256"], one["salt"], Path(one["file"]).name))


def test_a_model_that_read_the_used_ones_is_told(home: Path, batch: list[dict[str, Any]], tmp_path: Path, run: Run) -> None:
    losses = {one["canary_id"]: number * 0.01 - 5 * one["used"] for number, one in enumerate(batch)}
    scores = write_scores(tmp_path / "scores.csv", losses)
    result = json.loads(run("--home", home, "--json", "canary", "test", scores, "--lower", "--out", tmp_path / "record.json"))
    assert (
        result["p_value"] == pytest.approx(1 / 252) == result["least_p_value"] and result["better"] == 1.0 and result["method"] == "exact"
    )
    assert json.loads(run("--home", home, "--json", "canary", "test", scores))["p_value"] == 1.0
    record = json.loads((tmp_path / "record.json").read_text())
    root = open_note(record["log"]["checkpoint"], record["log"]["vkey"]).root
    for row in record["canaries"]:
        proof = row["proof"]
        entry = json.loads(proof["entry"])
        assert entry["hash"] == row["commitment"] == commit(row["canary_id"], row["sha256"], row["used"], row["salt"])
        hashes = [bytes.fromhex(each) for each in proof["hashes"]]
        assert merkle.verify_inclusion(merkle.leaf_hash(proof["entry"].encode()), proof["index"], proof["tree_size"], hashes, root)
    assert "out_exists" in run("--home", home, "canary", "test", scores, "--out", tmp_path / "record.json", expect=3)


def test_scores_that_would_make_the_test_worthless_are_refused(home: Path, batch: list[dict[str, Any]], tmp_path: Path, run: Run) -> None:
    names = [one["canary_id"] for one in batch]
    scores = tmp_path / "scores.csv"
    scores.write_text("canary_id,score\n" + "".join(f"{name},1\n" for name in names[:8]) + f"{names[0]},2\nnobody,1\n{names[8]},nan\n")
    told = run("--home", home, "canary", "test", scores, expect=1)
    for words in ("c000010 has no score", "no canary 'nobody'", "'nan' is no number", "c000001"):
        assert words in told
    for seed in range(8):
        soundfile.write(tmp_path / f"more{seed}.wav", tune(200 + seed, 0.4), RATE_HZ)
    run("--home", home, "canary", "register", *sorted(tmp_path.glob("more*.wav")))
    both = write_scores(tmp_path / "both.csv", {f"c{number:06d}": number for number in range(1, 19)})
    assert "batches 1, 2" in run("--home", home, "canary", "test", both, expect=1)


def test_what_is_released_or_a_canary_already_is_refused(
    home: Path, batch: list[dict[str, Any]], tmp_path: Path, catalogue_folder: Path, run: Run
) -> None:
    again, released = tmp_path / "canary3.wav", catalogue_folder / "audio" / "one.flac"
    told = run("--home", home, "canary", "register", again, released, expect=1)
    assert "is a canary already" in told and "is in the catalogue" in told
    soundfile.write(tmp_path / "new.wav", tune(300, 0.4), RATE_HZ)
    assert "too_few_canaries" in run("--home", home, "canary", "register", tmp_path / "new.wav", expect=3)


def test_p_values_are_those_counted_by_hand() -> None:
    assert compare([3, 4], [1, 2]).p_value == pytest.approx(1 / 6)
    assert compare([2, 4], [1, 3]).p_value == pytest.approx(2 / 6)
    tied = compare([1, 1], [1, 1])
    assert tied.p_value == 1.0 and tied.better == 0.5
    assert compare([2, 2, 1], [2, 1, 1]).p_value == pytest.approx(10 / 20)
    many = compare([1.0] * 30 + [0.0] * 10, [1.0] * 10 + [0.0] * 30, seed=1)
    assert many.method == "permutations" and many.least_p_value == 1e-5 <= many.p_value < 1e-4


def test_clean_models_alarm_no_more_often_than_the_level_says() -> None:
    clean = simulate_trials(20, 20, 200, 0.0, seed=1)
    assert all(one.low <= one.level for one in clean)
    told = simulate_trials(20, 20, 50, 1.0, seed=1)
    assert told[0].alarms > 25
    assert np.isfinite([one.high for one in clean]).all()
