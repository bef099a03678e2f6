"""The whole loop on a small world, through the command line only."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]


def test_every_unit_of_the_money_is_accounted_for(settled: Path, run: Run, tmp_path: Path) -> None:
    rows = json.loads(run("--home", settled, "--json", "statement", "p-2026-10"))
    assert {row["currency"] for row in rows} == {"EUR", "SEK"}
    run("--home", settled, "bundle", "p-2026-10", tmp_path / "bundle")
    document = json.loads((tmp_path / "bundle" / "result" / "settlement.json").read_text())
    for total in document["totals"]:
        units = {name: int(value) for name, value in total.items() if name.endswith("_units")}
        assert units["opening_units"] + units["received_units"] == units["paid_units"] + units["held_units"] + units["carried_units"]
    received = {row["currency"]: int(row["received_units"]) for row in document["totals"]}
    assert received == {"EUR": 100_000_000 + 300_000_000, "SEK": 99_900_000}


def test_a_line_is_explained_down_to_its_revenue_row(settled: Path, run: Run, tmp_path: Path) -> None:
    sheets = json.loads(run("--home", settled, "--json", "statement", "p-2026-10", "ana"))
    item = next(item for sheet in sheets for item in sheet["items"] if item["basis"] == "attribution" and item["territory"] == "DE")
    text = run("--home", settled, "explain", item["line_id"])
    for word in ("row 2 of report", "granted ai_training", "p-s1", "claim c", "uses ×"):
        assert word in text, text
    run("--home", settled, "bundle", "p-2026-10", tmp_path / "bundle")
    assert run("explain", item["line_id"], "--folder", tmp_path / "bundle") == text


def test_settling_the_exported_period_gives_the_same_rows(settled: Path, run: Run, tmp_path: Path) -> None:
    run("--home", settled, "bundle", "p-2026-10", tmp_path / "bundle")
    run("settle", tmp_path / "bundle" / "period", "--out", tmp_path / "again")
    for path in sorted((tmp_path / "again").iterdir()):
        assert path.read_bytes() == (tmp_path / "bundle" / "result" / path.name).read_bytes(), path.name


def test_statements_are_written_for_people(settled: Path, run: Run, tmp_path: Path) -> None:
    run("--home", settled, "statement", "p-2026-10", "--out", tmp_path / "statements")
    page = (tmp_path / "statements" / "parties" / "ana.html").read_text()
    assert "Ana Example" in page and "Opening balance" in page and "heard in outputs" in page
    payouts = (tmp_path / "statements" / "payouts.csv").read_text()
    assert "reference …-ana" in payouts and "acct-ana" not in payouts and "cleo" not in payouts


def test_the_next_period_opens_with_what_was_carried_and_verifies(settled: Path, run: Run, tmp_path: Path) -> None:
    """A late claim, a withdrawal, an account that comes in, and a second settlement."""
    run("--home", settled, "bundle", "p-2026-10", tmp_path / "first")
    (tmp_path / "late.csv").write_text("subject,lane,party_id,share_percent\nr2,master,cleo,20\n")
    (tmp_path / "parties.csv").write_text("party_id,name,kind,payout_account\ncleo,Cleo Example,person,acct-cleo\n")
    run("--home", settled, "catalogue", "import", "--claims", tmp_path / "late.csv", "--parties", tmp_path / "parties.csv")
    run("--home", settled, "consent", "withdraw", "--programme", "p", "--party", "ben", "--recording", "r3")
    (tmp_path / "usage2.csv").write_text("usage_id,output_id,territory,uses\nv1,o2,DE,3\n")
    (tmp_path / "revenue2.csv").write_text(
        "line_id,product,model_version,territory,currency,net_amount\nn1,App,m,DE,EUR,77.77\nn2,App,m,JP,JPY,1001\n"
    )
    run("--home", settled, "usage", "import", tmp_path / "usage2.csv", "--programme", "p", "--period", "2026-11")
    run("--home", settled, "revenue", "import", tmp_path / "revenue2.csv", "--programme", "p", "--period", "2026-11")
    run("--home", settled, "settle", "--programme", "p", "--period", "2026-11", "--early")
    run("--home", settled, "bundle", "p-2026-11", tmp_path / "second")
    closing = _read(tmp_path / "first" / "result" / "balances.jsonl", "closing_units")
    opening = _read(tmp_path / "second" / "result" / "balances.jsonl", "opening_units")
    assert {key: units for key, units in opening.items() if units} == {key: units for key, units in closing.items() if units}
    splits = [json.loads(line) for line in (tmp_path / "second" / "result" / "splits.jsonl").read_text().splitlines()]
    assert {row["status"] for row in splits if (row["recording_id"], row["lane"]) == ("r2", "master")} == {"overclaim"}
    for name in ("first", "second"):
        done = subprocess.run(
            [sys.executable, "-m", "ritornello_verify", str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def _read(path: Path, column: str) -> dict[tuple[str, str], int]:
    return {(row["account"], row["currency"]): int(row[column]) for row in map(json.loads, path.read_text().splitlines())}
