"""Shards searched by workers of a Spark cluster and of Sail, against one index on this machine.

`python3 dev.py spark` installs both engines; Java comes from the system.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.audio.fingerprint.sounds import mix, play
from tests.settlement.clusters import start_sail, start_spark

from ritornello.audio.fingerprint import FingerprintIndex, measure_peaks
from ritornello.audio.fingerprint.cluster import find_on_cluster
from ritornello.audio.fingerprint.find import QUERY_PEAKS_PER_SECOND, find_in_peaks

pytest.importorskip("pysail", reason="the engines are not installed: python3 dev.py spark")
pytest.importorskip("pyspark", reason="the engines are not installed: python3 dev.py spark")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")]


@pytest.fixture(scope="module", params=["sail", "spark"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp(request.param)
    with (start_sail if request.param == "sail" else start_spark)(folder) as url:
        session = SparkSession.builder.remote(url).create()
        yield session
        session.stop()


def test_shards_answer_as_one_index_does(session: Any, tmp_path: Path) -> None:
    pieces = [(f"piece {seed}", measure_peaks(play(seed, 25.0), 20)) for seed in range(9)]
    whole = FingerprintIndex.open(tmp_path / "whole").add(pieces)
    shards = [FingerprintIndex.open(tmp_path / f"shard-{number}").add(pieces[number::3]) for number in range(3)]
    sounds = {f"query {seed}": mix(play(seed, 25.0)[40000:120000], play(seed + 1, 25.0), 0) for seed in range(0, 8, 2)} | {
        "stranger": play(99, 12.0)
    }
    queries = {name: measure_peaks(sound, QUERY_PEAKS_PER_SECOND) for name, sound in sounds.items()}

    found = find_on_cluster(session, [str(shard.folder) for shard in shards], queries, hours=whole.hours, bends=True, probability=0.001)

    expected = {name: find_in_peaks(whole, peaks, probability=0.001) for name, peaks in queries.items()}
    assert {name: {one.asset_sha256 for one in passages} for name, passages in found.items()} == {
        name: {one.asset_sha256 for one in passages} for name, passages in expected.items()
    }
    assert found["stranger"] == () and len(found["query 4"]) == 2
    alone = {
        name: sorted(one for shard in shards for one in find_in_peaks(shard, peaks, probability=0.001, hours=whole.hours))
        for name, peaks in queries.items()
    }
    assert {name: sorted(passages) for name, passages in found.items()} == alone
