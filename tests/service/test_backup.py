"""Backups: a home that can be gone on with, whatever happened while it was made."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.service import backup as service
from ritornello.settings import read_settings
from ritornello.wiring import Home

Run = Callable[..., str]


def tell(run: Run, home: Path) -> list[object]:
    """What a home says of itself: log, ledger, catalogue."""
    return [json.loads(run("--home", home, "--json", *words)) for words in (("log", "verify"), ("ledger", "verify"), ("catalogue", "show"))]


@pytest.mark.sqlite
def test_a_backup_is_a_home(settled: Path, tmp_path: Path, run: Run) -> None:
    before, copy = tell(run, settled), tmp_path / "copy"
    first = json.loads(run("--home", settled, "--json", "backup", copy))
    assert first["database"] is True
    assert first["files_copied"] > 10
    kept = tmp_path / "kept"
    shutil.copytree(settled, kept)
    shutil.rmtree(settled)
    assert tell(run, copy) == before
    assert run("--home", copy, "statement", "p-2026-10", "ana") == run("--home", kept, "statement", "p-2026-10", "ana")
    assert (copy / "keys" / "log.pem").stat().st_mode & 0o077 == 0
    assert (copy / "ritornello.db").stat().st_mode & 0o077 == 0


@pytest.mark.sqlite
def test_while_somebody_writes_and_again_later(settled: Path, tmp_path: Path, run: Run) -> None:
    copy, home = tmp_path / "copy", Home(settled, read_settings().database)
    with home.context() as writer:
        writer.record("test", "a", "00")
        first = json.loads(run("--home", settled, "--json", "backup", copy))
    entries = json.loads(run("--home", copy, "--json", "log", "verify"))["entries"]
    assert json.loads(run("--home", settled, "--json", "log", "verify"))["entries"] == entries + 1
    again = json.loads(run("--home", settled, "--json", "backup", copy))
    assert (again["files_copied"], again["files_there"]) == (0, first["files_copied"])
    assert json.loads(run("--home", copy, "--json", "log", "verify"))["entries"] == entries + 1
    home.close()


@pytest.mark.sqlite
def test_stopped_in_the_middle_the_earlier_one_stands(settled: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy"
    run("--home", settled, "backup", copy)
    before = tell(run, copy)
    run("--home", settled, "access", "add", "op", "--role", "admin")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(service, "_copy_files", stop)
        run("--home", settled, "backup", copy, expect=130)
    assert tell(run, copy) == before
    assert json.loads(run("--home", copy, "--json", "access", "list")) == []
    run("--home", settled, "backup", copy)
    assert len(json.loads(run("--home", copy, "--json", "access", "list"))) == 1


@pytest.mark.sqlite
def test_other_folders_are_left_alone(settled: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    assert "bad_backup" in run("--home", settled, "backup", tmp_path / "letters", expect=3)
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["a.txt"]
    assert "bad_backup" in run("--home", settled, "backup", settled, expect=3)
    assert "bad_backup" in run("--home", settled, "backup", settled / "files" / "b", expect=3)
    run("--home", tmp_path / "other", "init")
    assert "bad_backup" in run("--home", settled, "backup", tmp_path / "other", expect=3)


def test_with_a_database_server_the_rest_is_copied(settled: Path, tmp_path: Path, run: Run, database: str) -> None:
    done = json.loads(run("--home", settled, "--json", "backup", tmp_path / "copy"))
    assert done["database"] is ("sqlite" in database)
    assert (tmp_path / "copy" / "ritornello.json").is_file()
