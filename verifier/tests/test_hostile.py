"""Bundles made to mislead, to crash or to reach outside: always FAILED with a file, never a traceback."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle_maker.worlds import make_world
from bundle_maker.writing import Contents, canonical, put, table_bytes
from ritornello_verify.canonical import LINE_LIMIT
from ritornello_verify.report import clean
from ritornello_verify.tables import TABLES

Verify = Callable[..., tuple[int, dict[str, Any]]]
Write = Callable[[Contents], Path]
Bundles = dict[str, Path]
Edit = Callable[[dict[str, Any]], object]


def edit_listing(bundle: Path, edit: Edit) -> None:
    values = json.loads((bundle / "bundle.json").read_bytes())
    edit(values)
    put(bundle / "bundle.json", canonical(values) + b"\n")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.jsonl",
        "/etc/passwd",
        "period/../../secret",
        "period/./claims.jsonl",
        "period//claims.jsonl",
        "reports/../x.csv",
        "zzz",
        "",
        "\0",
    ],
)
def test_no_path_leaves_the_bundle(bundle: Path, verify: Verify, path: str) -> None:
    (bundle.parent / "secret.jsonl").write_text("secret\n")

    def add(values: dict[str, Any]) -> None:
        values["files"] = sorted(
            [*values["files"], {"path": path, "kind": "document", "hash": "00" * 32, "rows": None}], key=lambda item: str(item["path"])
        )

    edit_listing(bundle, add)
    code, report = verify(bundle)
    assert code == 1
    assert report["verdict"].startswith("FAILED: bundle.json: files, entry ")
    assert "secret" not in report["verdict"].replace(clean(path), "")


@pytest.mark.parametrize(
    "edit",
    [
        lambda values: values.update(format="ritornello-bundle-9"),
        lambda values: values.update(extra=1),
        lambda values: values.pop("settlement_id"),
        lambda values: values.update(files={}),
        lambda values: values.update(files=[1]),
        lambda values: values["files"].append(values["files"][-1]),
        lambda values: values["files"].reverse(),
        lambda values: values["files"][0].update(hash="XX"),
        lambda values: values["files"][0].update(rows="1"),
        lambda values: values["files"][0].update(kind="folder"),
        lambda values: values["files"][0].update(more=None),
        lambda values: values["files"][0].pop("rows"),
    ],
)
def test_a_listing_that_is_none(bundle: Path, verify: Verify, edit: Edit) -> None:
    edit_listing(bundle, edit)
    code, report = verify(bundle)
    assert code == 1
    assert report["verdict"].startswith("FAILED: bundle.json: ")


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}", b"{}\n", b"[]\n", b"null\n", b"\xff\xfe\n", b"[" * 200_000 + b"\n", b'{"files":1e999}\n']
)
def test_a_listing_of_nonsense(bundle: Path, verify: Verify, data: bytes) -> None:
    put(bundle / "bundle.json", data)
    code, report = verify(bundle)
    assert (code, report["verdict"][:21]) == (1, "FAILED: bundle.json: ")


def test_links_are_not_followed(bundle: Path, verify: Verify) -> None:
    for name in (
        "period/claims.jsonl",
        "result/settlement.json",
        "leaves/period/claims.jsonl.txt",
        "proofs.jsonl",
        "checkpoint.txt",
        "bundle.json",
    ):
        place, aside = bundle / name, bundle.parent / "aside"
        place.rename(aside)
        place.symlink_to(aside)
        code, report = verify(bundle)
        assert code == 1
        assert f"{name}: is, or lies behind, a symbolic link" in report["verdict"]
        place.unlink()
        aside.rename(place)
    (bundle / "period").rename(bundle.parent / "aside")
    (bundle / "period").symlink_to(bundle.parent / "aside")
    assert "lies behind, a symbolic link" in verify(bundle)[1]["verdict"]


def test_pipes_and_folders_are_no_files(bundle: Path, verify: Verify) -> None:
    (bundle / "period/works.jsonl").unlink()
    os.mkfifo(bundle / "period/works.jsonl")
    assert verify(bundle)[1]["verdict"] == "FAILED: period/works.jsonl: is not a regular file"
    (bundle / "period/works.jsonl").unlink()
    (bundle / "period/works.jsonl").mkdir()
    assert verify(bundle)[1]["verdict"] == "FAILED: period/works.jsonl: is not a regular file"


def test_strangers_and_missing_files(bundle: Path, verify: Verify) -> None:
    put(bundle / "result/extra.txt", b"")
    assert verify(bundle)[1]["verdict"] == "FAILED: result/extra.txt: is not listed in bundle.json"
    (bundle / "result/extra.txt").unlink()
    put(bundle / "readme.txt", b"")
    code, report = verify(bundle)
    assert (code, report["notes"][0]) == (0, "1 files beside the bundle's own were not looked at")
    for path in sorted(bundle.rglob("*")):
        if path.is_file() and path.name not in ("bundle.json", "readme.txt"):
            data = path.read_bytes()
            path.unlink()
            code, report = verify(bundle)
            assert (code, report["verified"]) == (1, False), path
            path.write_bytes(data)
    assert verify(bundle)[0] == 0


ROWS: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"a":1,"a":2}',
    b"\xff\xfe",
    b"\x00",
    b'{"weight":NaN}',
    b'{"weight":1.5}',
    b'{"weight":' + b"9" * 5000 + b"}",
    b'{"a":' * 50_000,
    b"[" * 50_000 + b"]" * 50_000,
    b'"\\ud800"',
]


def test_lines_of_nonsense_in_every_table(bundles: Bundles, verify: Verify, step: int) -> None:
    for path, nonsense in [(path, nonsense) for path in bundles if path != "proofs.jsonl" for nonsense in ROWS][::step]:
        check_first_row(bundles[path], path, [nonsense], verify)


@pytest.mark.parametrize("path", [path for path in TABLES if path != "proofs.jsonl"])
def test_a_table_that_ends_within_a_line(write: Write, verify: Verify, path: str) -> None:
    bundle = write(make_world(path))
    put(bundle / path, (bundle / path).read_bytes()[:-1])
    assert verify(bundle)[1]["verdict"].startswith(f"FAILED: {path} row ")


WRONG_VALUES: list[object] = [True, [[1]], {"a": {"b": []}}, 1 - 2**53]


def test_missing_unknown_and_mistyped_columns(bundles: Bundles, verify: Verify, step: int) -> None:
    cases = [(path, *case) for path in bundles for case in list_wrong_rows(bundles[path] / path)]
    for path, word, row in cases[::step]:
        verdict = check_first_row(bundles[path], path, [canonical(row)], verify, replaced=1)
        assert word in verdict or row[word] == 1 - 2**53, verdict


def list_wrong_rows(table: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(a word that the verdict names, a first row that may not be), for every column of a table."""
    first = json.loads(table.read_bytes().split(b"\n", 1)[0])
    yield "unknown", {**first, "surprise": 1}
    for column in first:
        yield column, {name: value for name, value in first.items() if name != column}
        yield from ((column, {**first, column: value}) for value in WRONG_VALUES if value != first[column])


def check_first_row(bundle: Path, path: str, rows: list[bytes], verify: Verify, replaced: int = 0) -> str:
    """Put rows at the front of a table, in place of so many; the verdict, which must name row 1. The table is put back."""
    whole = (bundle / path).read_bytes()
    put(bundle / path, b"\n".join([*rows, *whole.split(b"\n")[replaced:]]))
    code, report = verify(bundle)
    put(bundle / path, whole)
    assert code == 1, rows
    assert report["verdict"].startswith(f"FAILED: {path} row 1"), report["verdict"]
    return str(report["verdict"])


@pytest.mark.parametrize("units", ["01", "-0", "+1", "1.0", "", " 1", "1e3", "0x1", "٣", "9" * 61, "-"])
def test_digit_strings_are_strict(write: Write, contents: Contents, verify: Verify, units: str) -> None:
    contents.period["opening.jsonl"][0]["balance_units"] = units
    code, report = verify(write(contents))
    assert code == 1
    assert report["verdict"].startswith("FAILED: period/opening.jsonl row 1 (account held:suspense, currency EUR): balance_units is ")


def test_a_line_beyond_the_limit(bundle: Path, verify: Verify) -> None:
    put(bundle / "period/works.jsonl", b'{"title":"' + b"x" * LINE_LIMIT + b'"}\n')
    assert "the line has more than" in verify(bundle)[1]["verdict"]


@pytest.mark.parametrize(
    "programme",
    [
        b"\xff",
        b"a = 1.5",
        b"a = nan",
        b"a = " + b"[" * 100_000,
        b"a = " + b"9" * 10_000,
        b"",
        b"format = 1",
        b"a = 1\na = 2",
    ],
)
def test_terms_of_nonsense(write: Write, contents: Contents, verify: Verify, programme: bytes) -> None:
    contents.programme = programme
    code, report = verify(write(contents))
    assert code == 1
    assert report["verdict"].startswith("FAILED: period/programme.toml: ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"master = 600_000", b"master = 600_001"),
        (b"master = 600_000", b"master = -600_000"),
        (b'rate = "0.50"', b"rate = 0.50"),
        (b'rate = "0.50"', b'rate = "0.5000000"'),
        (b'rate = "0.50"', b'rate = "0.50"\nsurprise = 1'),
        (b'amount = "10.00"', b'amount = "10.001"'),
        (b'amount = "10.00"', b""),
        (b'currency = "EUR"', b'currency = "XYZ"'),
        (b'fallback = "exposure"', b'fallback = "none"'),
        (b'fallback = "exposure"', b""),
        (b'name = "share"', b'name = "fee"'),
        (b'name = "share"', b'name = "Share"'),
        (b"EUR = ", b"XYZ = "),
        (b"[payout]", b"[payouts]"),
        (b"version = 1", b"version = true"),
    ],
)
def test_terms_that_may_not_be(write: Write, contents: Contents, verify: Verify, before: bytes, after: bytes) -> None:
    contents.programme = contents.programme.replace(before, after)
    code, report = verify(write(contents))
    assert code == 1
    assert report["verdict"].startswith("FAILED: period/programme.toml: "), report["verdict"]


@pytest.mark.parametrize(
    "change",
    [{"format": "x"}, {"settlement_id": "x"}, {"programme_id": "x"}, {"first_day": "2026-11-01"}, {"last_day": "2026-10-32"}, {"x": 1}],
)
def test_headers_that_may_not_be(write: Write, contents: Contents, verify: Verify, change: dict[str, Any]) -> None:
    contents.header.update(change)
    code, report = verify(write(contents))
    assert code == 1
    assert report["verdict"].startswith("FAILED: period/period.json: ")
    assert not report["steps"][4]["passed"]


def test_proofs_that_lead_elsewhere(bundle: Path, verify: Verify) -> None:
    rows = [json.loads(line) for line in (bundle / "proofs.jsonl").read_bytes().splitlines()]
    changes: list[dict[str, Any]] = [
        {"index": 0},
        {"index": 10**15},
        {"tree_size": 1},
        {"hashes": []},
        {"hashes": ["00"]},
        {"hashes": ["00" * 32] * 500},
        {"entry": "{}"},
        {"entry": "x"},
        {"entry": rows[1]["entry"]},
        {"entry": rows[0]["entry"] + " "},
    ]
    for change in changes:
        put(bundle / "proofs.jsonl", table_bytes([{**rows[0], **change}, *rows[1:]]))
        assert verify(bundle)[1]["verdict"].startswith(f"FAILED: {rows[0]['path']}: its "), change
    put(bundle / "proofs.jsonl", table_bytes(rows[1:]))
    assert verify(bundle)[1]["verdict"] == f"FAILED: {rows[0]['path']}: has no proof in proofs.jsonl that leads to its hash"
    put(bundle / "proofs.jsonl", table_bytes([rows[0], *rows]))
    assert verify(bundle)[1]["verdict"].startswith("FAILED: proofs.jsonl row 2 ")


def test_leaves_that_do_not_fit(bundle: Path, verify: Verify) -> None:
    place = bundle / "leaves/period/claims.jsonl.txt"
    lines = place.read_text().splitlines(keepends=True)
    for wrong in (
        "".join(lines[1:]),
        "".join([*lines, lines[0]]),
        "x\n",
        "".join(lines).upper(),
        "".join([lines[1], lines[0], *lines[2:]]),
    ):
        place.write_text(wrong)
        assert verify(bundle)[1]["verdict"].startswith("FAILED: leaves/period/claims.jsonl.txt"), wrong


def test_text_of_a_bundle_cannot_command_a_terminal() -> None:
    assert clean("a\x1b[2Jb\u202ec\ud800\n") == "a\\x1b[2Jb\\u202ec\\ud800\\n"
    assert len(clean("x" * 10_000)) == 300
