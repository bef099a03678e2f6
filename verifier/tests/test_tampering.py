"""Every table, every way of touching it: by itself, with hashes mended, and logged and signed anew."""

import copy
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle_maker.period import KNOWN
from bundle_maker.result import CHECKS
from bundle_maker.signing import Signer
from bundle_maker.worlds import WORLDS, make_world
from bundle_maker.writing import Contents, Rows, put, render_files, table_bytes, write_bundle, write_listing

Write = Callable[[Contents], Path]
Verify = Callable[..., tuple[int, dict[str, Any]]]

CHANGES: dict[str, tuple[str, object]] = {
    "period/parties.jsonl": ("payable", False),
    "period/works.jsonl": ("title", "another"),
    "period/recordings.jsonl": ("work_id", None),
    "period/claims.jsonl": ("share_e8", 33_330_001),
    "period/mandates.jsonl": ("valid_to", "2026-12-31"),
    "period/consents.jsonl": ("channel", "letter"),
    "period/snapshots.jsonl": ("licence", "other"),
    "period/manifest.jsonl": ("file", "other.wav"),
    "period/runs.jsonl": ("weights_sha256", "dd" * 32),
    "period/exposure.jsonl": ("exposure_ms", 3001),
    "period/outputs.jsonl": ("duration_ms", 1),
    "period/usage.jsonl": ("uses", 3),
    "period/quality.jsonl": ("error_ppm", 200_001),
    "period/attribution.jsonl": ("weight_ppm", 700_001),
    "period/revenue.jsonl": ("net_units", "15000001"),
    "period/opening.jsonl": ("balance_units", "8"),
    "period/points.jsonl": ("points", 7),
    "period/clusters.jsonl": ("cluster", "r0"),
    "period/rates.jsonl": ("rate_e12", "900000000001"),
    "period/disputes.jsonl": ("resolved_at_us", 1),
    "period/reserves.jsonl": ("units", "700001"),
    "period/advances.jsonl": ("open_units", "1000001"),
    "period/taxes.jsonl": ("rate_ppm", 1),
    "period/previous_receipts.jsonl": ("units", "10000001"),
    "period/previous_pools.jsonl": ("amount_units", "6000001"),
    "period/previous_allocations.jsonl": ("amount_units", "1500001"),
    "result/receipts.jsonl": ("reported_units", "10000001"),
    "result/pools.jsonl": ("denominator", "400000000001"),
    "result/splits.jsonl": ("share_e8", 33_333_333),
    "result/allocations.jsonl": ("weight", "3001"),
    "result/deltas.jsonl": ("delta_units", "-1500001"),
    "result/postings.jsonl": ("amount_units", "-1500001"),
    "result/balances.jsonl": ("closing_units", "1000001"),
    "result/reserves_closing.jsonl": ("units", "124"),
    "result/recoupments.jsonl": ("closing_units", "1"),
    "result/payouts.jsonl": ("amount_units", "9430000"),
    "result/statements.jsonl": ("held_with_others_units", "0"),
}
RESULTS = [path for path in CHANGES if path.startswith("result/")]
LAST: dict[str, dict[str, object]] = {"period/consents.jsonl": {"seq": 999, "event_id": "e999"}, "period/rates.jsonl": {"currency": "ZMW"}}
"""What an appended row changes, where its key is no text; elsewhere its first key column gets a `z` at the end."""


def touch(rows: Rows, way: str, path: str) -> int:
    """Change rows in place; the number of the first row that is then different."""
    if way == "change":
        name, value = CHANGES[path]
        rows[0][name] = value
        return 1
    if way == "delete":
        del rows[0]
        return 1
    if way == "duplicate":
        rows.insert(1, copy.deepcopy(rows[0]))
        return 2
    if way == "swap":
        rows[0], rows[1] = rows[1], rows[0]
        return 1
    row = copy.deepcopy(rows[-1])
    key = next(iter(make_keys(path)))
    row.update(LAST.get(path) or {key: row[key][:-1] + "f" if key == "report_sha256" else row[key] + "z"})
    rows.append(row)
    return len(rows)


def make_keys(path: str) -> tuple[str, ...]:
    return {
        "parties": ("party_id",),
        "works": ("work_id",),
        "recordings": ("recording_id",),
        "claims": ("claim_id",),
        "mandates": ("mandate_id",),
        "consents": ("seq",),
        "snapshots": ("snapshot_id",),
        "manifest": ("snapshot_id",),
        "runs": ("model_version",),
        "exposure": ("model_version",),
        "outputs": ("output_id",),
        "usage": ("usage_id",),
        "quality": ("model_version",),
        "attribution": ("output_id",),
        "revenue": ("line_id",),
        "opening": ("account",),
        "points": ("recording_id",),
        "clusters": ("recording_id",),
        "rates": ("currency", "into"),
        "disputes": ("dispute_id",),
        "reserves": ("party_id",),
        "advances": ("advance_id",),
        "taxes": ("party_id",),
        "previous_receipts": ("income",),
        "previous_pools": ("pool",),
        "previous_allocations": ("pool",),
        "receipts": ("income",),
        "deltas": ("pool",),
        "reserves_closing": ("party_id",),
        "recoupments": ("advance_id",),
        "pools": ("pool",),
        "splits": ("recording_id",),
        "allocations": ("pool",),
        "postings": ("transfer_id",),
        "balances": ("account",),
        "payouts": ("party_id",),
        "statements": ("party_id",),
        "after_tail": ("model_version",),
    }[path.split("/")[1].removesuffix(".jsonl")]


def list_cases(paths: list[str]) -> list[tuple[str, str]]:
    ways = ("change", "delete", "duplicate", "swap", "append")
    return [(path, way) for path in paths for way in ways if way != "swap" or len(make_world(path).table(path)) > 1]


def find_problems(report: dict[str, Any], path: str) -> list[tuple[str, int | None]]:
    return [
        (step["name"].split(":")[0], problem["row"]) for step in report["steps"] for problem in step["problems"] if problem["path"] == path
    ]


@pytest.mark.parametrize(("path", "way"), list_cases(list(CHANGES)))
def test_a_touched_table_is_named_with_its_row(write: Write, verify: Verify, path: str, way: str) -> None:
    contents = make_world(path)
    bundle = write(contents)
    rows = contents.table(path)
    row = touch(rows, way, path)
    put(bundle / path, table_bytes(rows))
    code, report = verify(bundle)
    assert code == 1
    assert report["verdict"].startswith(f"FAILED: {path} row {row}"), report["verdict"]
    words = {"change": "changed", "delete": "deleted", "duplicate": "added", "swap": "moved", "append": "added"}
    assert words[way] in report["verdict"]


@pytest.mark.parametrize(("path", "way"), list_cases(list(CHANGES)))
def test_the_log_catches_mended_hashes(write: Write, signer: Signer, verify: Verify, path: str, way: str) -> None:
    contents = make_world(path)
    bundle = write(contents)
    row = touch(contents.table(path), way, path)
    files = render_files(contents)
    for name, data in files.items():
        put(bundle / name, data)
    write_listing(bundle, contents.settlement_id, files)
    code, report = verify(bundle, "--key", signer.vkey())
    assert code == 1
    problems = find_problems(report, path)
    assert ("Log", None) in problems
    assert all(found == row + (way == "swap") for step, found in problems if step == "Files")
    if path in RESULTS:
        assert ("Money", row) in problems or ("Files", row) in problems
    if way not in ("duplicate", "swap"):
        touched = (f"FAILED: {path}: its log entry has hash", "FAILED: result/settlement.json: its log entry has hash")
        assert report["verdict"].startswith(touched), report["verdict"]


@pytest.mark.parametrize(("path", "way"), list_cases(RESULTS))
def test_recomputing_catches_a_result_logged_and_signed_anew(tmp_path: Path, verify: Verify, path: str, way: str) -> None:
    contents = make_world(path)
    row = touch(contents.table(path), way, path)
    write_bundle(tmp_path / "forged", contents, Signer("log.example", b"forger".ljust(32)))
    code, report = verify(tmp_path / "forged")
    assert code == 1
    assert report["verdict"].startswith(f"FAILED: {path} row {row + (way == 'swap')} ("), report["verdict"]


@pytest.mark.parametrize("path", RESULTS)
def test_each_column_of_a_result_is_recomputed(tmp_path: Path, verify: Verify, path: str) -> None:
    for column, value in make_world(path).table(path)[0].items():
        contents = make_world(path)
        contents.table(path)[0][column] = falsify(column, value)
        write_bundle(tmp_path / "forged", contents, Signer("log.example", b"forger".ljust(32)))
        code, report = verify(tmp_path / "forged")
        assert code == 1, (path, column)
        assert report["verdict"].startswith(f"FAILED: {path} row "), (path, column, report["verdict"])


def test_a_moved_unit_is_named_by_its_field(tmp_path: Path, verify: Verify, step: int) -> None:
    forger = Signer("log.example", b"forger".ljust(32))
    for make, path, row, column in list(list_amounts())[::step]:
        contents = make()
        value = contents.table(path)[row - 1][column]
        contents.table(path)[row - 1][column] = str(int(value) + 1)
        verdict = verify(write_bundle(tmp_path / make.__name__, contents, forger))[1]["verdict"]
        assert verdict.startswith(f"FAILED: {path} row {row} ("), verdict
        assert f'{column} is "{int(value) + 1}", recomputed "{value}"' in verdict


def list_amounts() -> Iterator[tuple[Callable[[], Contents], str, int, str]]:
    """(world, table of results, row, its first column of units), of every row that has one."""
    for make, path in itertools.product(WORLDS, RESULTS):
        for row, values in enumerate(make().table(path), 1):
            column = next((name for name in values if name == "units" or name.endswith("_units")), None)
            if column:
                yield make, path, row, column


FORGED: dict[str, tuple[str, object, str, str]] = {
    "period/points.jsonl": ("points", 7, "result/allocations.jsonl row 8", 'amount_units is "750000", recomputed "666666"'),
    "period/clusters.jsonl": ("cluster", "r0", "period/clusters.jsonl row 1", 'cluster "r0" is not named by the first of at least two'),
    "period/rates.jsonl": ("rate_e12", "800000000000", "result/receipts.jsonl row 1", 'units is "9000000", recomputed "8000000"'),
    "period/disputes.jsonl": ("resolved_at_us", KNOWN, "result/allocations.jsonl row 1", "does not follow"),
    "period/reserves.jsonl": ("units", "700001", "result/postings.jsonl row 59", 'amount_units is "-700000", recomputed "-700001"'),
    "period/advances.jsonl": ("open_units", "999999", "result/postings.jsonl row 56", 'amount_units is "-1000000", recomputed "-999999"'),
    "period/taxes.jsonl": ("party_id", "alice", "result/postings.jsonl row 35", 'amount_units is "-4890000", recomputed "-4060000"'),
    "period/previous_receipts.jsonl": ("reported_units", "9999999", "result/postings.jsonl row 15", "missing"),
    "period/previous_pools.jsonl": ("amount_units", "5999999", "result/postings.jsonl row 3", "missing"),
    "period/previous_allocations.jsonl": ("amount_units", "1500007", "result/deltas.jsonl row 1", "missing"),
}


@pytest.mark.parametrize("path", list(FORGED))
def test_a_forged_input_is_named_by_what_it_would_change(tmp_path: Path, verify: Verify, path: str) -> None:
    column, value, place, message = FORGED[path]
    contents = make_world(path)
    contents.table(path)[0][column] = value
    code, report = verify(write_bundle(tmp_path / "forged", contents, Signer("log.example", b"forger".ljust(32))))
    assert code == 1
    assert report["verdict"].startswith(f"FAILED: {place} ("), report["verdict"]
    assert message in report["verdict"]


def falsify(column: str, value: object) -> object:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return [*value, "zz"]
    if isinstance(value, dict):
        return {**value, "exposure": "1"}
    if column == "territory":
        return "AT"
    if column == "currency":
        return "CHF"
    text = str(value)
    return str(int(text) + 1) if text.lstrip("-").isdigit() else f"{text}0"


def test_one_unit_moved_between_two_payees_everywhere(tmp_path: Path, contents: Contents, verify: Verify) -> None:
    """A consistent forgery: sums, postings, balances and statements all agree with each other."""
    text = json.dumps(contents.result)
    moved = text.replace('"3000000"', '"2999999"').replace('"-3000000"', '"-2999999"')
    contents.result = json.loads(moved)
    write_bundle(tmp_path / "forged", contents, Signer("log.example", b"forger".ljust(32)))
    code, report = verify(tmp_path / "forged")
    assert code == 1
    assert 'amount_units is "2999999", recomputed "3000000"' in report["verdict"]
    assert report["verdict"].startswith("FAILED: result/allocations.jsonl row 6 (line_id ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("totals", []),
        ("totals", [{"currency": "EUR"}]),
        ("checks", [{"name": "money_total", "passed": True}]),
        ("checks", [{"name": "lanes_total", "passed": False}]),
        ("checks", [{"name": name, "passed": True} for name in reversed(CHECKS.split())]),
        ("checks", [{"name": name, "passed": 1} for name in CHECKS.split()]),
        ("engine", {"name": "other"}),
        ("format", "other"),
        ("settlement_id", "other"),
    ],
)
def test_settlement_json_is_recomputed(tmp_path: Path, contents: Contents, verify: Verify, name: str, value: object) -> None:
    contents.settlement[name] = value
    write_bundle(tmp_path / "forged", contents, Signer("log.example", b"forger".ljust(32)))
    code, report = verify(tmp_path / "forged")
    assert code == 1
    assert report["verdict"].startswith(f"FAILED: result/settlement.json: {name}"), report["verdict"]


def test_a_changed_report_fails(bundle: Path, contents: Contents, tmp_path: Path, verify: Verify) -> None:
    path = next((bundle / "reports").iterdir())
    path.write_bytes(path.read_bytes() + b"\n")
    assert verify(bundle)[1]["verdict"].startswith(f"FAILED: reports/{path.name}: SHA-256 is ")
    contents.reports = {name: data + b"\n" for name, data in contents.reports.items()}
    write_bundle(tmp_path / "forged", contents, Signer("log.example", b"forger".ljust(32)))
    report = verify(tmp_path / "forged")[1]
    assert report["verdict"].startswith("FAILED: reports/")
    contents.reports = {}
    assert (
        "names a report that is not in reports/" in verify(write_bundle(tmp_path / "none", contents, Signer("l", b"f" * 32)))[1]["verdict"]
    )


def test_a_changed_document_fails(bundle: Path, verify: Verify) -> None:
    for name in ("period/period.json", "period/programme.toml", "result/settlement.json"):
        before = (bundle / name).read_bytes()
        (bundle / name).write_bytes(before.replace(b"mosaic", b"Mosaic").replace(b"pencil", b"Pencil"))
        code, report = verify(bundle)
        assert code == 1
        assert report["verdict"].startswith(f"FAILED: {name}: SHA-256 is ")
        (bundle / name).write_bytes(before)
    assert verify(bundle)[0] == 0
