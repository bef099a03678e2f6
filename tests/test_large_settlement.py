"""Settling by an engine gives the same bytes as settling row by row; a run that was killed goes on and leaves nothing behind."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.domain.errors import BadInput, Refused
from ritornello.formats.canonical import alone_in, encode_document, encode_table
from ritornello.formats.schema import PERIOD_TABLES, RESULT_KEYS
from ritornello.service import large_settlement
from ritornello.service.large_settlement import Engine, settle_large
from ritornello.service.settlement import settle_folder

SMALL = Engine(memory_bytes=1 << 29)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder for results and nothing else."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def period(settled: Path, run: Callable[..., str], tmp_path: Path) -> Path:
    run("--home", settled, "bundle", "p-2026-10", tmp_path / "bundle")
    return tmp_path / "bundle" / "period"


def grow(period: Path, outputs: int) -> None:
    """Many more outputs in use, of what the model was trained on."""
    source = random.Random(outputs)
    tables = {
        name: [json.loads(line) for line in (period / f"{name}.jsonl").read_text().splitlines()]
        for name in ("outputs", "usage", "attribution")
    }
    exposed = [json.loads(line) for line in (period / "exposure.jsonl").read_text().splitlines()]
    like = {name: rows[0] for name, rows in tables.items()}
    for number in range(outputs):
        name, model = f"x{number}", like["outputs"]["model_version"]
        tables["outputs"].append({**like["outputs"], "output_id": name})
        territory = source.choice(["DE", "SE", like["usage"]["territory"]])
        tables["usage"].append(
            {**like["usage"], "usage_id": f"x{number}", "output_id": name, "territory": territory, "uses": source.randint(1, 500)}
        )
        heard = source.sample(sorted({row["recording_id"] for row in exposed if row["model_version"] == model}), 2)
        weights = {heard[0]: source.randint(1, 500_000), heard[1]: source.randint(0, 400_000)}
        weights["unattributed"] = 1_000_000 - sum(weights.values())
        tables["attribution"] += [{"output_id": name, "recording_id": recording, "weight_ppm": ppm} for recording, ppm in weights.items()]
    for name, rows in tables.items():
        (period / f"{name}.jsonl").write_bytes(encode_table(rows, PERIOD_TABLES[name].key))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_engine_gives_the_same_bytes(period: Path, place: Path) -> None:
    grow(period, 300)
    small = settle_folder(period, place / "small")
    told: list[str] = []
    large = settle_large(period, place / "large", SMALL, told.append)
    assert contents(place / "large") == contents(place / "small")
    assert large == small
    assert {path.name for path in place.iterdir()} == {"small", "large"}
    assert "payees" in told, "the engine did it"


def test_numbers_beyond_128_bits_are_left_to_plain_integers(period: Path, place: Path) -> None:
    rows = [json.loads(line) for line in (period / "usage.jsonl").read_text().splitlines()]
    rows[0]["uses"] = 2**53 - 1
    (period / "usage.jsonl").write_bytes(encode_table(rows, PERIOD_TABLES["usage"].key))
    told: list[str] = []
    settle_large(period, place / "large", SMALL, told.append)
    settle_folder(period, place / "small")
    assert "plain integers" in told
    assert contents(place / "large") == contents(place / "small")


def test_problems_leave_nothing_behind(period: Path, place: Path) -> None:
    data = (period / "attribution.jsonl").read_bytes()
    (period / "attribution.jsonl").write_bytes(data.replace(b'"weight_ppm":', b'"weight_ppm":1', 1))
    with pytest.raises(BadInput, match="weight_ppm"):
        settle_large(period, place / "out", SMALL)
    assert not list(place.iterdir())


def test_one_run_at_a_time_writes_a_folder(period: Path, place: Path) -> None:
    with alone_in(place / ".building-out"), pytest.raises(Refused, match="another run"):
        settle_large(period, place / "out", SMALL)


LATER = [pytest.param(step, marks=pytest.mark.slow) for step in ("weights", "lines-00001-of-00001", "writing")]


@pytest.mark.parametrize("at", ["payees", *LATER])
def test_a_killed_run_is_repeated_and_leaves_nothing(period: Path, place: Path, at: str) -> None:
    """Killed at a step, for good: no half folder; the same command then ends as if nothing had happened."""
    program = "\n".join(
        [
            "import os, sys, pathlib",
            "from ritornello.service.large_settlement import Engine, settle_large",
            "def die(step):",
            f"    if step == {at!r}: os.kill(os.getpid(), 9)",
            "settle_large(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), Engine(memory_bytes=1 << 29), die)",
        ]
    )
    killed = subprocess.run([sys.executable, "-c", program, str(period), str(place / "out")])
    assert killed.returncode == -signal.SIGKILL
    assert not (place / "out").exists()
    told: list[str] = []
    settle_large(period, place / "out", SMALL, told.append)
    settle_folder(period, place / "small")
    assert contents(place / "out") == contents(place / "small")
    assert at == "weights" or "weights" not in told, "what was done is not done again"
    assert {path.name for path in place.iterdir()} == {"out", "small"}


def test_a_run_that_is_asked_to_end_cleans_up(period: Path, place: Path) -> None:
    grow(period, 4000)
    command = [sys.executable, "-m", "ritornello", "settle", str(period), "--out", str(place / "out"), "--engine", "duckdb"]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "RITORNELLO_HOME": str(place / "none")})
    while not (place / ".building-out").exists() and running.poll() is None:
        time.sleep(0.02)
    running.terminate()
    code = running.wait()
    left = {path.name for path in place.iterdir()}
    assert (code, left - {".settling-out"}) == (130, set()) or (code, left) == (0, {"out"})


def test_the_command_takes_engine_and_limits(period: Path, place: Path, run: Callable[..., str]) -> None:
    told = json.loads(run("--json", "settle", period, "--out", place / "out", "--engine", "duckdb", "--memory-limit", "512MB"))
    assert told == json.loads((place / "out" / "settlement.json").read_text())


def test_a_correction_by_an_engine_is_what_the_home_posts(settled: Path, place: Path, run: Callable[..., str]) -> None:
    (place / "late.csv").write_text("line_id,product,model_version,territory,currency,net_amount\nl9,App,m,DE,EUR,100\n")
    run("--home", settled, "revenue", "import", place / "late.csv", "--programme", "p", "--period", "2026-10", "--late")
    run("--home", settled, "correct", "--programme", "p", "--period", "2026-10", "--export", place / "period")
    told = json.loads(run("--json", "correct", place / "period", "--out", place / "large", "--engine", "duckdb", "--memory-limit", "512MB"))
    run("correct", place / "period", "--out", place / "small")
    assert contents(place / "large") == contents(place / "small")
    assert told["settlement_id"] == "p-2026-10-c1" and (place / "large" / "deltas.jsonl").stat().st_size
    posted = json.loads(run("--home", settled, "--json", "correct", "--programme", "p", "--period", "2026-10"))
    assert {**posted["results"]} == told["results"]


def test_what_corrects_nothing_is_not_corrected(period: Path, place: Path, run: Callable[..., str]) -> None:
    assert "corrects_nothing" in run("correct", period, "--out", place / "out", expect=3)
    (period / "previous_allocations.jsonl").write_bytes(
        b'{"amount_units":"1","numerator":"1","payee":"party:ana","pool":"x","recording_id":"r1"}\n'
    )
    with pytest.raises(BadInput, match="corrects nothing"):
        settle_large(period, place / "out", SMALL)
    assert not list(place.iterdir())


@pytest.fixture
def correction(period: Path, place: Path) -> Path:
    """A period folder that corrects what a settlement of another use came to."""
    return make_correction(period, place.parent)


def make_correction(period: Path, beside: Path) -> Path:
    grow(period, 200)
    settle_folder(period, beside / "first")
    tables = {name: [json.loads(line) for line in (beside / "first" / f"{name}.jsonl").read_text().splitlines()] for name in RESULT_KEYS}
    for name, of_result in (("receipts", "receipts"), ("pools", "pools"), ("allocations", "allocations")):
        table = PERIOD_TABLES[f"previous_{name}"]
        rows = [{column: row[column] for column in table.columns} for row in tables[of_result]]
        (period / f"previous_{name}.jsonl").write_bytes(encode_table(rows, table.key))
    header = json.loads((period / "period.json").read_text())
    (period / "period.json").write_bytes(encode_document({**header, "settlement_id": "p-2026-10-c1", "corrects": "p-2026-10"}))
    usage = [json.loads(line) for line in (period / "usage.jsonl").read_text().splitlines()]
    (period / "usage.jsonl").write_bytes(encode_table([{**row, "uses": row["uses"] + 1} for row in usage[:50]] + usage[50:], ("usage_id",)))
    return period


def test_a_correction_that_is_killed_goes_on(correction: Path, place: Path) -> None:
    class Killed(BaseException):
        """Nothing is cleaned up after it."""

    def die(step: str) -> None:
        if step == "amended":
            raise Killed

    with pytest.raises(Killed):
        settle_large(correction, place / "out", SMALL, die)
    assert not (place / "out").exists()
    told: list[str] = []
    settle_large(correction, place / "out", SMALL, told.append)
    settle_folder(correction, place / "small")
    assert contents(place / "out") == contents(place / "small")
    assert "payees" not in told and "amended" in told, "what was done is not done again"
    assert {path.name for path in place.iterdir()} == {"out", "small"}


def test_what_stands_must_add_up(correction: Path, place: Path) -> None:
    path = correction / "previous_allocations.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["amount_units"] = str(int(rows[0]["amount_units"]) + 1)
    path.write_bytes(encode_table(rows, PERIOD_TABLES["previous_allocations"].key))
    for settle in (lambda: settle_large(correction, place / "out", SMALL), lambda: settle_folder(correction, place / "out")):
        with pytest.raises(BadInput) as refused:
            settle()
        assert [(problem.file, problem.field) for problem in refused.value.problems] == [("previous_allocations.jsonl", "amount_units")]
    rows[0]["amount_units"] = "-5"
    path.write_bytes(encode_table(rows, PERIOD_TABLES["previous_allocations"].key))
    with pytest.raises(BadInput, match="below zero"):
        settle_large(correction, place / "out", SMALL)
    assert not list(place.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("corrects", [False, True])
def test_a_cluster_gives_the_same_bytes(period: Path, place: Path, corrects: bool) -> None:
    pytest.importorskip("pysail", reason="the engines are not installed: python3 dev.py spark")
    from tests.settlement.clusters import start_sail

    if corrects:
        make_correction(period, place.parent)
    else:
        grow(period, 300)
    settle_folder(period, place / "small")
    shared = place / "shared"
    shared.mkdir()
    with start_sail(place) as url:
        settle_large(period, place / "large", Engine("spark", url, f"file://{shared}", 1 << 29))
    assert contents(place / "large") == contents(place / "small")


def test_a_cluster_needs_an_address_and_a_place(period: Path, place: Path) -> None:
    with pytest.raises(Refused, match="address"):
        settle_large(period, place / "out", Engine("spark"))
    assert large_settlement.Engine().memory_bytes == 4 << 30
