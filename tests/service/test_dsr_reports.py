"""DSR files come in as revenue and use of a period: the same lines that CSV files give, taken whole or not at all, once."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.conftest import PERIOD

Run = Callable[..., str]
HEAD = "HEAD\tdsrf/30\tBasicAudioProfile\t1.2\tM-1\t2026-11-03T10:00:00Z\t1\t1\t2026-10\t2026-10\t\tExample AI\tApp\t\tOperator\t"
# The period of tests/conftest.py as its licensee would report it: context → territory, service, currency, net revenue, output → uses.
CONTEXTS = {
    "1": ("DE", "App", "EUR", "1000.50", {"o1": 10, "o2": 5, "o4": 1}),
    "2": ("SE", "App", "SEK", "333", {"o3": 7}),
    "3": ("DE", "Refund", "EUR", "-0.5", {}),
}


def dsr(path: Path, *, model: str | None = "m", head: str = HEAD, outputs: str = "", more: str = "") -> Path:
    summaries, blocks = list[str](), list[str]()
    for name, (territory, service, currency, net, uses) in CONTEXTS.items():
        total = sum(uses.values())
        summaries.append(f"SY02.02\t{name}\t\t\tAsPerContract\tOnDemandStream\t{territory}\t{service}\t{total}\t\t{currency}\t{net}")
        if model:
            summaries.append(f"DE01\tritornello-dsr-1\t{name}\t{model}\tUseOfGeneratedOutput\tuses")
        for output, count in uses.items():
            blocks.append(f'AS01.01\t{output}\t1\t{output}{outputs}\t\tSay "hi\t\tModel\t\tPT4S\tSoundRecording\t')
            blocks.append(f"SU02\t{output}\t{name}\tT{output}\t\t1\ttrue\t{count}\t\t")
    if more:
        summaries.append(more)
    lines = len(summaries) + len(blocks) + 2
    foot = f"FOOT\t{lines}\t{lines}\t{len(CONTEXTS) + bool(more)}\t{len(blocks) // 2}\t{len(blocks) // 2}"
    path.write_text("\n".join([head, *summaries, *blocks, foot, ""]))
    return path


def take(run: Run, home: Path, path: Path, *more: object, expect: int = 0) -> str:
    return run(
        "--home", home, "--json", "revenue", "import", "--format", "dsr", path, "--programme", "p", "--period", PERIOD, *more, expect=expect
    )


def read_settled(run: Run, home: Path, folder: Path) -> dict[str, list[dict[str, object]]]:
    run("--home", home, "settle", "--programme", "p", "--period", PERIOD, "--export", folder)
    tables = {}
    for name, key in (("revenue", "net_units"), ("usage", "output_id")):
        rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
        kept = ("product", "model_version", "territory", "currency", "net_units", "output_id", "uses")
        tables[name] = sorted([{one: row[one] for one in kept if one in row} for row in rows], key=lambda row: (str(row[key]), str(row)))
    return tables


def test_a_dsr_file_says_what_csv_files_say(run: Run, trained: Path, tmp_path: Path) -> None:
    answer = json.loads(take(run, trained, dsr(tmp_path / "r.tsv")))
    assert answer == {"net_units": {"EUR": "1000000000", "SEK": "333000000"}, "usage_records": 4, "not_taken": {}}
    assert "report_twice" in take(run, trained, tmp_path / "r.tsv", expect=3)
    found = read_settled(run, trained, tmp_path / "from-dsr")
    listed = json.loads(run("--home", trained, "--json", "report", "list", "--programme", "p"))
    assert [(row["kind"], row["file"]) for row in listed] == [("dsr", "r.tsv")]

    # Withdrawn, both kinds of lines are gone; the same as CSV gives the same period.
    run("--home", trained, "report", "withdraw", listed[0]["report_sha256"], "--reason", "comes as CSV")
    assert read_settled(run, trained, tmp_path / "none") == {"revenue": [], "usage": []}
    (tmp_path / "usage.csv").write_text("usage_id,output_id,territory,uses\nu1,o1,DE,10\nu2,o2,DE,5\nu3,o3,SE,7\nu4,o4,DE,1\n")
    (tmp_path / "revenue.csv").write_text(
        "line_id,product,model_version,territory,currency,net_amount\nl1,App,m,DE,EUR,1000.50\nl2,App,m,SE,SEK,333\nl3,Refund,m,DE,EUR,-0.5\n"
    )
    for kind in ("usage", "revenue"):
        run("--home", trained, kind, "import", tmp_path / f"{kind}.csv", "--programme", "p", "--period", PERIOD)
    assert read_settled(run, trained, tmp_path / "from-csv") == found
    assert found["revenue"] and len(found["usage"]) == 4


def test_a_corrected_file_replaces_revenue_and_use(run: Run, trained: Path, tmp_path: Path) -> None:
    take(run, trained, dsr(tmp_path / "r.tsv"))
    again = dsr(tmp_path / "again.tsv", more="SY02.02\t4\t\t\tAsPerContract\tOnDemandStream\tFR\tApp\t0\t\tEUR\t2")
    known = json.loads(take(run, trained, again, "--model-version", "m", expect=1))
    assert len(known["problems"]) == 7  # three lines of revenue and four of use stand already
    (report,) = json.loads(run("--home", trained, "--json", "report", "list", "--programme", "p"))
    answer = json.loads(take(run, trained, again, "--model-version", "m", "--replaces", report["report_sha256"]))
    assert answer["net_units"] == {"EUR": "1002000000", "SEK": "333000000"} and answer["usage_records"] == 4
    tables = read_settled(run, trained, tmp_path / "period")
    assert len(tables["revenue"]) == 4 and len(tables["usage"]) == 4


def test_every_problem_at_once_and_nothing_is_taken(run: Run, trained: Path, tmp_path: Path) -> None:
    wrong = dsr(tmp_path / "r.tsv", model="unknown", outputs="x", head=HEAD.replace("2026-10\t2026-10", "2026-09\t2026-09"))
    problems = json.loads(take(run, trained, wrong, expect=1))["problems"]
    assert {(problem["row"], problem["field"]) for problem in problems} == {
        (1, "UsageStartDate"), (2, "model_version"), (4, "model_version"), (6, "model_version"), (2, "output_id"), (4, "output_id"),
    }  # fmt: skip
    assert len(problems) == 8 and all(problem["todo"] for problem in problems)
    assert json.loads(run("--home", trained, "--json", "report", "list", "--programme", "p")) == []


def test_others_outputs_and_models(run: Run, trained: Path, tmp_path: Path) -> None:
    plain = dsr(tmp_path / "r.tsv", model=None, outputs="-at-theirs")
    assert "ModelVersion" in take(run, trained, plain, expect=1)
    answer = json.loads(take(run, trained, plain, "--model-version", "m", "--revenue-only"))
    assert answer["usage_records"] == 0 and answer["net_units"]["EUR"] == "1000000000"
    arguments = ("--home", trained, "revenue", "import", plain, "--programme", "p", "--period", PERIOD, "--revenue-only")
    assert "--format dsr" in run(*arguments, expect=2)


def test_our_own_usage_file_comes_in_again(run: Run, trained: Path, tmp_path: Path) -> None:
    """What another operator's installation wrote is a report like any other."""
    take(run, trained, dsr(tmp_path / "r.tsv"))
    before = read_settled(run, trained, tmp_path / "before")
    run("--home", trained, "settle", "--programme", "p", "--period", PERIOD)
    run("--home", trained, "export", "dsr", f"p-{PERIOD}", tmp_path / "dsr")
    (report,) = json.loads(run("--home", trained, "--json", "report", "list", "--programme", "p"))
    take(run, trained, tmp_path / "dsr" / "usage.tsv", "--late", "--replaces", report["report_sha256"])
    after = read_settled(run, trained, tmp_path / "after")
    assert after["usage"] == before["usage"]
    assert [row for row in after["revenue"] if row["net_units"] != "0"] == before["revenue"]
