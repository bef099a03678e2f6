"""`allocations.jsonl` and `deltas.jsonl` written in a stream from integer columns: the bytes of `canonical.encode_table`, without a dictionary a row."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ritornello.domain import merkle
from ritornello.formats.canonical import Fingerprint, encode

NameLine = Callable[[str, str, str], str]  # (pool, payee, recording_id) → line_id


@dataclass(frozen=True, slots=True)
class Names:
    """The texts that ranks stand for."""

    pools: Sequence[str]
    payees: Sequence[str]
    recordings: Sequence[str]


def write_allocations(path: Path, batches: Iterable[pa.RecordBatch], names: Names, name_line: NameLine) -> Fingerprint:
    """Write the table and return its fingerprint. Batches ascend by pool, payee and recording, and have weight, share_e8 and units beside."""
    return _write(path, batches, names, name_line, _allocations)


def write_deltas(path: Path, batches: Iterable[pa.RecordBatch], names: Names, name_line: NameLine) -> Fingerprint:
    """The same; batches have before_numerator, after_numerator, before_units and after_units beside."""
    return _write(path, batches, names, name_line, _deltas)


def _write(
    path: Path, batches: Iterable[pa.RecordBatch], names: Names, name_line: NameLine, parts_of: Callable[..., list[Any]]
) -> Fingerprint:
    quoted = {field: pa.array([_quote(text) for text in getattr(names, field)], pa.string()) for field in ("pools", "payees", "recordings")}
    tree, rows = merkle.Growing(), 0
    with path.open("wb") as stream:
        for batch in batches:
            text = _join(parts_of(batch, _name(batch, names, name_line), quoted))
            stream.write(text)
            lines = text.split(b"\n")[:-1]
            tree.add([hashlib.sha256(b"\x00" + line).digest() for line in lines])
            rows += len(lines)
        stream.flush()
        os.fsync(stream.fileno())
    return Fingerprint(tree.root().hex(), rows)


def _name(batch: pa.RecordBatch, names: Names, name_line: NameLine) -> pa.Array:
    ranks = [batch.column(name).to_pylist() for name in ("pool", "payee", "recording")]
    ids = [
        name_line(names.pools[pool], names.payees[payee], names.recordings[recording])
        for pool, payee, recording in zip(*ranks, strict=True)
    ]
    return pa.array(ids, pa.string())


def _allocations(batch: pa.RecordBatch, ids: pa.Array, quoted: dict[str, pa.Array]) -> list[Any]:
    weight, share = batch.column("weight"), batch.column("share_e8")
    numerator = pc.multiply(weight.cast(pa.decimal128(19, 0)), share.cast(pa.decimal128(10, 0)))
    return [
        '{"amount_units":"', batch.column("units").cast(pa.string()),
        '","line_id":"', ids,
        '","numerator":"', numerator.cast(pa.string()),
        '","payee":', quoted["payees"].take(batch.column("payee")),
        ',"pool":', quoted["pools"].take(batch.column("pool")),
        ',"recording_id":', quoted["recordings"].take(batch.column("recording")),
        ',"share_e8":', share.cast(pa.string()),
        ',"weight":"', weight.cast(pa.string()),
        '"}\n', "",
    ]  # fmt: skip


def _deltas(batch: pa.RecordBatch, ids: pa.Array, quoted: dict[str, pa.Array]) -> list[Any]:
    before, after = batch.column("before_units"), batch.column("after_units")
    return [
        '{"after_numerator":"', batch.column("after_numerator").cast(pa.string()),
        '","after_units":"', after.cast(pa.string()),
        '","before_numerator":"', batch.column("before_numerator").cast(pa.string()),
        '","before_units":"', before.cast(pa.string()),
        '","delta_units":"', pc.subtract(after, before).cast(pa.string()),
        '","line_id":"', ids,
        '","payee":', quoted["payees"].take(batch.column("payee")),
        ',"pool":', quoted["pools"].take(batch.column("pool")),
        ',"recording_id":', quoted["recordings"].take(batch.column("recording")),
        "}\n", "",
    ]  # fmt: skip


def _join(parts: list[Any]) -> bytes:
    lines = pc.binary_join_element_wise(*parts)
    return b"".join(line.as_buffer() for line in lines) if lines.null_count else lines.buffers()[2].to_pybytes()[: _length(lines)]


def _length(lines: pa.Array) -> int:
    """Bytes of a fresh string array's data."""
    return int(pc.sum(pc.binary_length(lines)).as_py() or 0)


def _quote(text: str) -> str:
    """A JSON string as canonical JSON writes it."""
    return encode({"": text})[len('{"":') : -1].decode()
