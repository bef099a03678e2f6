"""The whole loop on a small world, through the command line only."""

import json
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
    page = (tmp_path / "statements" / "ana.html").read_text()
    assert "Ana Example" in page and "Opening balance" in page and "heard in outputs" in page
    payouts = (tmp_path / "statements" / "payouts.csv").read_text()
    assert "acct-ana" in payouts and "cleo" not in payouts
