"""A model that goes on earning long after a withdrawal: paid, named on the statement and in a list, and recomputed by others."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Run = Callable[..., str]


def test_use_after_the_tail_is_paid_and_named(trained: Path, run: Run, tmp_path: Path) -> None:
    home, period = ("--home", trained), f"{datetime.now(UTC).year + 2}-06"
    run(*home, "consent", "withdraw", "--programme", "p", "--party", "ana", "--recording", "r1")
    (tmp_path / "sales.csv").write_text("line_id,product,model_version,territory,currency,net_amount\nl1,App,m,DE,EUR,1000.00\n")
    run(*home, "revenue", "import", tmp_path / "sales.csv", "--programme", "p", "--period", period)
    run(*home, "settle", "--programme", "p", "--period", period, "--early")
    (row,) = json.loads(run(*home, "--json", "after-tail", f"p-{period}"))
    assert (row["model_version"], row["recording_id"], row["party_id"]) == ("m", "r1", "ana")
    assert row["tail_until"] < f"{period}-01"
    sheets = json.loads(run(*home, "--json", "statement", f"p-{period}"))
    told = {sheet["party_id"]: int(sheet["after_tail_units"]) for sheet in sheets if sheet["after_tail_units"] != "0"}
    assert {"ana", "ben", "north"} == set(told), "all three share r1's master; ana has its work"
    assert sum(told.values()) == int(row["earned_units"]["EUR"]) > 0
    assert f"tail until {row['tail_until']}" in run(*home, "after-tail", f"p-{period}")
    run(*home, "statement", f"p-{period}", "--out", tmp_path / "statements")
    assert "after the tail of a withdrawal" in (tmp_path / "statements" / "parties" / "ana.html").read_text()
    run(*home, "bundle", f"p-{period}", tmp_path / "bundle")
    done = subprocess.run(
        [sys.executable, "-m", "ritornello_verify", str(tmp_path / "bundle")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
