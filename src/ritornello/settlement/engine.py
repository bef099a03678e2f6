"""The set-wise part of settlement as Ibis expressions: weights of recordings in pools, and numerators of every line.

Everything is integers. Keys are joined on small integers given by the caller (ranks), never on text, so that no collation and no engine's
hash decides anything. Products are cast to DECIMAL(38, 0); `prove_bounds` shows beforehand that none can overflow it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import ibis
import pyarrow as pa

Backend = Any  # an ibis backend; ibis ships no types that mypy could use
EXACT = "decimal(38, 0)"
LARGEST = 10**38 - 1
Key = TypeVar("Key")


def connect(memory_limit: str = "2GB") -> Backend:
    """An in-memory DuckDB that never spills more than 8 GB to disk."""
    return ibis.duckdb.connect(memory_limit=memory_limit, max_temp_directory_size="8GB")


def sum_weights(
    backend: Backend,
    usage: Mapping[str, Sequence[int]],
    attribution: Mapping[str, Sequence[int]],
) -> list[tuple[int, ...]]:
    """(cell, recording, Σ uses × weight_ppm), ascending.

    `usage` has columns cell (model version and territory), output, uses; `attribution` has output, recording, weight_ppm (no unattributed rows).
    """
    used = _table(usage, cell=pa.int32(), output=pa.int32(), uses=pa.int64())
    weights = _table(attribution, output=pa.int32(), recording=pa.int32(), weight_ppm=pa.int64())
    joined = used.join(weights, "output")
    product = joined.uses.cast(EXACT) * joined.weight_ppm.cast(EXACT)
    summed = joined.group_by("cell", "recording").agg(weight=product.sum().cast(EXACT)).order_by("cell", "recording")
    return _rows(backend, summed, "cell", "recording", "weight")


def multiply_lines(
    backend: Backend,
    weights: Mapping[str, Sequence[int]],
    splits: Mapping[str, Sequence[int]],
) -> list[tuple[int, ...]]:
    """(pool, payee, recording, weight, share_e8, weight × share_e8), ascending by the first three.

    `weights` has columns pool, split (which split set applies), recording, weight; `splits` has split, payee, share_e8.
    """
    weighted = _table(weights, pool=pa.int32(), split=pa.int32(), recording=pa.int32(), weight=pa.decimal128(38, 0))
    shares = _table(splits, split=pa.int32(), payee=pa.int32(), share_e8=pa.int64())
    joined = weighted.join(shares, "split")
    numerator = (joined.weight.cast(EXACT) * joined.share_e8.cast(EXACT)).cast(EXACT)
    lines = joined.mutate(numerator=numerator).select("pool", "payee", "recording", "weight", "share_e8", "numerator")
    return _rows(backend, lines.order_by("pool", "payee", "recording"), "pool", "payee", "recording", "weight", "share_e8", "numerator")


def prove_bounds(weights: Sequence[int], largest_share: int) -> None:
    """The sum of all numerators fits DECIMAL(38, 0), so no partial sum of any engine can leave it."""
    assert sum(weights) * largest_share <= LARGEST, "weights too large for exact settlement: report usage in larger units"


def rank(keys: Sequence[Key]) -> dict[Key, int]:
    """Key → its place: the integers that stand for text keys in the engine."""
    return {key: place for place, key in enumerate(keys)}


def _table(columns: Mapping[str, Sequence[int]], **types: pa.DataType) -> Any:
    return ibis.memtable(pa.table({name: pa.array(columns[name], type=kind) for name, kind in types.items()}))


def _rows(backend: Backend, expression: Any, *columns: str) -> list[tuple[int, ...]]:
    result = backend.to_pyarrow(expression)
    return list(zip(*([int(value) for value in result[column].to_pylist()] for column in columns), strict=True))
