"""Snapshots in every form: the same bytes each time, whole or not at all, loadable by mlcroissant."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ritornello.cli import dataset_exports as commands
from ritornello.cli.frame import Frame
from ritornello.domain.errors import BadInput, Refused
from ritornello.formats.dataset_folder import FORMS
from ritornello.service.dataset_exports import Exported, export_as, verify_export
from ritornello.settings import read_settings
from ritornello.wiring import open_context

Run = Callable[..., str]
SHARD_BYTES = 100_000  # one sample each


def _export(home: Path, folder: Path, form: str) -> Exported:
    with open_context(home, read_settings().database, lambda text: None) as context:
        return export_as(context, "p-s1", folder, form, SHARD_BYTES)


@pytest.fixture
def frozen(home: Path, run: Run) -> Path:
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    return home


@pytest.fixture
def exports(frozen: Path, tmp_path: Path) -> dict[str, Path]:
    for form in FORMS:
        _export(frozen, tmp_path / form, form)
    return {form: tmp_path / form for form in FORMS}


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_exporting_again_gives_the_same_bytes(exports: dict[str, Path], frozen: Path, tmp_path: Path) -> None:
    for form, folder in exports.items():
        exported = _export(frozen, tmp_path / "again" / form, form)
        assert (exported.assets, exported.shards, str(exported.not_after)) == (3, 3 if form == "webdataset" else 0, "2099-12-31")
        assert _files(tmp_path / "again" / form) == _files(folder)
        assert verify_export(folder) == (3, [])
        assert "not the root you gave" in str(verify_export(folder, "0" * 64)[1][0])
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("form", FORMS)
def test_harm_to_any_file_is_named(exports: dict[str, Path], form: str, tmp_path: Path) -> None:
    def check(name: str, harm: Callable[[Path], object]) -> None:
        copy = Path(shutil.copytree(exports[form], tmp_path / "copy"))
        harm(copy / name)
        _, problems = verify_export(copy)
        named = {"snapshot.json": "not an exported snapshot", "dataset.json": "since the export"}.get(name, name)
        assert any(name in str(problem) or named in str(problem) for problem in problems), (name, problems)
        shutil.rmtree(copy)

    for name in _files(exports[form]):
        check(name, _flip)
        if name not in ("snapshot.json", "manifest.jsonl"):
            check(name, Path.unlink)
    check("bonus.wav", lambda path: path.write_bytes(b"RIFF"))
    check("link", lambda path: path.symlink_to("/"))


def test_an_export_is_there_whole_or_not_at_all(frozen: Path, catalogue_folder: Path, tmp_path: Path) -> None:
    original = catalogue_folder / "audio" / "three.flac"
    kept = original.read_bytes()
    try:
        for form in FORMS:
            original.write_bytes(kept[:-1] + b"?")
            with pytest.raises(Refused, match="has changed since import"):
                _export(frozen, tmp_path / form, form)
            original.unlink()
            with pytest.raises(Refused, match="no longer at"):
                _export(frozen, tmp_path / form, form)
            assert not (tmp_path / form).exists()
    finally:
        original.write_bytes(kept)
    assert not list(tmp_path.glob(".exporting-*"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(Refused, match="exists already"):
        _export(frozen, tmp_path / "full", "webdataset")
    with pytest.raises(BadInput, match="not a form"):
        _export(frozen, tmp_path / "new", "zip")


def test_consent_that_ended_stops_every_form(frozen: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "no.csv").write_text(
        "party_id,recording_id,kind,purpose,decision,effective_from\nben,r3,recording,ai_training,withdraw,2020-01-01\n"
    )
    arguments = ("--home", frozen, "--json", "consent", "import", tmp_path / "no.csv", "--programme", "p")
    token = json.loads(run(*arguments))["token"]
    run(*arguments, "--confirm", token)
    for form in FORMS:
        with pytest.raises(BadInput, match="may not be used"):
            _export(frozen, tmp_path / form, form)


def test_an_announced_withdrawal_is_the_last_day(frozen: Path, run: Run, tmp_path: Path) -> None:
    rows = "ben,r3,recording,ai_training,withdraw,2090-03-01\nben,r4,recording,ai_training,withdraw,2080-01-01\n"
    (tmp_path / "no.csv").write_text("party_id,recording_id,kind,purpose,decision,effective_from\n" + rows)
    arguments = ("--home", frozen, "--json", "consent", "import", tmp_path / "no.csv", "--programme", "p")
    run(*arguments, "--confirm", json.loads(run(*arguments))["token"])
    assert str(_export(frozen, tmp_path / "dataset", "folder").not_after) == "2090-02-28"


def test_a_stem_alone_needs_no_parent(catalogue_folder: Path, run: Run, tmp_path: Path) -> None:
    catalogue = Path(shutil.copytree(catalogue_folder, tmp_path / "catalogue"))
    rows = (catalogue / "recordings.csv").read_text().replace("r5,five-voice.flac,stem,voice,,,", "r3,five-voice.flac,stem,guitar,,,")
    (catalogue / "recordings.csv").write_text(rows)
    home = tmp_path / "home"
    run("--home", home, "init")
    run("--home", home, "catalogue", "import", "--folder", catalogue)
    run("--home", home, "programme", "add", catalogue / "programme.toml")
    (tmp_path / "c.csv").write_text("party_id,recording_id,kind,purpose,decision,effective_to\nben,r3,stem,ai_training,grant,2098-05-01\n")
    token = json.loads(run("--home", home, "--json", "consent", "import", tmp_path / "c.csv", "--programme", "p"))["token"]
    run("--home", home, "consent", "import", tmp_path / "c.csv", "--programme", "p", "--confirm", token)
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    for form in FORMS:
        exported = _export(home, tmp_path / form, form)
        assert (exported.assets, str(exported.not_after)) == (1, "2098-05-01")
        assert verify_export(tmp_path / form) == (1, [])
        (row,) = (json.loads(line) for line in (tmp_path / form / "manifest.jsonl").read_bytes().splitlines())
        assert (row["recording_id"], row["kind"]) == ("r3", "stem")


def test_the_commands(frozen: Path, tmp_path: Path) -> None:
    frame = Frame(frozen, read_settings().database, as_json=False, quiet=True)
    arguments = ["p-s1", str(tmp_path / "d"), "--as", "webdataset", "--shard-mib", "1"]
    answer = CliRunner().invoke(commands.export, arguments, obj=frame)
    assert "3 files in 1 shard(s)" in answer.output
    assert "3 files are what was consented to; nothing else" in CliRunner().invoke(commands.verify, [str(tmp_path / "d")], obj=frame).output
    (tmp_path / "d" / "bonus").touch()
    answer = CliRunner().invoke(commands.verify, [str(tmp_path / "d")], obj=frame)
    assert (answer.exit_code, "nobody's consent" in answer.output) == (1, True)


def test_the_terms_in_odrl(exports: dict[str, Path]) -> None:
    offer = json.loads((exports["folder"] / "croissant.json").read_bytes())["usageInfo"]
    (permission,) = offer["odrl:permission"]
    assert permission["odrl:constraint"][0]["odrl:rightOperand"] == "ai_training"
    assert permission["odrl:constraint"][1]["odrl:rightOperand"] == {"@type": "xsd:date", "@value": "2099-12-31"}
    assert [duty["odrl:action"]["@id"] for duty in permission["odrl:duty"]] == ["odrl:inform", "odrl:compensate"]


@pytest.mark.parametrize("form", FORMS)
def test_mlcroissant_validates_and_loads(exports: dict[str, Path], form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROISSANT_CACHE", str(tmp_path / "cache"))  # read when mlcroissant is imported
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    folder = exports[form]
    dataset: Any = mlcroissant.Dataset(str(folder / "croissant.json"))
    assert (dataset.metadata.ctx.issues.errors, dataset.metadata.ctx.issues.warnings) == (set(), set())
    manifest = {row["asset_id"]: row for row in map(json.loads, (folder / "manifest.jsonl").read_bytes().splitlines())}
    assert dataset.metadata.version == f"1.0.0+{json.loads((folder / 'snapshot.json').read_bytes())['manifest_root']}"
    records = list(dataset.records("assets"))
    assert {record["assets/asset_id"].decode() for record in records} == set(manifest)
    for record in records:
        row = manifest[record["assets/asset_id"].decode()]
        assert record["assets/dataset_split"] == b"train"
        assert (record["assets/duration_ms"], record["assets/recording_id"]) == (row["duration_ms"], row["recording_id"].encode())
    assert list(dataset.records("splits")) == [{"splits/name": "train", "splits/url": "cr:TrainingSplit"}]
    if form == "webdataset":
        sounds = {record["sounds/asset_sha256"].decode(): len(record["sounds/audio"]) for record in dataset.records("sounds")}
        assert sounds == {asset_id.removeprefix("sha256:"): row["bytes"] for asset_id, row in manifest.items()}
