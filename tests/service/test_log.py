"""The log can't be rewritten, cut or forged without somebody with an old checkpoint noticing."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.domain import merkle
from ritornello.formats.checkpoint import open_note

Run = Callable[..., str]


@pytest.fixture
def kept(home: Path, run: Run, tmp_path: Path) -> Path:
    """A checkpoint that somebody kept before more was logged."""
    run("--home", home, "log", "checkpoint", "--out", tmp_path / "checkpoint")
    run("--home", home, "snapshot", "freeze", "--programme", "p")
    return tmp_path / "checkpoint"


def _break_triggers(home: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(home / "ritornello.db")
    for verb in ("update", "delete"):
        connection.execute(f"DROP TRIGGER log_entry_no_{verb}")
    return connection


def test_the_log_only_grows(home: Path, run: Run, kept: Path) -> None:
    answer = json.loads(run("--home", home, "--json", "log", "verify", "--checkpoint", kept))
    checkpoint = open_note(kept.read_text(), Path(f"{kept}.vkey").read_text())
    assert answer["consistent_with"] == checkpoint.size < answer["entries"]
    kinds = {entry["kind"] for entry in json.loads(run("--home", home, "--json", "log", "show"))}
    assert {"import", "programme", "consent", "snapshot"} <= kinds


def test_every_entry_has_a_proof(home: Path, run: Run, kept: Path) -> None:
    root = bytes.fromhex(json.loads(run("--home", home, "--json", "log", "verify"))["root"])
    proof = json.loads(run("--home", home, "--json", "log", "prove", 3))
    hashes = [bytes.fromhex(step) for step in proof["hashes"]]
    assert merkle.verify_inclusion(merkle.leaf_hash(proof["entry"].encode()), 3, proof["tree_size"], hashes, root)
    assert "unknown_entry" in run("--home", home, "log", "prove", 10_000, expect=3)


@pytest.mark.sqlite
def test_rows_are_guarded(home: Path) -> None:
    with sqlite3.connect(home / "ritornello.db") as connection:
        for table in ("log_entry", "consent_event", "claim", "posting"):
            rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if rows:
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    connection.execute(f"DELETE FROM {table}")
    connection.close()


@pytest.mark.sqlite
def test_a_changed_entry_stops_the_program(home: Path, run: Run, kept: Path) -> None:
    connection = _break_triggers(home)
    connection.execute("UPDATE log_entry SET entry = replace(entry, 'consents.csv', 'consents.csw')")
    connection.commit()
    connection.close()
    assert "changed on disk" in run("--home", home, "log", "verify", expect=4)


@pytest.mark.sqlite
def test_rewriting_and_cutting_are_caught_by_an_old_checkpoint(home: Path, run: Run, kept: Path) -> None:
    connection = _break_triggers(home)
    size = open_note(kept.read_text(), Path(f"{kept}.vkey").read_text()).size
    entry = '{"at_us":1,"hash":"00","id":"forged","kind":"consent"}'
    connection.execute("UPDATE log_entry SET entry = ?, leaf = ? WHERE position = 2", (entry, merkle.leaf_hash(entry.encode())))
    connection.commit()
    assert "log_rewritten" in run("--home", home, "log", "verify", "--checkpoint", kept, expect=3)
    connection.execute("DELETE FROM log_entry WHERE position >= ?", (size - 1,))
    connection.commit()
    connection.close()
    assert "log_truncated" in run("--home", home, "log", "verify", "--checkpoint", kept, expect=3)


def test_a_forged_checkpoint_is_refused(home: Path, run: Run, kept: Path) -> None:
    lines = kept.read_text().split("\n")
    lines[1] = str(int(lines[1]) - 1)
    kept.write_text("\n".join(lines))
    assert "bad_checkpoint" in run("--home", home, "log", "verify", "--checkpoint", kept, expect=3)
    kept.write_text("hello")
    assert "bad_checkpoint" in run("--home", home, "log", "verify", "--checkpoint", kept, expect=3)
