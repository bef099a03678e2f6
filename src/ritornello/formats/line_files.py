"""Many lines of a settlement for programs: as NDJSON and as Parquet, in the columns of allocations.jsonl (docs/formats/settlement.md)."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ritornello.formats.canonical import encode

_WHOLE = pa.decimal128(38, 0)
_SCHEMA = pa.schema(
    [
        pa.field("line_id", pa.string(), nullable=False),
        pa.field("pool", pa.string(), nullable=False),
        pa.field("payee", pa.string(), nullable=False),
        pa.field("recording_id", pa.string()),
        pa.field("share_e8", pa.int64(), nullable=False),
        pa.field("weight", _WHOLE),  # null where it is not shown
        pa.field("numerator", _WHOLE),
        pa.field("amount_units", _WHOLE, nullable=False),
    ]
)
_BIG = ("weight", "numerator", "amount_units")


def encode_ndjson(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """One canonical JSON object a line; amounts are strings of digits, as everywhere."""
    return (encode(row) + b"\n" for row in rows)


def encode_lines_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The same as a Parquet file; what are strings of digits in JSON are whole decimals here, exact to 38 digits."""
    stream = io.BytesIO()
    typed = [{**row, **{name: None if row[name] is None else Decimal(row[name]) for name in _BIG}} for row in rows]
    pq.write_table(pa.Table.from_pylist(typed, schema=_SCHEMA), stream, compression="zstd", version="2.6", store_schema=False)
    return stream.getvalue()
