"""A programme superseded while models earn: each model is paid for under the terms its dataset was licensed under, in one settlement."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ritornello.formats.canonical import encode_table
from ritornello.service.large_settlement import Engine, settle_large

Run = Callable[..., str]
SALES = "line_id,product,model_version,territory,currency,net_amount\nl1,App,m,DE,EUR,1000.00\nl2,App,m2,DE,EUR,50.00\n"


@pytest.fixture
def superseded(trained: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> Path:
    """The trained home after version 2 of the terms, under which ben alone licensed r3, and a second model made from the first."""
    text = (
        (catalogue_folder / "programme.toml")
        .read_text()
        .replace("version = 1", "version = 2")
        .replace('amount = "100.00"', 'amount = "40.00"')
    )
    text = text.replace('rate = "0.30"\nminimum = "50.00"', 'rate = "0.20"\nminimum = "320.00"')
    (tmp_path / "v2.toml").write_text(text + '\n[lineage]\nancestors = "all"\nshare_ppm = 250_000\ndivide_by = "exposure"\n')
    home = ("--home", trained)
    run(*home, "programme", "add", tmp_path / "v2.toml")
    run(*home, "consent", "grant", "--programme", "p", "--party", "ben", "--recording", "r3")
    run(*home, "snapshot", "freeze", "--programme", "p")
    document = json.loads((tmp_path / "run.json").read_text())
    run(*home, "snapshot", "export", "p-s2", tmp_path / "second")
    (row,) = [json.loads(line) for line in (tmp_path / "second" / "manifest.jsonl").read_text().splitlines()]
    document |= {"run_id": "run-2", "model_version": "m2", "parents": ["m"], "snapshot_ids": ["p-s1", "p-s2"]}
    document["exposure"] = [{"asset_id": row["asset_id"], "exposure_ms": 9000}]
    (tmp_path / "run2.json").write_text(json.dumps(document))
    assert "frozen under 2 versions of the terms" in run(*home, "run", "register", tmp_path / "run2.json", expect=1)
    (tmp_path / "run2.json").write_text(json.dumps({**document, "snapshot_ids": ["p-s2"]}))
    run(*home, "run", "register", tmp_path / "run2.json")
    (tmp_path / "sales.csv").write_text(SALES)
    run(*home, "revenue", "import", tmp_path / "sales.csv", "--programme", "p", "--period", "2026-10")
    return trained


def test_each_model_is_paid_for_under_its_own_terms(superseded: Path, run: Run, tmp_path: Path) -> None:
    """30 % of 1000 EUR and 20 % of 50 EUR are 310; version 2 asks at least 320, so 300 and 10 get 10 more in proportion."""
    home = ("--home", superseded)
    run(*home, "settle", "--programme", "p", "--period", "2026-10")
    run(*home, "bundle", "p-2026-10", tmp_path / "bundle")
    pools = {row["pool"]: row for row in rows(tmp_path / "bundle" / "result" / "pools.jsonl")}
    sums: dict[tuple[str, int, str], int] = {}
    for row in pools.values():
        key = (row["income"], row["terms_version"], row["model_version"])
        sums[key] = sums.get(key, 0) + int(row["amount_units"])
    old, new = 300_000_000 + 9_677_419, 10_000_000 + 322_581
    assert sums == {("fee", 2, "*"): 40_000_000, ("share", 1, "m"): old, ("share", 2, "m"): new // 4, ("share", 2, "m2"): new - new // 4}
    assert {name.split("/")[0] for name, row in pools.items() if row["terms_version"] == 1} == {"share@1"}
    statement = json.loads(run(*home, "--json", "statement", "p-2026-10", "ben"))[0]
    assert sum(int(units) for units in statement["by_terms"].values()) == int(statement["net_revenue_units"])
    assert set(statement["by_terms"]) == {"1", "2"} == {str(item["terms_version"]) for item in statement["items"]}
    for version in (1, 2):
        line = next(item["line_id"] for item in statement["items"] if item["terms_version"] == version)
        assert f"terms      p version {version}" in run("explain", line, "--folder", tmp_path / "bundle")
    run(*home, "statement", "p-2026-10", "--out", tmp_path / "statements")
    assert "terms version 1" in (tmp_path / "statements" / "parties" / "ben.html").read_text()
    run(*home, "export", "dsr", "p-2026-10", tmp_path / "dsr")
    verify(tmp_path / "bundle")
    settle_large(tmp_path / "bundle" / "period", tmp_path / "large", Engine(memory_bytes=1 << 29))
    for path in (tmp_path / "large").iterdir():
        assert path.read_bytes() == (tmp_path / "bundle" / "result" / path.name).read_bytes(), path.name
    shown = json.loads(run("--json", "simulate", tmp_path / "bundle" / "period", "--terms", tmp_path / "v2.toml"))
    totals = [row["total_units"] for row in shown["summaries"]]
    assert totals == [str(360_000_000), str(360_000_000)], "under version 2 alone 210 come in, so 320 as well"


def test_a_correction_keeps_the_terms_of_its_settlement(superseded: Path, run: Run, tmp_path: Path) -> None:
    home = ("--home", superseded)
    run(*home, "settle", "--programme", "p", "--period", "2026-10")
    (tmp_path / "v3.toml").write_text(
        (tmp_path / "v2.toml").read_text().replace("version = 2", "version = 3").replace('"40.00"', '"99.00"')
    )
    run(*home, "programme", "add", tmp_path / "v3.toml")
    run(*home, "consent", "grant", "--programme", "p", "--party", "ben", "--recording", "r3")
    run(*home, "snapshot", "freeze", "--programme", "p")
    document = json.loads((tmp_path / "run2.json").read_text()) | {"run_id": "run-3", "model_version": "m3", "snapshot_ids": ["p-s3"]}
    (tmp_path / "run3.json").write_text(json.dumps(document))
    run(*home, "run", "register", tmp_path / "run3.json")
    (tmp_path / "late.csv").write_text("line_id,product,model_version,territory,currency,net_amount\nl9,App,m,DE,EUR,100.00\n")
    run(*home, "revenue", "import", tmp_path / "late.csv", "--programme", "p", "--period", "2026-10", "--late")
    run(*home, "correct", "--programme", "p", "--period", "2026-10")
    run(*home, "bundle", "p-2026-10-c1", tmp_path / "bundle")
    header = json.loads((tmp_path / "bundle" / "period" / "period.json").read_bytes())
    first = json.loads((tmp_path / "bundle" / "period" / "snapshots.jsonl").read_text().splitlines()[1])
    assert header["programme_sha256"] == first["programme_sha256"], "version 2, although version 3 has a model by now"
    verify(tmp_path / "bundle")
    for name in ("p-2026-10", "p-2026-10-c1"):
        run(*home, "settle", "--as-known-at", name, "--out", tmp_path / f"again-{name}")


def test_a_folder_with_a_run_of_several_terms_is_refused(superseded: Path, run: Run, tmp_path: Path) -> None:
    run("--home", superseded, "settle", "--programme", "p", "--period", "2026-10", "--export", tmp_path / "period")
    runs = rows(tmp_path / "period" / "runs.jsonl")
    runs[1]["snapshot_ids"] = ["p-s1", "p-s2"]
    (tmp_path / "period" / "runs.jsonl").write_bytes(encode_table(runs, ("model_version",)))
    answer = json.loads(run("--json", "settle", tmp_path / "period", "--out", tmp_path / "result", expect=1))
    assert [(problem["file"], problem["row"], problem["field"]) for problem in answer["problems"]] == [("runs.jsonl", 2, "snapshot_ids")]


def verify(bundle: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "ritornello_verify", str(bundle)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
