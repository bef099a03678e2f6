"""Exported datasets: whatever is changed, missing or slipped in is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


@pytest.fixture
def dataset(home: Path, run: Run, tmp_path: Path) -> Path:
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    run("--home", home, "snapshot", "export", "p-s1", tmp_path / "dataset")
    return tmp_path / "dataset"


def test_a_whole_dataset_verifies(dataset: Path, run: Run) -> None:
    answer = json.loads(run("--json", "snapshot", "verify", dataset))
    assert answer == {"good": 3, "problems": []}


def test_freezing_again_gives_the_same_members(home: Path, run: Run) -> None:
    first = json.loads(run("--home", home, "--json", "snapshot", "freeze", "--programme", "p"))
    second = json.loads(run("--home", home, "--json", "snapshot", "freeze", "--programme", "p"))
    assert (first["assets"], first["duration_ms"]) == (second["assets"], second["duration_ms"])
    assert [row["snapshot_id"] for row in json.loads(run("--home", home, "--json", "snapshot", "list"))] == ["p-s1", "p-s2"]


def _flip(dataset: Path) -> str:
    victim = next((dataset / "audio").iterdir())
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    return victim.name


def _remove(dataset: Path) -> str:
    victim = next((dataset / "audio").iterdir())
    victim.unlink()
    return victim.name


def _slip_in(dataset: Path) -> str:
    (dataset / "audio" / "bonus.wav").write_bytes(b"RIFF")
    return "bonus.wav"


def _swap_for_link(dataset: Path) -> str:
    victim = next((dataset / "audio").iterdir())
    shutil.move(victim, dataset.parent / "elsewhere")
    victim.symlink_to(dataset.parent / "elsewhere")
    return victim.name


def _slip_a_row_in(dataset: Path) -> str:
    manifest = dataset / "manifest.jsonl"
    rows = manifest.read_text().splitlines()
    row = {**json.loads(rows[-1]), "asset_id": "sha256:" + "f" * 64, "file": "audio/bonus.wav"}
    (dataset / "audio" / "bonus.wav").write_bytes(b"RIFF")
    manifest.write_text("\n".join([*rows, json.dumps(row, sort_keys=True, separators=(",", ":"))]) + "\n")
    return "manifest.jsonl"


def _lead_out(dataset: Path) -> str:
    manifest = dataset / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"file":"audio/', '"file":"../dataset/audio/', 1))
    return "manifest.jsonl"


@pytest.mark.parametrize("harm", [_flip, _remove, _slip_in, _swap_for_link, _slip_a_row_in, _lead_out])
def test_harm_is_named(dataset: Path, run: Run, harm: Callable[[Path], str]) -> None:
    name = harm(dataset)
    answer = json.loads(run("--json", "snapshot", "verify", dataset, expect=1))
    assert any(name in problem["file"] for problem in answer["problems"]), answer


def test_the_root_can_come_from_elsewhere(dataset: Path, run: Run) -> None:
    root = json.loads((dataset / "snapshot.json").read_text())["manifest_root"]
    run("snapshot", "verify", dataset, "--root", root)
    assert "not the root you gave" in run("snapshot", "verify", dataset, "--root", "0" * 64, expect=1)


def test_a_changed_original_is_not_exported(home: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    original = catalogue_folder / "audio" / "two.flac"
    kept = original.read_bytes()
    try:
        original.write_bytes(kept + b"\x00")
        assert "file_changed" in run("--home", home, "snapshot", "export", "p-s1", tmp_path / "d", expect=3)
    finally:
        original.write_bytes(kept)


def test_nobody_agrees_so_nothing_is_frozen(tmp_path: Path, run: Run, catalogue_folder: Path) -> None:
    home = tmp_path / "quiet"
    run("--home", home, "init")
    run("--home", home, "catalogue", "import", "--folder", catalogue_folder)
    run("--home", home, "programme", "add", catalogue_folder / "programme.toml")
    assert "empty_snapshot" in run("--home", home, "snapshot", "freeze", "--programme", "p", expect=3)
    assert "not_in_force" in run("--home", home, "snapshot", "freeze", "--programme", "p", "--day", "2019-12-31", expect=3)
