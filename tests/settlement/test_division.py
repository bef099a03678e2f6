"""Division set-wise against plain integers: the same rows for any threads, file order, partitions and chunks; its traps; runs that are cut off."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ritornello.domain.money import apportion
from ritornello.settlement import bulk, division
from ritornello.settlement.backends import DuckDB
from ritornello.settlement.bulk import BeyondBounds, PoolRow, Run, prove, prove_uses
from ritornello.settlement.division import Bounds
from tests.settlement.divisions import Division, divide_by_hand, random_division, run_division, write_division

LARGE_UNITS = 2**60


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[DuckDB]:
    opened = DuckDB(tmp_path / "spill", 1 << 30, threads=2)
    yield opened
    opened.close()


def test_random_divisions_are_those_of_plain_integers(backend: DuckDB, tmp_path: Path) -> None:
    source, limbs = random.Random(20261101), set()
    for number in range(8):
        given = random_division(source, units=LARGE_UNITS if number % 3 == 0 else 10**13, uses=10**9 if number % 2 else 10**3)
        work = tmp_path / str(number)
        write_division(given, work / "in")
        limbs.add(prove(given.pools, {cell: sum(of.values()) for cell, of in given.weights().items()}, given.payees).limbs)
        assert run_division(given, backend, str(work / "in"), work) == divide_by_hand(given)
    assert limbs == {1, 2}, "both ways of dividing were taken"


def test_threads_file_order_partitions_and_chunks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = random_division(random.Random(5))
    expected = divide_by_hand(given)
    for number, (threads, files, chunk) in enumerate([(1, 1, 10**6), (4, 3, 7)]):
        work = tmp_path / str(number)
        monkeypatch.setattr(bulk, "CHUNK_LINES", chunk)
        write_division(given, work / "in", shuffle=random.Random(number), files=files)
        backend = DuckDB(work / "spill", 1 << 30, threads=threads)
        assert run_division(given, backend, str(work / "in"), work) == expected
        backend.close()


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(backend: DuckDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = random_division(random.Random(8))
    write_division(given, tmp_path / "in")
    written: list[str] = []
    write = backend.write

    def fail_at_the_third(table: object, path: str, *rest: Any) -> None:
        if len(written) == 2:
            Path(path).write_bytes(b"half a file")
            raise KeyboardInterrupt
        written.append(path)
        write(table, path, *rest)

    monkeypatch.setattr(backend, "write", fail_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        run_division(given, backend, str(tmp_path / "in"), tmp_path)
    monkeypatch.setattr(backend, "write", lambda table, path, *rest: (written.append(path), write(table, path, *rest)))
    assert run_division(given, backend, str(tmp_path / "in"), tmp_path) == divide_by_hand(given)
    assert len(written) == len(set(written)), "no step was done twice"
    Run(backend, str(tmp_path), tmp_path / "journal.json", "another")
    assert Run(backend, str(tmp_path), tmp_path / "journal.json", "another").path("x").endswith("x.parquet")
    written.clear()
    run_division(given, backend, str(tmp_path / "in"), tmp_path)
    assert len(written) > 2, "what was begun for another period is begun anew"


# The traps of these engines, each shown to be real beside what guards against it.


def test_trap_ibis_divides_integers_as_floats(backend: DuckDB) -> None:
    large = 2**60 + 1
    table = ibis.memtable(pa.table({"total": [large, large], "numerator": [2**31 + 1, 2**31 - 1], "key": [0, 1], "pool": [0, 0]}))
    halved = backend.rows(table.select(half=table.total // 3))
    assert int(halved[0][0]) != large // 3, "if this is right one day, the guesses of division may go"
    exact = table.mutate(numerator=table.numerator.cast(division.EXACT), whole=ibis.literal(2**32).cast(division.EXACT))
    for limbs in (1, 2):
        divided = division.apportion(exact, "pool", "key", Bounds(1, limbs)).order_by("key")
        found = [int(units) for (units,) in backend.rows(divided.select("units"))]
        assert found == list(apportion(large, {0: 2**31 + 1, 1: 2**31 - 1}).values())


def test_trap_wide_integers_are_written_as_floats(backend: DuckDB, tmp_path: Path) -> None:
    table = ibis.memtable(pa.table({"weight": pa.array([2**62, 2**62], pa.int64())}))
    path = str(tmp_path / "sum.parquet")
    with pytest.raises(AssertionError, match="double"):
        backend.write(table.agg(weight=table.weight.sum()), path, {"weight": "int64"})
    backend.write(table.agg(weight=table.weight.sum().cast(division.EXACT)), path, {"weight": "decimal(38, 0)"})
    assert int(pq.read_table(path)["weight"][0].as_py()) == 2**63


def test_trap_overflow_is_ruled_out_before_a_run() -> None:
    pools = [PoolRow(0, 0, 0, 2**61 - 1)]
    assert prove(pools, {0: 10**18 - 1}, 1) == Bounds(1, limbs=2)
    assert prove([PoolRow(0, 0, 0, 10**10)], {0: 10**18 - 1}, 1).limbs == 1
    with pytest.raises(BeyondBounds):
        prove([PoolRow(0, 0, 0, 2**61)], {0: 1}, 1)
    with pytest.raises(BeyondBounds):
        prove(pools, {0: 10**18}, 1)
    prove_uses(10**12 - 1)
    with pytest.raises(BeyondBounds):
        prove_uses(10**12)
    assert prove([PoolRow(99, 0, 0, 1)], {0: 1}, 10**8).place == "int64"


def test_the_bounds_reach_as_far_as_they_say(backend: DuckDB, tmp_path: Path) -> None:
    """At the very edge of what is proven, every product still fits."""
    given = Division(
        [PoolRow(0, 0, 0, 2**61 - 1), PoolRow(1, 0, 1, 10**10)],
        [(0, 0, 10**12 - 10**6 - 7), (0, 1, 10**6 - 1)],
        [(0, 0, 999_999), (1, 0, 999_998), (1, 1, 2), (0, 2, 1)],
        [(0, 0, 0, 33_333_333), (0, 0, 1, 66_666_667), (0, 1, 1, 100_000_000), (0, 2, 1, 1), (0, 2, 2, 99_999_999)]
        + [(1, n, n, 100_000_000) for n in range(3)],
    )
    write_division(given, tmp_path / "in")
    assert run_division(given, backend, str(tmp_path / "in"), tmp_path) == divide_by_hand(given)
