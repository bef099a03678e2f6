"""The Parquet copy of a manifest, one row an asset, for tools that query instead of reading lines. The canonical form stays manifest.jsonl."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ritornello.formats.shards import Sample

ROWS_PER_GROUP = 1 << 16
SCHEMA = pa.schema(
    [
        pa.field("asset_id", pa.string(), nullable=False),
        pa.field("recording_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("duration_ms", pa.int64(), nullable=False),
        pa.field("dataset_split", pa.string(), nullable=False),
        pa.field("consent_events", pa.int64(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("shard", pa.string()),
        pa.field("offset", pa.int64()),
    ]
)


def write_index(path: Path, rows: Sequence[Mapping[str, Any]], licence: str, samples: Mapping[str, Sample] | None = None) -> None:
    """Write the index, ascending by `asset_id`; `consent_events` is their count. One version of pyarrow always writes the same bytes.

    `samples` (by asset) gives `file` its member's name and `shard`, `offset` their values in a sharded dataset; they are null in the others.
    """
    ordered = sorted(rows, key=lambda row: str(row["asset_id"]))
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", version="2.6", store_schema=False) as writer:
        for start in range(0, len(ordered), ROWS_PER_GROUP):
            group = [_row(row, licence, samples) for row in ordered[start : start + ROWS_PER_GROUP]]
            writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA), row_group_size=ROWS_PER_GROUP)


def _row(row: Mapping[str, Any], licence: str, samples: Mapping[str, Sample] | None) -> dict[str, Any]:
    sample = samples[row["asset_id"]] if samples is not None else None
    return {
        **{name: row[name] for name in ("asset_id", "recording_id", "kind", "bytes", "duration_ms", "dataset_split")},
        "file": sample.audio_name if sample else row["file"],
        "consent_events": len(row["consent_events"]),
        "licence": licence,
        "shard": sample.shard if sample else None,
        "offset": sample.offset if sample else None,
    }
