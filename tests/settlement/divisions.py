"""Small random divisions as integer tables, and what they must come to, worked out with plain integers."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ritornello.domain.catalogue import WHOLE_E8
from ritornello.domain.money import apportion
from ritornello.settlement.backends import Backend
from ritornello.settlement.bulk import PoolRow, Run, prove, write_pools

Row = tuple[int, ...]
INT32, INT64 = pa.int32(), pa.int64()
TYPES = {
    "usage": {"cell": INT32, "output": INT32, "uses": INT64},
    "attribution": {"output": INT32, "recording": INT32, "weight_ppm": INT32},
    "splits": {"lane": INT32, "recording": INT32, "payee": INT32, "share_e8": INT32},
    "changed": {"lane": INT32, "recording": INT32, "payee": INT32, "before_e8": INT32, "after_e8": INT32},
}


@dataclass(frozen=True)
class Division:
    """The integer tables of one division."""

    pools: Sequence[PoolRow]
    usage: Sequence[Row]
    attribution: Sequence[Row]
    splits: Sequence[Row]

    @property
    def payees(self) -> int:
        return 1 + max(payee for _, _, payee, _ in self.splits)

    def weights(self) -> dict[int, dict[int, int]]:
        """Cell → recording → weight."""
        found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for cell, output, uses in self.usage:
            for other, recording, ppm in self.attribution:
                if other == output:
                    found[cell][recording] += uses * ppm
        return found


def random_division(source: random.Random, *, uses: int = 10**6, units: int = 10**13) -> Division:
    """Few recordings and payees, so that ties and single lines happen; amounts from nothing to very much."""
    recordings, payees, lanes, cells = source.randint(1, 12), source.randint(1, 8), source.randint(1, 3), source.randint(1, 3)
    outputs = range(source.randint(1, 6))
    attribution = [
        (output, recording, source.choice([1, 333_333, source.randint(1, 10**6)]))
        for output in outputs
        for recording in source.sample(range(recordings), source.randint(1, recordings))
    ]
    usage = [(cell, source.choice(outputs), source.choice([1, source.randint(1, uses)])) for cell in range(cells) for _ in range(3)]
    splits = [(lane, recording, *share) for lane in range(lanes) for recording in range(recordings) for share in random_set(source, payees)]
    pools = [
        PoolRow(number, cell, lane, source.choice([0, 7, *(source.randint(0, units) for _ in range(3))]))
        for number, (cell, lane) in enumerate((cell, lane) for cell in range(cells) for lane in range(lanes))
    ]
    return Division(pools, usage, attribution, splits)


def random_set(source: random.Random, payees: int) -> list[tuple[int, int]]:
    """(payee, share_e8) of one split set, totalling 100 %."""
    chosen = source.sample(range(payees), source.randint(1, min(4, payees)))
    parts = apportion(WHOLE_E8, {payee: source.choice([1, 1, source.randint(1, 1000)]) for payee in chosen})
    return sorted((payee, share) for payee, share in parts.items() if share)


def write_division(given: Division, folder: Path, *, shuffle: random.Random | None = None, files: int = 1) -> None:
    """The tables as Parquet, in one file each or several, perhaps in another order."""
    for name in ("usage", "attribution", "splits"):
        rows = list(getattr(given, name))
        if shuffle:
            shuffle.shuffle(rows)
        for number in range(files):
            write_table(folder / f"{name}.parquet" / f"part-{number}.parquet", TYPES[name], rows[number::files])


def write_table(path: Path, types: Mapping[str, Any], rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    pq.write_table(
        pa.table([pa.array(column, kind) for column, kind in zip(columns, types.values(), strict=True)], names=list(types)), path
    )


def run_division(given: Division, backend: Backend, source: str, work: Path, place: str | None = None) -> tuple[list[Row], list[Row]]:
    """Rows of payees and of lines, in the order they were written."""
    run = Run(backend, place or str(work), work / "journal.json", "test")
    weights = run.weigh(f"{source}/usage.parquet/*.parquet", f"{source}/attribution.parquet/*.parquet")
    sums = {cell: sum(of_cell.values()) for cell, of_cell in given.weights().items()}
    bounds = prove(given.pools, sums, given.payees)
    write_pools(work / "pools.parquet", given.pools, sums)
    payees, lines = run.divide(str(work / "pools.parquet"), weights, f"{source}/splits.parquet/*.parquet", bounds)
    return read_rows([payees]), read_rows(lines)


def read_rows(paths: Sequence[str]) -> list[Row]:
    """Rows of Parquet files as they lie there, and of folders, which clusters write in no order, sorted."""
    found = []
    for path in (Path(path.removeprefix("file://")) for path in paths):
        files = [path] if path.is_file() else [one for one in path.iterdir() if one.suffix == ".parquet"]
        rows = [tuple(map(int, row.values())) for one in files for row in pq.read_table(one).to_pylist()]
        found += rows if path.is_file() else sorted(rows)
    return found


def divide_by_hand(given: Division) -> tuple[list[Row], list[Row]]:
    """The same rows with plain integers."""
    weights = given.weights()
    payees, lines = [], []
    for pool in given.pools:
        numerators: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
        for lane, recording, payee, share in given.splits:
            if lane == pool.lane and recording in weights[pool.cell]:
                numerators[payee][recording] = weights[pool.cell][recording], share
        totals = {payee: sum(weight * share for weight, share in of_payee.values()) for payee, of_payee in numerators.items()}
        for payee, units in sorted(apportion(pool.units, totals).items()):
            payees.append((pool.pool, payee, totals[payee], len(numerators[payee]), units))
            parts = apportion(units, {recording: weight * share for recording, (weight, share) in numerators[payee].items()})
            lines += [(pool.pool, payee, recording, *numerators[payee][recording], part) for recording, part in sorted(parts.items())]
    return payees, lines
