"""After a settlement: late and withdrawn reports, a dispute, a missing claim, an advance, tax; all through the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ritornello.audio.likeness.verdict import Verdict
from ritornello.service.clone_checks import Compared, Finding
from ritornello.service.clones import record
from ritornello.settings import read_settings
from ritornello.store.catalogue import read_assets
from ritornello.wiring import open_context
from ritornello_verify.command import run as verify

Run = Callable[..., str]
LATE = "line_id,product,model_version,territory,currency,net_amount\nl9,App,m,DE,EUR,100.00\n"


def balances(run: Run, home: Path) -> dict[tuple[str, str], int]:
    rows = json.loads(run("--home", home, "--json", "ledger", "balances", "--programme", "p"))
    return {(row["account"], row["currency"]): int(row["balance_units"]) for row in rows}


def correct(run: Run, home: Path) -> Any:
    return json.loads(run("--home", home, "--json", "correct", "--programme", "p", "--period", "2026-10"))


def test_a_late_report_is_corrected_and_everything_issued_can_be_derived_again(settled: Path, run: Run, tmp_path: Path) -> None:
    assert "nothing_to_correct" in run("--home", settled, "correct", "--programme", "p", "--period", "2026-10", expect=3)
    (tmp_path / "late.csv").write_text(LATE)
    command = ("--home", settled, "revenue", "import", tmp_path / "late.csv", "--programme", "p", "--period", "2026-10")
    assert "--late" in run(*command, expect=3)
    run(*command, "--late")
    before = balances(run, settled)
    document = correct(run, settled)
    assert document["settlement_id"] == "p-2026-10-c1"
    assert [row["received_units"] for row in document["totals"]] == [str(30_000_000)], "30 % of 100 EUR"
    after = balances(run, settled)
    moved = {key: after.get(key, 0) - before.get(key, 0) for key in {*before, *after}}
    assert sum(units for (account, _), units in moved.items() if account.startswith(("party:", "held:"))) == 30_000_000
    assert not any(units for (account, currency), units in moved.items() if currency == "SEK")
    rows = json.loads(run("--home", settled, "--json", "statement", "p-2026-10-c1"))
    assert {row["corrects"] for row in rows} == {"p-2026-10"} and {row["paid_units"] for row in rows} == {"0"}
    for name in ("p-2026-10", "p-2026-10-c1"):
        run("--home", settled, "settle", "--as-known-at", name, "--out", tmp_path / f"again-{name}")


def test_replaced_and_withdrawn_reports(settled: Path, run: Run, tmp_path: Path) -> None:
    reports = json.loads(run("--home", settled, "--json", "report", "list", "--programme", "p"))
    revenue = next(row for row in reports if row["kind"] == "revenue")
    (tmp_path / "new.csv").write_text(
        "line_id;product;model_version;territory;currency;net_amount\nl1;App;m;DE;EUR;1010,50\nl2;App;m;SE;SEK;333\nl3;Refund;m;DE;EUR;-0,5\n"
    )
    command = ("--home", settled, "revenue", "import", tmp_path / "new.csv", "--programme", "p", "--period", "2026-10", "--late")
    assert "--replaces" in run(*command, expect=1)
    run(*command, "--replaces", revenue["report_sha256"])
    assert [row["received_units"] for row in correct(run, settled)["totals"]] == [str(3_000_000)]
    assert "withdrawn_already" in run("--home", settled, "report", "withdraw", revenue["report_sha256"], "--reason", "x", expect=3)
    usage = next(row for row in reports if row["kind"] == "usage")
    run("--home", settled, "report", "withdraw", usage["report_sha256"], "--reason", "counted twice")
    document = correct(run, settled)
    assert document["settlement_id"] == "p-2026-10-c2"
    assert all(row["received_units"] == "0" for row in document["totals"]), "the same money, divided otherwise"
    run("--home", settled, "settle", "--as-known-at", "p-2026-10-c1", "--out", tmp_path / "again")


def test_a_dispute_freezes_the_contested_part_and_a_missing_claim_releases_what_waits(settled: Path, run: Run, tmp_path: Path) -> None:
    claims = json.loads(run("--home", settled, "--json", "catalogue", "show", "r2"))
    claim_id = next(share["claim_ids"][0] for share in claims["splits"]["publishing"]["shares"] if share["payee"] == "party:songs")
    opening = balances(run, settled)
    opened = json.loads(run("--home", settled, "--json", "dispute", "open", claim_id, "--by", "ana", "--reason", "wrote it alone"))
    assert "disputed_already" in run("--home", settled, "dispute", "open", claim_id, "--by", "ana", "--reason", "again", expect=3)
    correct(run, settled)
    changed = {account for (account, _), units in balances(run, settled).items() if opening.get((account, _)) != units}
    assert changed == {"held:dispute", "party:songs"}, "nobody else is touched"
    held = json.loads(run("--home", settled, "--json", "held", "--programme", "p"))
    assert any(row["why"] == "disputed" and row["recording_id"] == "r2" for row in held)
    sheets = json.loads(run("--home", settled, "--json", "statement", "p-2026-10-c1", "songs"))
    taken_back = next(item for sheet in sheets for item in sheet["items"] if item["recording_id"] == "r2")
    assert "line_gone" in run("--home", settled, "explain", taken_back["line_id"], expect=3), "a line of the statement, so not unknown"
    run("--home", settled, "dispute", "resolve", opened["dispute_id"], "--by", "ana", "--outcome", "claim upheld")
    correct(run, settled)
    assert balances(run, settled) == opening, "nets to zero"


def test_advances_tax_and_simulation(trained: Path, catalogue_folder: Path, run: Run, tmp_path: Path) -> None:
    home = ("--home", trained)
    run(*home, "advance", "grant", "adv-1", "--programme", "p", "--party", "ana", "--amount", "10.00", "--currency", "EUR")
    assert "advance_twice" in run(
        *home, "advance", "grant", "adv-1", "--programme", "p", "--party", "ana", "--amount", "1", "--currency", "EUR", expect=3
    )
    run(*home, "tax", "set", "ben", "--rate", "0.15", "--authority", "SE")
    (tmp_path / "revenue.csv").write_text(LATE)
    run(*home, "revenue", "import", tmp_path / "revenue.csv", "--programme", "p", "--period", "2026-10")
    run(*home, "settle", "--programme", "p", "--period", "2026-10", "--export", tmp_path / "period")
    changed = (catalogue_folder / "programme.toml").read_text().replace('divide_by = "exposure"', 'divide_by = "count"')
    (tmp_path / "equal.toml").write_text(changed)
    compared = json.loads(run("--json", "simulate", tmp_path / "period", "--terms", tmp_path / "equal.toml"))
    assert compared["programmes"] == ["programme.toml", "equal.toml"]
    assert len({row["total_units"] for row in compared["summaries"]}) == 1
    gains = [int(row["gains_units"]["equal.toml"]) for row in compared["accounts"]]
    assert sum(gains) == 0 and any(gains)
    run(*home, "settle", "--programme", "p", "--period", "2026-10")
    rows = {row["party_id"]: row for row in json.loads(run(*home, "--json", "statement", "p-2026-10"))}
    assert rows["ana"]["recouped_units"] == "10000000" and rows["ana"]["net_costs_units"] == "10000000"
    assert int(rows["ben"]["tax_units"]) == int(rows["ben"]["net_revenue_units"]) * 15 // 100 // 10_000 * 10_000 > 0
    (advance,) = json.loads(run(*home, "--json", "advance", "list", "--programme", "p"))
    assert advance["open_units"] == "0" and advance["recouped_units"] == "10000000"
    run(*home, "settle", "--as-known-at", "p-2026-10", "--out", tmp_path / "again")
    text = run(*home, "statement", "p-2026-10", "ana")
    assert "recouped" in text and "tax withheld" not in text


def test_simulation_says_how_often_the_fallback_would_pay(settled: Path, catalogue_folder: Path, run: Run, tmp_path: Path) -> None:
    run("--home", settled, "bundle", "p-2026-10", tmp_path / "bundle")
    careful = (catalogue_folder / "programme.toml").read_text().replace("max_error", 'min_signal_to_noise = "2.0"\nmax_error')
    (tmp_path / "careful.toml").write_text(careful)
    asked = ("simulate", tmp_path / "bundle" / "period", "--terms", tmp_path / "careful.toml")
    found = json.loads(run("--json", *asked))["attribution"]
    reasons = {
        name: [(row["currency"], row["reason"]) for row in found if row["programme"] == name] for name in ("programme.toml", "careful.toml")
    }
    assert reasons["programme.toml"] == [("EUR", "rule"), ("SEK", "rule")]
    assert reasons["careful.toml"] == [("EUR", "no_measured_noise"), ("SEK", "no_measured_noise")], "all by the fallback"
    assert [row["units"] for row in found[:2]] == [row["units"] for row in found[2:]]
    text = run(*asked)
    assert "share: attribution decides over" in text and "share: the fallback decides (no measured noise) over" in text


def test_copies_count_once_when_they_are_recognised(settled: Path, run: Run, tmp_path: Path) -> None:
    """The fee is divided by exposure. r1 and r2 turn out to be one sound: together they count as the larger, until the verdict is dismissed."""
    opening = balances(run, settled)
    with open_context(settled, read_settings().database, print) as context:
        assets = {one.recording_id: one.asset_id for one in read_assets(context.connection).values()}
        found = Compared(findings=[Finding(assets["r2"], "asset", assets["r1"], Verdict("variant"))])
        (verdict,) = record(context, found)
    assert "nothing_to_correct" in run("--home", settled, "correct", "--programme", "p", "--period", "2026-10", expect=3), (
        "nobody has confirmed it"
    )
    run("--home", settled, "clones", "confirm", verdict.verdict_id, "--by", "operator", "--reason", "heard both")
    correct(run, settled)
    run("--home", settled, "settle", "--as-known-at", "p-2026-10-c1", "--out", tmp_path / "files")
    tables = {
        name: [json.loads(line) for line in (tmp_path / "files" / name).read_text().splitlines()]
        for name in ("period/clusters.jsonl", "period/exposure.jsonl", "result/allocations.jsonl")
    }
    assert tables["period/clusters.jsonl"] == [{"cluster": "r1", "recording_id": "r1"}, {"cluster": "r1", "recording_id": "r2"}]
    read = {row["recording_id"]: row["exposure_ms"] for row in tables["period/exposure.jsonl"]}
    pool = "fee/*/EUR/WW/master/exposure"
    lines = [row for row in tables["result/allocations.jsonl"] if row["pool"] == pool]
    weights = {row["recording_id"]: int(row["weight"]) for row in lines}
    assert weights["r1"] + weights["r2"] == max(read["r1"], read["r2"]) and weights["r3"] == read["r3"]
    line_id = next(row["line_id"] for row in lines if row["recording_id"] == "r2")
    assert "one sound with r1" in run("--home", settled, "explain", line_id)
    run("--home", settled, "bundle", "p-2026-10-c1", tmp_path / "bundle")
    assert verify([str(tmp_path / "bundle")]) == 0
    run("--home", settled, "clones", "dismiss", verdict.verdict_id, "--by", "operator", "--reason", "two performances")
    for dispute in json.loads(run("--home", settled, "--json", "dispute", "list")):
        assert verdict.verdict_id in dispute["reason"], (
            "r1 and r2 are of different parties, and came at once: what only one side claims was contested"
        )
        run("--home", settled, "dispute", "resolve", dispute["dispute_id"], "--by", "operator", "--outcome", "two performances")
    correct(run, settled)
    assert balances(run, settled) == opening, "nets to zero"


def test_a_changed_name_does_not_change_what_was_issued(settled: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "parties.csv").write_text("party_id,name,kind\nana,Ana Renamed,person\n")
    run("--home", settled, "catalogue", "import", "--parties", tmp_path / "parties.csv")
    run("--home", settled, "settle", "--as-known-at", "p-2026-10", "--out", tmp_path / "again")
    assert "Ana Example" in (tmp_path / "again" / "period" / "parties.jsonl").read_text()


def test_the_correction_has_statements_and_lines_that_can_be_explained(settled: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text(LATE)
    run("--home", settled, "revenue", "import", tmp_path / "late.csv", "--programme", "p", "--period", "2026-10", "--late")
    correct(run, settled)
    (sheet,) = json.loads(run("--home", settled, "--json", "statement", "p-2026-10-c1", "north"))
    assert sum(int(item["amount_units"]) for item in sheet["items"]) == int(sheet["net_revenue_units"]) > 0
    text = run("--home", settled, "explain", sheet["items"][0]["line_id"])
    assert "corrected  from" in text and "l9" not in text and "row 2 of report" in text
    run("--home", settled, "statement", "p-2026-10-c1", "--out", tmp_path / "statements")
    page = (tmp_path / "statements" / "parties" / "north.html").read_text()
    assert "this correction of p-2026-10 changes" in page and "next settlement" in page
