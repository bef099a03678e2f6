"""Influence scores at the door: blended with what is heard, as far as their audit allows, and settled."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello.formats.attribution_audit import Audit, Fit, Report, write_audit
from ritornello.formats.attribution_scores import Scores, write_scores
from tests.conftest import RATE_HZ, make_home, settle, train

Run = Callable[..., str]
AUDIT = Audit(
    "ek-fac",
    "1",
    "Shapley values",
    "a small model",
    Fit(64, 600_000, 500_000, 700_000),
    Report(64, 117_000, 104_000, 131_000, 41_000, 32, 130_000, 27_000),
)
OUTPUTS = ("o1", "o2", "o3", "o4", "o5")


@pytest.fixture
def home(tmp_path: Path, catalogue_folder: Path, run: Run) -> Path:
    """A home with attributed outputs whose files are where they were registered."""
    home = train(make_home(tmp_path, catalogue_folder, run), tmp_path, run)
    soundfile.write(tmp_path / "o5.wav", 0.1 * np.random.default_rng(1).normal(size=3 * RATE_HZ), RATE_HZ)  # nobody's sound
    (tmp_path / "more.csv").write_text("output_id,file,model_version,made_on\no5,o5.wav,m,2026-10-02\n")
    run("--home", home, "output", "add", tmp_path / "more.csv")
    run("--home", home, "attribute", "m")
    return home


def bring(folder: Path, audit: Audit = AUDIT, by_output: dict[str, dict[str, float]] | None = None) -> tuple[Path, Path]:
    by_output = by_output or {name: {"r1": 3.0, "r2": -1.0, "r3": 1.0, "r6": 4.0} for name in OUTPUTS}
    write_scores(folder / "scores.parquet", Scores("ek-fac", "1", by_output, {}))
    (folder / "audit.json").write_text(json.dumps(write_audit(audit)))
    return folder / "scores.parquet", folder / "audit.json"


def test_scores_divide_what_is_not_heard_as_far_as_the_audit_allows(home: Path, tmp_path: Path, run: Run) -> None:
    heard = json.loads(run("--home", home, "--json", "attribution", "show", "o5"))["weights"]
    scores, audit = bring(tmp_path)
    report = json.loads(run("--home", home, "--json", "attribute", "m", "--scores", scores, "--audit", audit))
    assert (report["method"], report["method_version"], report["a_ppm"]) == ("audible-evidence+ek-fac", "1+1", 600_000)
    assert (report["error_ppm"], report["aggregate_error_ppm"]) == (117_000, 41_000)  # nobody gave a truth: the audit's
    assert (report["noise_recording_ppm"], report["noise_catalogue_ppm"]) == (130_000, 27_000)
    assert report["influence_leak_ppm"] == 500_000  # r6 was never trained on, and gets nothing
    weights = json.loads(run("--home", home, "--json", "attribution", "show", "o5"))["weights"]
    left = heard["unattributed"]
    assert left > 900_000
    assert sum(weights.values()) == 1_000_000 and "r6" not in weights and weights["unattributed"] == 0
    # Of what is left 60 % by influence (r1 3, r3 1), 40 % by exposure (r1 1, r2 2, r3 3).
    by_rule = {"r1": left * (0.6 * 3 / 4 + 0.4 * 1 / 6), "r2": left * 0.4 * 2 / 6, "r3": left * (0.6 / 4 + 0.4 * 3 / 6)}
    assert {name: weights[name] - heard.get(name, 0) for name in by_rule} == pytest.approx(by_rule, abs=2)
    assert report["evidence_ppm"] + report["influence_ppm"] + report["exposure_ppm"] == 1_000_000
    text = run("--home", home, "attribute", "m", "--scores", scores, "--audit", audit)
    assert "follows influence" in text and "error by the audit: 11.70 %" in text


def test_statements_say_what_followed_influence(home: Path, tmp_path: Path, run: Run) -> None:
    scores, audit = bring(tmp_path)
    run("--home", home, "attribute", "m", "--scores", scores, "--audit", audit)
    settle(home, tmp_path, run)
    run("--home", home, "bundle", "p-2026-10", tmp_path / "bundle")
    quality = json.loads((tmp_path / "bundle" / "period" / "quality.jsonl").read_text())
    assert quality["influence_ppm"] > 0 and quality["noise_catalogue_ppm"] == 27_000


def test_scores_that_do_not_fit_are_refused_with_every_problem(home: Path, tmp_path: Path, run: Run) -> None:
    scores, audit = bring(tmp_path)
    assert "scores_need_audit" in run("--home", home, "attribute", "m", "--scores", scores, expect=3)
    scores, audit = bring(tmp_path, Audit("tracin", "2", AUDIT.truth, AUDIT.world, AUDIT.fit, AUDIT.report))
    assert "is an audit of tracin 2" in run("--home", home, "--json", "attribute", "m", "--scores", scores, "--audit", audit, expect=1)
    scores, audit = bring(tmp_path, by_output={"o1": {"r1": 1.0}, "o9": {"r1": 1.0}})
    audit.write_text("{}")
    problems = json.loads(run("--home", home, "--json", "attribute", "m", "--scores", scores, "--audit", audit, expect=1))["problems"]
    assert [problem["file"] for problem in problems] == ["audit.json", *["scores.parquet"] * 5]
    assert "no output" in problems[1]["what"] and "has no score" in problems[2]["what"]
