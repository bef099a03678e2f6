"""A settlement as DSR files: deterministic, complete, and read back to the settlement's own totals."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

from ritornello.formats.dsr.reading import read_dsr
from tests.conftest import PERIOD, PROGRAMME, make_home, settle, train

Run = Callable[..., str]
SETTLEMENT = "p-2026-10"
RICH = """
[conversion]
currency = "EUR"

[[fee]]
name = "administration"
rate = "0.10"

[reserve]
rate = "0.20"
release_after_days = 40

[payout]"""


def read_tables(run: Run, home: Path, folder: Path) -> dict[str, list[dict[str, object]]]:
    run("--home", home, "bundle", SETTLEMENT, folder)
    return {path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in folder.rglob("*.jsonl")}


def test_royalties_and_usage_say_what_the_settlement_says(run: Run, settled: Path, tmp_path: Path) -> None:
    answer = json.loads(run("--home", settled, "--json", "export", "dsr", SETTLEMENT, tmp_path / "dsr"))
    tables = read_tables(run, settled, tmp_path / "bundle")
    pools = {row["pool"]: row for row in tables["pools"]}
    found: dict[tuple[str, str, str], int] = {}
    for path in sorted((tmp_path / "dsr").rglob("*.tsv")):
        if path.name == "usage.tsv":
            continue
        report = read_dsr(path, date(2026, 10, 31))
        assert report.problems.all() == []
        kind = path.parent.name
        payee = f"{'party' if kind == 'royalties' else kind}:{path.stem}"
        for name, summary in report.summaries.items():
            assert summary.licensor_units == summary.line_units == summary.net_units
            assert (summary.lane, summary.basis, summary.model_version) == tuple(
                pools[name][column] for column in ("lane", "basis", "model_version")
            )
            found[payee, name, summary.currency] = summary.licensor_units
    expected: dict[tuple[str, str, str], int] = {}
    for line in tables["allocations"]:
        key = (str(line["payee"]), str(line["pool"]), str(pools[line["pool"]]["currency"]))
        expected[key] = expected.get(key, 0) + int(str(line["amount_units"]))
    assert found == expected
    received = {
        row["currency"]: row["received_units"]
        for row in json.loads((tmp_path / "bundle" / "result" / "settlement.json").read_text())["totals"]
    }
    assert answer["royalty_units"] == {currency: units for currency, units in received.items() if int(units)}

    usage = read_dsr(tmp_path / "dsr" / "usage.tsv", date(2026, 10, 31))
    assert usage.problems.all() == []
    uses = {name: summary.line_usages for name, summary in usage.summaries.items() if name.startswith("outputs/")}
    assert uses == {"outputs/m/DE": 16, "outputs/m/SE": 7}
    training = usage.summaries["training/m"]
    assert training.use == "UseForTrainingNonGenerativeAI" and training.unit == "milliseconds"  # the programme's purpose is ai_training
    assert training.line_usages == sum(int(str(row["exposure_ms"])) for row in tables["exposure"])
    revenue = {(summary.service, summary.currency): summary.net_units for summary in usage.summaries.values() if summary.net_units}
    assert revenue == {("App", "EUR"): 1_000_500_000, ("App", "SEK"): 333_000_000, ("Refund", "EUR"): -500_000}


def test_uses_of_pools_are_named(run: Run, settled: Path, tmp_path: Path) -> None:
    run("--home", settled, "export", "dsr", SETTLEMENT, tmp_path / "dsr")
    report = read_dsr(tmp_path / "dsr" / "royalties" / "ana.tsv", date(2026, 10, 31))
    assert {(summary.income, summary.use) for summary in report.summaries.values()} == {
        ("fee", "UseForTrainingNonGenerativeAI"),
        ("share", "UseOfGeneratedOutput"),
    }
    text = (tmp_path / "dsr" / "royalties" / "ana.tsv").read_text()
    assert "\tritornello::UseForTrainingNonGenerativeAI\t" in text and "\tritornello::master\t" in text


def test_the_same_settlement_gives_the_same_bytes(run: Run, settled: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run("--home", settled, "export", "dsr", SETTLEMENT, tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) > 4
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)


def test_one_party_gets_its_own_file_only(run: Run, settled: Path, tmp_path: Path) -> None:
    run("--home", settled, "export", "dsr", SETTLEMENT, tmp_path / "ben", "--party", "ben")
    assert [path.name for path in (tmp_path / "ben").rglob("*.tsv")] == ["ben.tsv"]
    records = [line.split("\t") for line in (tmp_path / "ben" / "royalties" / "ben.tsv").read_text().splitlines()]
    assert {cells[3] for cells in records if cells[0] == "LI01"} == {"Ben Example"}
    assert "no_statement" in run("--home", settled, "export", "dsr", SETTLEMENT, tmp_path / "x", "--party", "nobody", expect=3)
    assert not (tmp_path / "x").exists()


def test_terms_that_convert_and_take_fees_and_a_correction(run: Run, database: str, tmp_path: Path, catalogue_folder: Path) -> None:
    (tmp_path / "rich.toml").write_text(PROGRAMME.replace("[payout]", RICH))
    home = make_home(tmp_path, catalogue_folder, run, tmp_path / "rich.toml")
    (tmp_path / "rates.csv").write_text("currency,into,day,rate,source\nSEK,EUR,2026-10-01,0.091234,test\n")
    run("--home", home, "rates", "import", tmp_path / "rates.csv")
    settle(train(home, tmp_path, run), tmp_path, run)
    answer = json.loads(run("--home", home, "--json", "export", "dsr", SETTLEMENT, tmp_path / "dsr"))  # reads back what it wrote
    assert set(answer["royalty_units"]) == {"EUR"}
    usage = read_dsr(tmp_path / "dsr" / "usage.tsv", date(2026, 10, 31))
    assert {summary.currency for summary in usage.summaries.values() if summary.net_units} == {"EUR", "SEK"}  # as reported

    (tmp_path / "late.csv").write_text("line_id,product,model_version,territory,currency,net_amount\nl9,App,m,DE,EUR,50\n")
    run("--home", home, "revenue", "import", tmp_path / "late.csv", "--programme", "p", "--period", PERIOD, "--late")
    run("--home", home, "correct", "--programme", "p", "--period", PERIOD)
    answer = json.loads(run("--home", home, "--json", "export", "dsr", f"{SETTLEMENT}-c1", tmp_path / "changes"))
    assert answer["royalty_units"] == {"EUR": str(1_000_000 * 50 * 3 // 10 * 9 // 10)}  # 30 % of the late line, less the fee


def test_a_corrections_differences_come_in_as_one_report(run: Run, settled: Path, tmp_path: Path) -> None:
    """A lane becomes contested: files of those alone whose money moves, which with the settlement's own give what stands."""
    (tmp_path / "claims.csv").write_text("subject,lane,party_id,share_percent\nr2,master,ana,100\n")  # as North does
    run("--home", settled, "catalogue", "import", "--claims", tmp_path / "claims.csv")
    run("--home", settled, "correct", "--programme", "p", "--period", PERIOD)
    correction = f"{SETTLEMENT}-c1"
    answer = json.loads(run("--home", settled, "--json", "export", "dsr", correction, tmp_path / "changes"))
    run("--home", settled, "export", "dsr", SETTLEMENT, tmp_path / "first")
    run("--home", settled, "bundle", correction, tmp_path / "bundle")
    assert answer["files"] == ["held/dispute.tsv", "royalties/north.tsv", "usage.tsv"]
    assert set(answer["royalty_units"].values()) == {"0"}  # what one gets the other gives
    changes = read_amounts(tmp_path / "changes", corrects=SETTLEMENT)
    sums = read_amounts(tmp_path / "first", corrects="")
    sums.update(changes)
    for line in (tmp_path / "bundle" / "result" / "allocations.jsonl").read_text().splitlines():
        row = json.loads(line)
        sums[row["payee"].partition(":")[2], row["pool"]] -= int(row["amount_units"])
    assert not any(sums.values())

    what = ("revenue", "import", "--format", "dsr", tmp_path / "changes" / "royalties" / "north.tsv", "--late", "--model-version", "m")
    taken = json.loads(run("--home", settled, "--json", *what, "--programme", "p", "--period", PERIOD))
    total = sum(units for (name, _), units in changes.items() if name == "north")
    assert sum(int(units) for units in taken["net_units"].values()) == total < 0
    assert "report_twice" in run("--home", settled, *what, "--programme", "p", "--period", PERIOD, expect=3)


def test_a_correction_tells_the_whole_use_anew(run: Run, settled: Path, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("usage_id,output_id,territory,uses\nu9,o2,DE,3\n")
    run("--home", settled, "usage", "import", tmp_path / "more.csv", "--programme", "p", "--period", PERIOD, "--late")
    run("--home", settled, "correct", "--programme", "p", "--period", PERIOD)
    run("--home", settled, "export", "dsr", f"{SETTLEMENT}-c1", tmp_path / "dsr")
    usage = read_dsr(tmp_path / "dsr" / "usage.tsv", date(2026, 10, 31))
    uses = {name: summary.line_usages for name, summary in usage.summaries.items() if name.startswith("outputs/")}
    assert uses == {"outputs/m/DE": 19, "outputs/m/SE": 7}


def read_amounts(folder: Path, *, corrects: str) -> Counter[tuple[str, str]]:
    """(payee, pool) → units of every royalty and held file."""
    found = Counter[tuple[str, str]]()
    for path in [*folder.glob("royalties/*"), *folder.glob("held/*")]:
        for summary in read_dsr(path, date(2026, 10, 31)).summaries.values():
            assert summary.corrects == corrects
            found.update({(path.stem, summary.summary_id): summary.licensor_units})
    return found
