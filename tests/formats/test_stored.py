"""Large tables read and written without a dictionary a row: the same bytes, roots, ranks and problems as the reader and writer of small ones."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.domain import merkle
from ritornello.domain.errors import BadInput, Problem
from ritornello.formats.canonical import encode_table, fingerprint, fingerprint_table
from ritornello.formats.schema import PERIOD_TABLES, RESULT_KEYS, read_rows
from ritornello.formats.stored_allocations import Names, write_allocations
from ritornello.formats.stored_use import TABLES, Known, fingerprint_file, read_use
from ritornello.settlement.allocate import name_line

Rows = list[dict[str, Any]]
MEMORY = 1 << 28
AWKWARD = ['r"quoted"', "r\\back", "rä", "r\U0001f3b5", "r\x7f", "r/slash", "r,comma", "r'tick"]


@pytest.mark.parametrize("leaves", [0, 1, 5, (1 << 14) - 1, 1 << 14, (1 << 15) + 3])
def test_a_tree_grown_in_blocks_has_the_same_root(leaves: int) -> None:
    hashes = [merkle.leaf_hash(str(n).encode()) for n in range(leaves)]
    tree, source = merkle.Growing(), random.Random(leaves)
    start = 0
    while start < leaves:
        end = start + source.randint(1, 9_000)
        tree.add(hashes[start:end])
        start = end
    assert tree.root() == merkle.root(hashes)


@settings(max_examples=40, deadline=None)
@given(texts=st.sets(st.text(max_size=6), min_size=1, max_size=6), source=st.randoms(use_true_random=False))
def test_allocations_are_written_as_the_canonical_encoder_writes_them(
    texts: set[str], source: random.Random, tmp_path_factory: Any
) -> None:
    texts = {text for text in texts if not any("\ud800" <= letter <= "\udfff" for letter in text)} or {"x"}
    names = Names(*(sorted(texts) for _ in range(3)))
    keys = sorted({tuple(source.randrange(len(texts)) for _ in range(3)) for _ in range(8)})
    values = [(source.choice([1, 10**18 - 1, source.randint(1, 10**9)]), source.randint(1, 10**8), source.randint(0, 2**62)) for _ in keys]
    rows = [
        {
            "line_id": name_line("s", *(text := (names.pools[pool], names.payees[payee], names.recordings[recording]))),
            "pool": text[0],
            "payee": text[1],
            "recording_id": text[2],
            "weight": str(weight),
            "share_e8": share,
            "numerator": str(weight * share),
            "amount_units": str(units),
        }
        for (pool, payee, recording), (weight, share, units) in zip(keys, values, strict=True)
    ]
    schema = pa.schema(
        {name: pa.int32() for name in ("pool", "payee", "recording")} | {"weight": pa.int64(), "share_e8": pa.int32(), "units": pa.int64()}
    )
    batches = [
        pa.record_batch(list(map(list, zip(*part, strict=True))), schema=schema)
        for part in ([(*key, *value)] for key, value in zip(keys, values, strict=True))
    ]
    path = tmp_path_factory.mktemp("allocations") / "allocations.jsonl"
    found = write_allocations(path, batches, names, lambda *line: name_line("s", *line))
    assert path.read_bytes() == encode_table(rows, RESULT_KEYS["allocations"])
    assert found == fingerprint_table(path.read_bytes()) == fingerprint_file(path)


def a_period(**changes: Callable[[Rows], object]) -> dict[str, bytes]:
    """The three tables of two models; `changes` spoil one of them."""
    recordings = sorted([*AWKWARD, "plain"])
    tables: dict[str, Rows] = {"outputs": [], "usage": [], "attribution": []}
    for number in range(20):
        name = f'o{number}"' if number % 3 else f"o{number}"
        tables["outputs"].append(
            {"output_id": name, "model_version": f"m{number % 2}", "sha256": "0" * 64, "duration_ms": 5, "made_on": "2026-10-01"}
        )
        if number % 4:
            tables["attribution"].append({"output_id": name, "recording_id": recordings[number % 9], "weight_ppm": 400_000})
            tables["attribution"].append({"output_id": name, "recording_id": recordings[(number + 1) % 9], "weight_ppm": 0})
            tables["attribution"].append({"output_id": name, "recording_id": "unattributed", "weight_ppm": 600_000})
        for use in range(2):
            row = dict.fromkeys(PERIOD_TABLES["usage"].names())
            row |= {"usage_id": f"u{number}-{use}", "output_id": name, "territory": ["DE", "SE"][use], "uses": number + 1}
            tables["usage"].append(row | ({"report_sha256": "1" * 64} if "report_sha256" in row else {}))
    for name, change in changes.items():
        change(tables[name])
    return {name: encode_table(rows, PERIOD_TABLES[name].key) for name, rows in tables.items()}


def read(files: dict[str, bytes], folder: Path) -> Any:
    for name, data in files.items():
        (folder / f"{name}.jsonl").write_bytes(data)
    recordings = sorted([*AWKWARD, "plain"])
    return read_use(
        folder, folder / "work", Known(["m0", "m1"], [(model, name) for model in ("m0", "m1") for name in recordings], recordings), MEMORY
    )


def test_use_is_stored_as_ranks_with_the_sums_that_pools_need(tmp_path: Path) -> None:
    files = a_period()
    found = read(files, tmp_path)
    problems: list[Problem] = []
    rows = {name: read_rows(name, files[name], PERIOD_TABLES[name], problems) for name in TABLES}
    models = {row["output_id"]: row["model_version"] for row in rows["outputs"]}
    assert found.fingerprints == {f"{name}.jsonl": fingerprint(f"{name}.jsonl", files[name]) for name in TABLES}
    assert found.cells == [(model, territory) for model in ("m0", "m1") for territory in ("DE", "SE")]
    place = {row["output_id"]: number for number, row in enumerate(rows["outputs"])}
    used = {
        (found.cells.index((models[row["output_id"]], row["territory"])), place[row["output_id"]], row["uses"]) for row in rows["usage"]
    }
    assert {tuple(row.values()) for row in pq.read_table(found.usage).to_pylist()} == used
    names = sorted([*AWKWARD, "plain"])
    heard = {
        (place[row["output_id"]], names.index(row["recording_id"]), row["weight_ppm"])
        for row in rows["attribution"]
        if row["recording_id"] != "unattributed" and row["weight_ppm"]
    }
    assert {tuple(row.values()) for row in pq.read_table(found.attribution).to_pylist()} == heard
    uses = sum(
        row["uses"]
        for row in rows["usage"]
        if row["territory"] == "DE" and models[row["output_id"]] == "m1" and int(row["usage_id"][1:].split("-")[0]) % 4
    )
    assert found.sums["m1", "DE"] == (uses * 400_000, uses * 600_000)
    assert found.total_uses == sum(row["uses"] for row in rows["usage"])


SPOILT: dict[str, tuple[dict[str, Callable[[Rows], object]], str]] = {
    "sum": ({"attribution": lambda rows: rows[0].update(weight_ppm=1)}, "don't total 1,000,000"),
    "unattributed": ({"attribution": lambda rows: rows[2].update(recording_id="plain", weight_ppm=600_000)}, "unattributed row"),
    "untrained": ({"attribution": lambda rows: rows[0].update(recording_id="stranger")}, "never trained on"),
    "unknown output": ({"usage": lambda rows: rows[0].update(output_id="nobody")}, "not an output of outputs.jsonl"),
    "unknown model": ({"outputs": lambda rows: rows[0].update(model_version="m9")}, "not a model version"),
    "no uses": ({"usage": lambda rows: rows[0].update(uses=0)}, "not at least 1"),
    "a text for a number": ({"usage": lambda rows: rows[0].update(uses="7")}, "not a whole number"),
    "a number for a text": ({"outputs": lambda rows: rows[0].update(model_version=7)}, "not a text"),
    "nothing for a text": ({"outputs": lambda rows: rows[0].update(model_version=None)}, "not a text"),
    "no hash": ({"outputs": lambda rows: rows[0].update(sha256="xyz")}, "not a 64 hex digits"),
    "no day": ({"outputs": lambda rows: rows[0].update(made_on="2026-02-30")}, "not a day"),
    "below zero": ({"attribution": lambda rows: rows[0].update(weight_ppm=-1)}, "not a whole number"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_wrong_is_named_with_its_row(case: str, tmp_path: Path) -> None:
    changes, expected = SPOILT[case]
    with pytest.raises(BadInput, match=expected):
        read(a_period(**changes), tmp_path)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda data: data[:-1], "breaks off"),
        (lambda data: b"\n" + data, "can't be read|empty lines"),
        (lambda data: data.replace(b'"uses":', b'"uses": ', 1), "canonical"),
        (lambda data: b"".join(reversed(data.splitlines(keepends=True))), "ascending order"),
        (lambda data: data.splitlines(keepends=True)[0] + data, "stands twice"),
        (lambda data: b"not json\n" + data, "can't be read"),
        (lambda data: b"\x01\n" + data, "can't be read|breaks off"),
        (lambda data: b"\xff\xfe\n" + data, "can't be read|breaks off"),
    ],
)
def test_spoilt_bytes_are_refused(spoil: Callable[[bytes], bytes], expected: str, tmp_path: Path) -> None:
    files = a_period()
    with pytest.raises(BadInput, match=expected):
        read({**files, "usage": spoil(files["usage"])}, tmp_path)
