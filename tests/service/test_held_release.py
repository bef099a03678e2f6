"""Held money comes to an end: what nobody claimed in time goes to those who are known, once, and later claims come too late."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import make_home, settle, train

Run = Callable[..., str]
TERMS = '[held]\nrelease_after_days = 1\nreserve = "exposure"\n\n[payout]'


@pytest.fixture
def waiting(database: str, catalogue_folder: Path, run: Run, tmp_path: Path) -> Path:
    """A settled home whose terms release held money a day after the period; 30 % of w2 and most performers are nobody's."""
    text = (catalogue_folder / "programme.toml").read_text().replace("[payout]", TERMS)
    text = text.replace('unattributed = "exposure"', 'unattributed = "reserve"').replace(
        "master = 600_000", "master = 500_000\nperformer = 100_000"
    )
    (tmp_path / "terms.toml").write_text(text)
    home = train(make_home(tmp_path, catalogue_folder, run, tmp_path / "terms.toml"), tmp_path, run)
    (tmp_path / "changed.csv").write_text("subject;lane;party_id;share_percent\nw2;publishing;songs;20\nr1;performer;ana;100\n")
    run("--home", home, "catalogue", "import", "--claims", tmp_path / "changed.csv")
    return settle(home, tmp_path, run)


def test_held_money_is_released_once(waiting: Path, run: Run, tmp_path: Path) -> None:
    home = ("--home", waiting)
    before = balances(run, waiting)
    assert before["held:suspense", "EUR"] > 0
    preview = json.loads(run(*home, "--json", "held", "release", "--programme", "p"))
    assert {row["why"] for row in preview["rows"]} >= {"gap", "unclaimed"}
    assert "not_confirmed" in run(*home, "held", "release", "--programme", "p", "--confirm", "0" * 12, expect=3)
    run(*home, "held", "release", "--programme", "p", "--confirm", preview["token"])
    after = balances(run, waiting)
    assert not any(after.get((account, currency), 0) for account, currency in before if account in {"held:suspense", "held:reserve"})
    moved = sum(after[key] - before.get(key, 0) for key in after if key[0].startswith("party:") and key[1] == "EUR")
    assert moved == before["held:suspense", "EUR"] + before.get(("held:reserve", "EUR"), 0)
    again = json.loads(run(*home, "--json", "held", "release", "--programme", "p"))
    assert again["rows"] == []
    assert "nothing_to_release" in run(*home, "held", "release", "--programme", "p", "--confirm", again["token"], expect=3)
    for mistyped in (("held", "--programme", "q"), ("held", "release", "--programme", "q")):
        assert "unknown_programme" in run(*home, *mistyped, expect=3), "a typing error does not read as: nothing is held"
    (tmp_path / "late.csv").write_text("subject;lane;party_id;share_percent\nw2;publishing;songs;50\n")
    run(*home, "catalogue", "import", "--claims", tmp_path / "late.csv")
    assert "nothing_to_correct" in run(*home, "correct", "--programme", "p", "--period", "2026-10", expect=3)
    for name in ("p-2026-10", "p-2026-10-c1"):
        run(*home, "settle", "--as-known-at", name, "--out", tmp_path / f"again-{name}")
    run(*home, "bundle", "p-2026-10-c1", tmp_path / "bundle")
    done = subprocess.run(
        [sys.executable, "-m", "ritornello_verify", str(tmp_path / "bundle")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def balances(run: Run, home: Path) -> dict[tuple[str, str], int]:
    rows = json.loads(run("--home", home, "--json", "ledger", "balances", "--programme", "p"))
    return {(row["account"], row["currency"]): int(row["balance_units"]) for row in rows}
