"""What is heard in outputs is kept, told and streamed; garbage is nobody's."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello.attribution.witnesses import FINGERPRINT, SPECTRA, Passage, join, list_matches, measure_coverage
from ritornello.formats.attribution_evidence import read_evidence
from ritornello.service.listening import Listener
from tests.conftest import RATE_HZ, make_home, train, tune

Run = Callable[..., str]


@pytest.fixture
def attributed(tmp_path: Path, catalogue_folder: Path, run: Run) -> Path:
    """A home with attributed outputs whose files are where they were registered."""
    return train(make_home(tmp_path, catalogue_folder, run), tmp_path, run)


def test_evidence_is_stored_shown_and_the_same_again(attributed: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run("--home", attributed, "attribution", "show", "o1")
    assert "0:00.0–0:02.0 is 0:00.0–0:02.0 of" in shown and "(r1)" in shown and "(r2)" in shown
    found = json.loads(run("--home", attributed, "--json", "attribution", "show", "o1"))
    assert sum(found["weights"].values()) == 1_000_000 and found["coverage_ppm"] > 900_000
    assert all(one["counted"] for one in found["passages"])
    before = json.loads(run("--home", attributed, "--json", "attribute", "m", "--control", "r6"))
    listened: list[Path] = []
    hear = Listener.hear
    monkeypatch.setattr(Listener, "hear", lambda self, path, length: listened.append(path) or hear(self, path, length))
    again = json.loads(run("--home", attributed, "--json", "attribute", "m", "--control", "r6"))
    assert again["evidence_sha256"] == before["evidence_sha256"] and not listened  # nothing is heard twice
    store = attributed / "files" / again["evidence_sha256"][:2] / again["evidence_sha256"][2:]
    document = store.read_bytes()
    header, outputs = read_evidence(document)
    assert header["method"] == "audible-evidence" and [one["output_id"] for one in outputs] == ["o1", "o2", "o3", "o4"]
    next(iter((attributed / "evidence").glob("*/*.json"))).unlink()  # as after an interruption
    third = json.loads(run("--home", attributed, "--json", "attribute", "m", "--control", "r6"))
    assert len(listened) == 1 and third["evidence_sha256"] == again["evidence_sha256"]


def test_a_stream_answers_for_outputs_and_files_and_goes_on_after_what_is_wrong(
    attributed: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "new.wav", tune(2)[RATE_HZ : 4 * RATE_HZ], RATE_HZ)
    soundfile.write(tmp_path / "silence.wav", np.zeros(8_000 * 4), 8_000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF" + bytes(100))
    names = ["o1", str(tmp_path / "new.wav"), "", "nothing", str(tmp_path / "broken.wav"), str(tmp_path / "silence.wav")]
    (tmp_path / "names").write_text("\n".join(names))
    with (tmp_path / "names").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        answers = [json.loads(line) for line in run("--home", attributed, "attribute", "m", "--stream").splitlines()]
    assert [one["output_id"] for one in answers] == [name for name in names if name]
    assert answers[0]["weights"].keys() == {"r1", "r2", "unattributed"}
    assert answers[1]["weights"]["r2"] > 950_000 and answers[1]["passages"][0]["source_start_ms"] == pytest.approx(1_000, abs=30)
    assert "no output of m" in answers[2]["error"]["what"] and answers[3]["error"]["todo"]
    assert answers[4]["weights"] == {"unattributed": 1_000_000} and answers[4]["passages"] == []


def test_an_output_that_is_gone_is_refused_and_the_old_method_stays(attributed: Path, run: Run, tmp_path: Path) -> None:
    old = json.loads(run("--home", attributed, "--json", "attribute", "m", "--method", "spectral-copy-detection"))
    assert (old["method"], old["method_version"]) == ("spectral-copy-detection", "1")
    assert "unknown_method" in run("--home", attributed, "attribute", "m", "--method", "guessing", expect=3)
    assert "unknown_output" in run("--home", attributed, "attribution", "show", "o9", expect=3)
    shutil.rmtree(attributed / "evidence")
    (tmp_path / "o1.wav").rename(tmp_path / "elsewhere.wav")
    assert "file_changed" in run("--home", attributed, "attribute", "m", expect=3)


def test_fingerprints_fill_what_spectra_leave() -> None:
    spectra = Passage(SPECTRA, "a", 1_000, 3_000, 0, 2_000, 1_000_000, 0, 950_000, None)
    under = Passage(FINGERPRINT, "b", 0, 5_000, 9_000, 14_000, 1_000_000, 0, None, 7)
    edge = Passage(FINGERPRINT, "c", 2_900, 3_200, 0, 300, 1_000_000, 0, None, 7)
    bridging = Passage(FINGERPRINT, "a", 0, 3_000, 0, 3_000, 1_000_000, 0, None, 7)
    assert [one.counted for one in join([spectra], [bridging]) if one.witness == FINGERPRINT] == [()]  # spectra know where it begins
    faster = Passage(FINGERPRINT, "a", 0, 3_000, 0, 3_120, 1_040_000, 0, None, 7)
    assert [one.counted for one in join([spectra], [faster]) if one.witness == FINGERPRINT] == [
        ((0, 1_000),)
    ]  # spectra heard only parts of that
    joined = join([spectra], [under, edge])
    assert {one.recording_id: one.counted for one in joined} == {"a": ((1_000, 3_000),), "b": ((0, 1_000), (3_000, 5_000)), "c": ()}
    assert measure_coverage(joined, 10_000) == 500_000
    assert [(one.recording_id, one.start_ms, one.source_start_ms) for one in list_matches(joined)] == [
        ("b", 0, 9_000), ("b", 3_000, 12_000), ("a", 1_000, 0),
    ]  # fmt: skip
