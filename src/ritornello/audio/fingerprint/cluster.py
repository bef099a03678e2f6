"""The same search over indexes on many machines, by an engine that speaks Spark Connect (Spark, Sail).

A shard is an index in a folder that the workers reach. Each worker opens the shards it is given and searches them with `find_in_peaks`, as one process would; assets of
different shards are different, so the answers are put together by sorting. The workers need this package installed. See docs/identity.md, "Over many machines".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ritornello.audio.fingerprint.find import find_in_peaks
from ritornello.audio.fingerprint.index import FingerprintIndex
from ritornello.audio.fingerprint.passage import NUMBERS, Passage
from ritornello.audio.fingerprint.peaks import Peaks

TASK = pa.schema(
    [
        ("shard", pa.string()),
        ("query", pa.string()),
        ("frames", pa.list_(pa.int64())),
        ("pitches", pa.list_(pa.float32())),
        ("strengths", pa.list_(pa.float32())),
        ("length", pa.int64()),
    ]
)
ANSWER = pa.schema([("query", pa.string()), ("asset_sha256", pa.string()), *((name, pa.int64()) for name in NUMBERS)])
ANSWER_IN_SQL = "query string, asset_sha256 string, " + ", ".join(f"{name} bigint" for name in NUMBERS)


def find_on_cluster(
    session: Any, shards: Sequence[str], queries: Mapping[str, Peaks], *, hours: float, bends: bool, probability: float
) -> dict[str, tuple[Passage, ...]]:
    """The passages of each query in all shards, the strongest first: what `find_in_peaks` gives for one index with all their assets.

    `hours`: how much sound they hold in all.
    `session` is a Spark session (Spark Connect); `shards` are folders as the workers see them.
    """
    rows = [{"shard": shard, "query": name, **_columns(peaks)} for shard in shards for name, peaks in sorted(queries.items())]
    tasks = session.createDataFrame(pa.Table.from_pylist(rows, schema=TASK)).repartition(len(shards), "shard")
    answers = tasks.mapInArrow(_Search(hours, bends, probability), ANSWER_IN_SQL).collect()
    found: dict[str, list[Passage]] = {name: [] for name in queries}
    for row in answers:
        found[row["query"]].append(Passage(row["asset_sha256"], *(int(row[name]) for name in NUMBERS)))
    return {
        name: tuple(sorted(passages, key=lambda one: (-one.evidence_millidecades, one.asset_sha256, one.start_ms)))
        for name, passages in found.items()
    }


def _columns(peaks: Peaks) -> dict[str, Any]:
    return {
        "frames": peaks.frames.tolist(),
        "pitches": peaks.pitches.tolist(),
        "strengths": peaks.strengths.tolist(),
        "length": peaks.length,
    }


class _Search:
    """What a worker does with its tasks. Sent by name: the worker's own copy of this package runs."""

    def __init__(self, hours: float, bends: bool, probability: float) -> None:
        self.hours, self.bends, self.probability = hours, bends, probability

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        shards: dict[str, FingerprintIndex] = {}
        for batch in batches:
            found = []
            for row in batch.to_pylist():
                if row["shard"] not in shards:
                    shards[row["shard"]] = FingerprintIndex.open(Path(row["shard"]))
                peaks = Peaks(
                    np.array(row["frames"], np.int64),
                    np.array(row["pitches"], np.float32),
                    np.array(row["strengths"], np.float32),
                    row["length"],
                )
                for one in find_in_peaks(shards[row["shard"]], peaks, bends=self.bends, probability=self.probability, hours=self.hours):
                    found.append({"query": row["query"], **asdict(one)})
            yield pa.RecordBatch.from_pylist(found, schema=ANSWER)
