"""`doctor` names what is wrong, and nothing that isn't."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


def wrong(shown: str) -> list[str]:
    return [one["what"] for one in json.loads(shown) if one["state"] == "wrong"]


@pytest.fixture
def home(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RITORNELLO_DATABASE", raising=False)
    monkeypatch.delenv("RITORNELLO_DATA_KEY", raising=False)
    run("--home", tmp_path / "home", "init")
    return tmp_path / "home"


def test_a_fresh_home_is_well(home: Path, run: Run) -> None:
    shown = run("--home", home, "--json", "doctor")
    assert wrong(shown) == []
    missing = " ".join(one["what"] for one in json.loads(shown) if one["state"] == "missing")
    assert "nobody can sign in" in missing
    run("--home", home, "access", "add", "op", "--role", "admin")
    assert "nobody can sign in" not in run("--home", home, "--json", "doctor")


def test_no_home(tmp_path: Path, run: Run) -> None:
    assert "is no home → make one" in run("--home", tmp_path / "none", "doctor", expect=3)


def test_what_others_can_read(home: Path, run: Run) -> None:
    (home / "keys" / "log.pem").chmod(0o644)
    (what,) = wrong(run("--home", home, "--json", "doctor", expect=3))
    assert what.startswith("others can open")


@pytest.mark.parametrize(("name", "said"), [("keys/log.pem", "log.pem is gone"), ("ritornello.db", "has no ritornello.db")])
def test_what_is_gone(home: Path, run: Run, name: str, said: str) -> None:
    (home / name).unlink()
    assert any(said in what for what in wrong(run("--home", home, "--json", "doctor", expect=3)))


def test_a_bad_key_and_a_server_that_is_not_there(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RITORNELLO_DATA_KEY", "secret")
    shown = run("--home", home, "doctor", expect=3)
    assert "wrong" in shown
    assert "secret" not in shown
    monkeypatch.delenv("RITORNELLO_DATA_KEY")
    monkeypatch.setenv("RITORNELLO_DATABASE", "postgresql+psycopg://nobody:hidden@127.0.0.1:1/none")
    shown = run("--home", home, "doctor", expect=3)
    assert "the database can't be opened" in shown
    assert "hidden" not in shown
