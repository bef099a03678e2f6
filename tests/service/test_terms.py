"""Older and newer terms lie in the bundle beside those that divide the money: each snapshot and grant can be shown with its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ritornello.formats.canonical import encode_document, encode_table

Run = Callable[..., str]


@pytest.fixture
def bundle(settled: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> Path:
    """The bundle of a second period: by then there are newer terms, and somebody has decided under them."""
    newer = tmp_path / "v2.toml"
    newer.write_text((catalogue_folder / "programme.toml").read_text().replace("version = 1", "version = 2"))
    other = tmp_path / "other.toml"
    other.write_text((catalogue_folder / "programme.toml").read_text().replace('programme_id = "p"', 'programme_id = "q"'))
    for terms in (newer, other):
        run("--home", settled, "programme", "add", terms)
    for programme in ("p", "q"):
        run("--home", settled, "consent", "grant", "--programme", programme, "--party", "ben", "--recording", "r3")
    (tmp_path / "late.csv").write_text("line_id,product,model_version,territory,currency,net_amount\nn1,App,m,DE,EUR,77.77\n")
    run("--home", settled, "revenue", "import", tmp_path / "late.csv", "--programme", "p", "--period", "2026-11")
    run("--home", settled, "settle", "--programme", "p", "--period", "2026-11", "--early")
    run("--home", settled, "bundle", "p-2026-11", tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_bundle_holds_all_terms_that_it_names(bundle: Path, tmp_path: Path, run: Run) -> None:
    newer = sha256((tmp_path / "v2.toml").read_bytes()).hexdigest()
    assert [path.name for path in (bundle / "period" / "terms").iterdir()] == [f"{newer}.toml"]
    assert (bundle / "period" / "terms" / f"{newer}.toml").read_bytes() == (tmp_path / "v2.toml").read_bytes()
    rows = _rows(bundle / "period" / "consents.jsonl")
    assert {row["programme_id"] for row in rows} == {"p"}, "to whom else a party licenses is nobody's business here"
    assert newer in {row["terms_sha256"] for row in rows}
    done = subprocess.run([sys.executable, "-m", "ritornello_verify", str(bundle)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 files of other terms read" in done.stdout
    run("settle", bundle / "period", "--out", tmp_path / "again")
    for path in sorted((tmp_path / "again").iterdir()):
        assert path.read_bytes() == (bundle / "result" / path.name).read_bytes(), path.name


def test_a_snapshot_under_older_terms_than_those_that_divide_the_money(bundle: Path, run: Run, tmp_path: Path) -> None:
    """Another vendor's folder may have one: programme.toml is version 2, no model follows it, and its fee is divided all the same."""
    period = _swap_terms(bundle, tmp_path)
    run("settle", period, "--out", tmp_path / "result")
    folder = tmp_path / "folder"
    shutil.copytree(period, folder / "period")
    shutil.copytree(tmp_path / "result", folder / "result")
    line = next(
        row["line_id"] for row in _rows(folder / "result" / "allocations.jsonl") if row["payee"] == "party:ana" and "@1" in row["pool"]
    )
    older = json.loads((period / "snapshots.jsonl").read_text().splitlines()[0])["programme_sha256"]
    text = run("explain", line, "--folder", folder)
    assert f"frozen under version 1 of the terms, SHA-256 {older[:16]}…" in text
    assert "terms      p version 1" in text
    pools = {row["income"]: (row["pool"].split("/")[0], row["terms_version"]) for row in _rows(folder / "result" / "pools.jsonl")}
    assert pools == {"fee": ("fee", 2), "share": ("share@1", 1)}


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"purposes": ["ai_inference"]}, {("snapshots.jsonl", 1, "purposes")}),
        ({"territory": "DE"}, {("snapshots.jsonl", 1, "territory")}),
        ({"quorum": {"master": 1}, "licence": "x"}, {("snapshots.jsonl", 1, "quorum"), ("snapshots.jsonl", 1, "licence")}),
        ({"programme_id": "q"}, {("snapshots.jsonl", 1, "programme_id")}),
        ({"day": "2019-12-31"}, {("snapshots.jsonl", 1, "day")}),
        ({"programme_sha256": "00" * 32}, {(f"terms/{'00' * 32}.toml", None, None)}),
    ],
)
def test_a_row_that_disagrees_with_its_terms_is_named(
    bundle: Path, run: Run, tmp_path: Path, change: dict[str, Any], problems: set[tuple[str, int | None, str | None]]
) -> None:
    period = _swap_terms(bundle, tmp_path)
    row = {**_rows(period / "snapshots.jsonl")[0], **change}
    (period / "snapshots.jsonl").write_bytes(encode_table([row], ("snapshot_id",)))
    assert _settle(run, period, tmp_path) == problems


def test_terms_missing_changed_or_foreign_are_named(bundle: Path, run: Run, tmp_path: Path) -> None:
    period = _swap_terms(bundle, tmp_path)
    (path,) = (period / "terms").iterdir()
    data, name = path.read_bytes(), f"terms/{path.name}"
    path.unlink()
    assert _settle(run, period, tmp_path) == {(name, None, None)}
    (period / "terms").rmdir()
    assert _settle(run, period, tmp_path) == {(name, None, None)}
    (period / "terms").mkdir()
    path.write_bytes(data.replace(b"tail_days = 365", b"tail_days = 5"))
    assert _settle(run, period, tmp_path) == {(name, None, None)}
    path.write_bytes(data)
    (period / "terms" / "stray.toml").write_bytes(data)
    assert _settle(run, period, tmp_path) == {("terms/stray.toml", None, None)}
    (period / "terms" / "stray.toml").unlink()
    rows = [{**row, "programme_id": "q"} if number == 0 else row for number, row in enumerate(_rows(period / "consents.jsonl"))]
    (period / "consents.jsonl").write_bytes(encode_table(rows, ("seq",)))
    assert _settle(run, period, tmp_path) == {("consents.jsonl", 1, "programme_id")}
    unreadable = b"format = 1\n"
    rows = [{**row, "terms_sha256": sha256(unreadable).hexdigest()} if number == 0 else row for number, row in enumerate(rows)]
    (period / "consents.jsonl").write_bytes(encode_table(rows, ("seq",)))
    (period / "terms" / f"{sha256(unreadable).hexdigest()}.toml").write_bytes(unreadable)
    assert {place for place, _, _ in _settle(run, period, tmp_path)} == {f"terms/{sha256(unreadable).hexdigest()}.toml"}


def test_a_receipt_holds_what_was_agreed_to(settled: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    run("--home", settled, "consent", "receipt", "e000000001", "--out", tmp_path / "receipt")
    receipt = json.loads((tmp_path / "receipt").read_bytes())
    assert receipt["terms"].encode() == (catalogue_folder / "programme.toml").read_bytes()
    receipt["terms"] = receipt["terms"].replace("tail_days = 365", "tail_days = 5")
    (tmp_path / "changed").write_bytes(encode_document(receipt))
    assert "the terms are not those that the event names" in run("consent", "check-receipt", tmp_path / "changed", expect=1)
    for name, code in (("receipt", 0), ("changed", 1)):
        command = [sys.executable, "-m", "ritornello_verify", "receipt", str(tmp_path / name)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == code


def _swap_terms(bundle: Path, tmp_path: Path) -> Path:
    """The bundle's period with version 2 as programme.toml and version 1, under which everything happened, beside it."""
    period = shutil.copytree(bundle / "period", tmp_path / "period")
    (newer,) = (period / "terms").iterdir()
    older = period / "terms" / f"{sha256((period / 'programme.toml').read_bytes()).hexdigest()}.toml"
    (period / "programme.toml").rename(older)
    newer.rename(period / "programme.toml")
    header = json.loads((period / "period.json").read_bytes())
    (period / "period.json").write_bytes(encode_document({**header, "programme_sha256": newer.stem}))
    return period


def _settle(run: Run, period: Path, tmp_path: Path) -> set[tuple[str, int | None, str | None]]:
    """Where the problems of a folder are; nothing is written."""
    answer = json.loads(run("--json", "settle", period, "--out", tmp_path / "nothing", expect=1))
    assert not (tmp_path / "nothing").exists()
    return {(problem["file"], problem["row"], problem["field"]) for problem in answer["problems"]}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
