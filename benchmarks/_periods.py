"""A seeded period of any size as integer tables, shaped like life: few recordings are heard often, most seldom; sets of one to four payees.

Per 100 attribution rows there is one recording, per 20 an output; outputs are used in four territories (the cells), 1.1 times on average, mostly little and
sometimes very much; three lanes with 1.5, 2.5 and 3 payees a recording on average.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.settlement.bulk import PoolRow, write_pools

COLUMNS = {
    "attribution": ("output", "recording", "weight_ppm"),
    "usage": ("cell", "output", "uses"),
    "splits": ("lane", "recording", "payee", "share_e8"),
}
CELLS, LANES, PER_OUTPUT, BLOCK = 4, ((1, 2), (1, 4), (2, 4)), 20, 500_000
SEED = 20261101


def generate(folder: Path, rows: int) -> dict[str, int]:
    """Write attribution, usage, splits and pools as Parquet; returns how many of each. Does nothing where that was done before."""
    folder.mkdir(parents=True, exist_ok=True)
    outputs, recordings, parties = rows // PER_OUTPUT, rows // 100, max(rows // 500, 10)
    random = np.random.default_rng(SEED)
    if not (folder / "pools.parquet").exists():
        _write_attribution(folder / "attribution.parquet", outputs, recordings, random)
        _write_usage(folder / "usage.parquet", outputs, random)
        _write_splits(folder / "splits.parquet", recordings, parties, random)
        units = random.integers(10**11, 10**13, CELLS * len(LANES))
        pools = [PoolRow(number, number // len(LANES), number % len(LANES), int(amount)) for number, amount in enumerate(units)]
        write_pools(folder / "pools.parquet", pools, {})
    return {name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in COLUMNS}


def read_pools(folder: Path) -> list[PoolRow]:
    table = pq.read_table(folder / "pools.parquet", columns=["pool", "cell", "lane", "units"])
    return [PoolRow(**row) for row in table.to_pylist()]


def read_sums(pools: Path) -> dict[int, int]:
    """Cell → Σ weight, from a table of pools with denominators."""
    return {row["cell"]: int(row["denominator"]) // WHOLE_E8 for row in pq.read_table(pools).to_pylist()}


def count_payees(folder: Path) -> int:
    statistics = [pq.read_metadata(folder / "splits.parquet").row_group(n).column(2).statistics for n in range(_groups(folder))]
    return int(max(one.max for one in statistics)) + 1


def change_splits(folder: Path, path: Path, kind: str, share: float = 0.01) -> int:
    """Another payee takes over the first one's share in about `share` of the split sets; returns in how many.

    `scattered`: sets at random, each with a new payee of its own. `sold`: whole catalogues of payees at random, all to one buyer.
    """
    table = pq.read_table(folder / "splits.parquet")
    lane, recording, payee, share_e8 = (table[name].to_numpy() for name in COLUMNS["splits"])
    random = np.random.default_rng(SEED + 1)
    parties = int(payee.max()) + 1
    first = np.r_[True, (lane[1:] != lane[:-1]) | (recording[1:] != recording[:-1])]
    if kind == "sold":
        sellers = random.permutation(parties)[: int(parties * share)]
        leaves, new = first & np.isin(payee, sellers), parties - 1
    else:
        leaves = first & (random.random(len(first)) < share)
        new = random.integers(0, parties, leaves.sum())
    before = np.r_[share_e8, np.zeros(leaves.sum(), np.int64)]
    after = np.r_[np.where(leaves, 0, share_e8), share_e8[leaves]]
    keys = np.r_[_key(lane, recording, payee), _key(lane[leaves], recording[leaves], np.broadcast_to(new, leaves.sum()))]
    unique, place = np.unique(keys, return_inverse=True)
    sums = [np.bincount(place, weights=values, minlength=len(unique)).astype(np.int32) for values in (before, after)]
    differs = sums[0] != sums[1]
    unique = unique[differs]
    columns = {"lane": unique >> 56, "recording": (unique >> 28) & 0xFFFFFFF, "payee": unique & 0xFFFFFFF}
    values = {name: column.astype(np.int32) for name, column in columns.items()}
    pq.write_table(pa.table({**values, "before_e8": sums[0][differs], "after_e8": sums[1][differs]}), path)
    return int(leaves.sum())


def _key(lane: Any, recording: Any, payee: Any) -> Any:
    return (lane.astype(np.int64) << 56) | (recording.astype(np.int64) << 28) | payee


def _write_attribution(path: Path, outputs: int, recordings: int, random: np.random.Generator) -> None:
    schema = pa.schema({"output": pa.int32(), "recording": pa.int32(), "weight_ppm": pa.int32()})
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for first in range(0, outputs, BLOCK):
            count = min(BLOCK, outputs - first)
            output = np.repeat(np.arange(first, first + count, dtype=np.int32), PER_OUTPUT)
            heard = np.sort((recordings * random.random((count, PER_OUTPUT)) ** 2).astype(np.int32), axis=1).reshape(-1)
            weight = random.integers(1, 2 * 900_000 // PER_OUTPUT, count * PER_OUTPUT, dtype=np.int32)
            is_new = np.r_[True, (heard[1:] != heard[:-1]) | (output[1:] != output[:-1])]
            writer.write_table(pa.table([output[is_new], heard[is_new], weight[is_new]], schema=schema), row_group_size=1_000_000)


def _write_usage(path: Path, outputs: int, random: np.random.Generator) -> None:
    count = outputs * 11 // 10
    output = np.sort(np.r_[np.arange(outputs), random.integers(0, outputs, count - outputs)]).astype(np.int32)
    uses = (1 + random.pareto(1.2, count) * 10).clip(1, 1e7).astype(np.int64)
    pq.write_table(
        pa.table({"cell": random.integers(0, CELLS, count, dtype=np.int32), "output": output, "uses": uses}), path, compression="zstd"
    )


def _write_splits(path: Path, recordings: int, parties: int, random: np.random.Generator) -> None:
    parts = []
    for lane, (fewest, most) in enumerate(LANES):
        size = random.integers(fewest, most + 1, recordings)
        recording, sizes = np.repeat(np.arange(recordings), size), np.repeat(size, size)
        payee = (parties * random.random(len(recording)) ** 2).astype(np.int64)
        is_first = np.r_[True, recording[1:] != recording[:-1]]
        share = np.where(is_first, WHOLE_E8 - WHOLE_E8 // sizes * (sizes - 1), WHOLE_E8 // sizes)
        unique, place = np.unique(recording * parties + payee, return_inverse=True)
        summed = np.bincount(place, weights=share).astype(np.int32)
        parts.append((np.full(len(unique), lane), unique // parties, unique % parties, summed))
    columns = [np.concatenate(column).astype(np.int32) for column in zip(*parts, strict=True)]
    pq.write_table(pa.table(dict(zip(COLUMNS["splits"], columns, strict=True))), path, compression="zstd")


def _groups(folder: Path) -> int:
    return int(pq.read_metadata(folder / "splits.parquet").num_row_groups)
