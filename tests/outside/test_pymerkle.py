"""The log's tree is the tree that pymerkle builds from the same entries; and the benchmark that compares the two runs."""

from pathlib import Path

import pytest
from benchmarks import log as benchmark

SIZES = (1, 2, 255, 256, 257, 1000)
KEYS = {"bulk append, entries/s", "root, ms", "proof, ms each", "proof, bytes", "single append, entries/s", "database, MB", "root"}


def test_the_benchmark_runs(tmp_path: Path) -> None:
    """Proofs are verified inside."""
    assert benchmark.measure_ours(tmp_path / "ours.db", 600, [0, 255, 256, 599], 3).keys() == KEYS


@pytest.mark.parametrize("size", SIZES)
def test_pymerkle_finds_the_same_root(tmp_path: Path, size: int) -> None:
    pymerkle = pytest.importorskip("pymerkle", reason="pymerkle is not installed")
    ours = benchmark.measure_ours(tmp_path / "ours.db", size, [0, size - 1], 1)
    theirs = benchmark.measure_pymerkle(pymerkle.SqliteTree, tmp_path / "theirs.db", size, [0, size - 1], 1)
    assert ours["root"] == theirs["root"]
