"""What dividing a large period costs, beside its peers, in processor seconds of one run.

    python3 dev.py bench settlement [--rows 1m|100m] [--rounds 3] [--memory-gb 4] [--keep FOLDER]

A seeded generator writes attribution rows (20 recordings an output), usage in four territories, and split sets of three lanes (`benchmarks/_periods.py`); 100 m
rows give about 28 m allocation lines in twelve pools. Every piece runs in a process of its own, so that its peak memory is its own:

    scan     reads the same columns and adds them up: no work less than this is possible           goal: settle <= 30 x scan
    settle   weights, numerators, amounts, lines, sorted and written, by the Ibis expressions on DuckDB
    sql      the same by hand-written DuckDB SQL, chunk by chunk                                   goal: settle <= 1.1 x sql
    scattered, sold   1 % of the split sets change, at random or the whole catalogues of 1 % of    goal: <= 1/10 of settle
             the payees: their deltas, from stored numerators and lines
    loop     plain exact Python, row by row, on a slice of 10 m rows; taken per row                goal: settle >= 12 x less
    pandas   floats, on that slice; how wrong they are

The goals are for 100 m rows: with 1 m, planning queries costs more than running them.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import _periods as periods
from ritornello.domain.money import apportion
from ritornello.settlement.backends import DuckDB
from ritornello.settlement.bulk import LINES, Run, prove, write_pools

SIZES = {"1m": 1_000_000, "10m": 10_000_000, "100m": 100_000_000}
SLICE = 10_000_000
LINE_TYPES = [pa.int32(), pa.int32(), pa.int32(), pa.int64(), pa.int32(), pa.int64()]


def main() -> int:
    """Exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description="What dividing a large period costs.")
    parser.add_argument("--rows", choices=SIZES, default="1m")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-gb", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="A folder to leave the data in.")
    parser.add_argument("--piece", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.piece:
        folder = options.keep
        ibis.duckdb.connect().raw_sql("SELECT 1")  # what importing takes is the same at any size
        pq.read_table(folder / "pools.parquet")
        before = resource.getrusage(resource.RUSAGE_SELF)
        found = PIECES[options.piece](folder, options.memory_gb << 30)
        after = resource.getrusage(resource.RUSAGE_SELF)
        found["cpu"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found["peak_mb"] = after.ru_maxrss // 1024
        print(json.dumps(found))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        return _compare(folder, SIZES[options.rows], options)


def _compare(folder: Path, rows: int, options: argparse.Namespace) -> int:
    data, part = folder / str(rows), folder / str(min(rows, SLICE))
    for place, size in ((data, rows), (part, min(rows, SLICE))):
        start = time.process_time()
        counts = periods.generate(place, size)
        print(f"{place.name}: {counts}, generated in {time.process_time() - start:.1f} CPU s", flush=True)
    taken: dict[str, list[dict[str, Any]]] = defaultdict(list)
    digests: dict[int, set[str]] = defaultdict(set)
    for number in range(options.rounds):
        for piece in ("scan", "settle", "sql", "scattered", "sold", *(("loop", "pandas") if number == 0 else ())):
            if piece in {"scattered", "sold"}:
                periods.change_splits(data, data / "settled" / "changed.parquet", piece)
            found = _run(piece, part if piece in {"loop", "pandas"} else data, options.memory_gb)
            if files := found.pop("files", None):
                digests[found["lines"]].add(_digest(files))
            taken[piece].append(found)
            print(f"  {piece:9} {json.dumps(found)}", flush=True)
    assert all(len(found) == 1 for found in digests.values()), "two ways of dividing the same period disagree"
    cpu = {piece: statistics.median(one["cpu"] for one in all_of) for piece, all_of in taken.items()}
    spread = {
        piece: f"{min(one['cpu'] for one in all_of):.2f} - {max(one['cpu'] for one in all_of):.2f}" for piece, all_of in taken.items()
    }
    loop = cpu["loop"] / taken["loop"][0]["rows"] * rows
    print(
        f"settle: {cpu['settle']:.2f} CPU s ({spread['settle']}), {taken['settle'][0]['lines']:,} lines, peak {taken['settle'][0]['peak_mb']:,} MB"
    )
    goals = [
        ("to a raw scan", cpu["settle"] / cpu["scan"], "<=", 30),
        ("to hand-written SQL", cpu["settle"] / cpu["sql"], "<=", 1.1),
        ("of a Python loop (per row, extrapolated) to it", loop / cpu["settle"], ">=", 12),
        ("of a correction, 1 % of split sets at random, to it", cpu["scattered"] / cpu["settle"], "<=", 0.1),
        ("of a correction, 1 % of catalogues sold, to it", cpu["sold"] / cpu["settle"], "<=", 0.1),
    ]
    for what, ratio, sign, goal in goals:
        print(f"  ratio {what}: {ratio:.3g} (goal {sign} {goal})")
    print(f"  spread in CPU s: {spread}")
    print(f"  pandas in floats: {taken['pandas'][0]}")
    return 0 if rows < SIZES["100m"] or all(ratio <= goal if sign == "<=" else ratio >= goal for _, ratio, sign, goal in goals) else 1


def _run(piece: str, data: Path, memory_gb: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.settlement", "--piece", piece, "--keep", str(data), "--memory-gb", str(memory_gb)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))


def scan(data: Path, memory: int) -> dict[str, Any]:
    connection = _connect(data, memory)
    for name, columns in periods.COLUMNS.items():
        connection.execute(f"SELECT {', '.join(f'sum({column})' for column in columns)} FROM '{data}/{name}.parquet'").fetchall()
    return {}


def settle(data: Path, memory: int) -> dict[str, Any]:
    place = data / "settled"
    shutil.rmtree(place, ignore_errors=True)
    backend = DuckDB(place / "spill", memory)
    run = Run(backend, str(place), place / "journal.json", "benchmark")
    weights = run.weigh(f"{data}/usage.parquet", f"{data}/attribution.parquet")
    table = backend.read(weights)
    sums = {cell: int(total) for cell, total in backend.rows(table.group_by("cell").agg(total=table.weight.sum()))}
    rows = periods.read_pools(data)
    bounds = prove(rows, sums, periods.count_payees(data))
    write_pools(place / "pools.parquet", rows, sums)
    _, lines = run.divide(f"{place}/pools.parquet", weights, f"{data}/splits.parquet", bounds)
    backend.close()
    return _counted(lines)


def sql(data: Path, memory: int) -> dict[str, Any]:
    """As good as we know how to write it by hand: HUGEINT instead of decimals, sums indexed directly, one pool at a time."""
    place = data / "by-hand"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    connection = _connect(data, memory)
    connection.execute("SET perfect_ht_threshold = 24")
    connection.execute(
        f"""COPY (SELECT cell, recording, sum(uses * weight_ppm)::BIGINT AS weight FROM '{data}/usage.parquet' JOIN '{data}/attribution.parquet' USING (output)
        GROUP BY ALL) TO '{place}/weights.parquet'"""
    )
    shares = f"""FROM '{data}/pools.parquet' p JOIN '{place}/weights.parquet' USING (cell) JOIN '{data}/splits.parquet' USING (lane, recording)"""
    connection.execute(
        f"""COPY (SELECT pool, payee, sum(weight::HUGEINT * share_e8)::DECIMAL(38, 0) AS numerator, count(*) AS lines {shares} GROUP BY ALL)
        TO '{place}/numerators.parquet'"""
    )

    def divide(source: str, group: str, key: str) -> str:
        return f"""WITH guessed AS (SELECT *, (total::HUGEINT * n)::DOUBLE / whole AS quotient, total::HUGEINT * n AS product FROM ({source})),
            near AS (SELECT *, quotient::BIGINT AS guess, product - quotient::BIGINT * whole AS rest FROM guessed),
            nearer AS (SELECT * REPLACE (guess + (rest::DOUBLE / whole)::BIGINT AS guess, rest - (rest::DOUBLE / whole)::BIGINT * whole AS rest) FROM near),
            exact AS (SELECT *, guess + (rest >= whole)::INT - (rest < 0)::INT AS floor,
                rest - CASE WHEN rest >= whole THEN whole WHEN rest < 0 THEN -whole ELSE 0 END AS remainder FROM nearer)
            SELECT *, floor + (row_number() OVER (PARTITION BY {group} ORDER BY remainder * 2147483648 - {key} DESC)
                <= total - sum(floor) OVER (PARTITION BY {group}))::BIGINT AS units FROM exact"""

    payees = f"""SELECT pool, payee, numerator::HUGEINT AS n, lines, units AS total, sum(n) OVER (PARTITION BY pool) AS whole
        FROM '{place}/numerators.parquet' JOIN '{data}/pools.parquet' USING (pool)"""
    connection.execute(
        f"""COPY (SELECT pool, payee, n::DECIMAL(38, 0) AS numerator, lines, units::BIGINT AS units FROM ({divide(payees, "pool", "payee")}) ORDER BY pool, payee)
        TO '{place}/payees.parquet'"""
    )
    for row in periods.read_pools(data):
        lines = f"""SELECT pool, payee, recording, weight, share_e8, weight::HUGEINT * share_e8 AS n, a.units AS total, a.numerator::HUGEINT AS whole {shares}
            JOIN (FROM '{place}/payees.parquet' WHERE pool = {row.pool}) a USING (pool, payee) WHERE p.pool = {row.pool}"""
        connection.execute(
            f"""COPY (SELECT pool, payee, recording, weight, share_e8, units::BIGINT AS units FROM ({divide(lines, "payee", "recording")})
            ORDER BY payee, recording) TO '{place}/lines-{row.pool:05d}.parquet'"""
        )
    return _counted(sorted(map(str, place.glob("lines-*.parquet"))))


def correct(data: Path, memory: int) -> dict[str, Any]:
    place = data / "settled"
    backend = DuckDB(place / "spill", memory)
    (place / "correction.json").unlink(missing_ok=True)
    run = Run(backend, str(place), place / "correction.json", "benchmark")
    bounds = prove(periods.read_pools(data), periods.read_sums(place / "pools.parquet"), periods.count_payees(data))
    tables = [f"{place}/{name}.parquet" for name in ("pools", "weights", "changed", "payees", "lines-*")]
    _, found, drifted = run.correct(*tables, bounds)
    backend.close()
    return {"deltas": pq.read_metadata(found).num_rows, "pools divided anew": len(drifted)}


def loop(data: Path, _: int) -> dict[str, Any]:
    """Exact Python integers, one row after the other, as one would first write it."""
    uses: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for cell, output, count in _rows(data / "usage.parquet", "cell", "output", "uses"):
        uses[output].append((cell, count))
    weights: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    rows = 0
    for output, recording, weight_ppm in _rows(data / "attribution.parquet", "output", "recording", "weight_ppm"):
        rows += 1
        for cell, count in uses[output]:
            weights[cell][recording] += count * weight_ppm
    splits: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for lane, recording, payee, share in _rows(data / "splits.parquet", "lane", "recording", "payee", "share_e8"):
        splits[lane, recording].append((payee, share))
    lines: list[tuple[int, ...]] = []
    for pool in periods.read_pools(data):
        numerators: dict[int, dict[int, int]] = defaultdict(dict)
        for recording, weight in weights[pool.cell].items():
            for payee, share in splits[pool.lane, recording]:
                numerators[payee][recording] = weight * share
        amounts = apportion(pool.units, {payee: sum(of_payee.values()) for payee, of_payee in numerators.items()})
        for payee, of_payee in sorted(numerators.items()):
            units = apportion(amounts[payee], of_payee)
            lines += [
                (pool.pool, payee, recording, weights[pool.cell][recording], n // weights[pool.cell][recording], units[recording])
                for recording, n in sorted(of_payee.items())
            ]
    columns = [pa.array(column, kind) for column, kind in zip(zip(*lines, strict=True), LINE_TYPES, strict=True)]
    pq.write_table(pa.table(columns, names=list(LINES)), data / "by-loop.parquet")
    return {"rows": rows, **_counted([str(data / "by-loop.parquet")])}


def pandas(data: Path, _: int) -> dict[str, Any]:
    """Floats, as a spreadsheet would: each line rounded by itself."""
    import pandas as pd

    usage, attribution, splits, pools = (pd.read_parquet(data / f"{name}.parquet") for name in ("usage", "attribution", "splits", "pools"))
    heard = attribution.merge(usage, on="output")
    heard["weight"] = heard.uses.astype(float) * heard.weight_ppm
    weights = heard.groupby(["cell", "recording"], as_index=False).weight.sum()
    lines = pools.merge(weights, on="cell").merge(splits, on=["lane", "recording"])
    lines["numerator"] = lines.weight * lines.share_e8
    lines["units"] = (lines.units * lines.numerator / lines.groupby("pool").numerator.transform("sum")).round().astype("int64")
    exact = duckdb.sql(f"SELECT pool, payee, recording, units AS exact FROM '{data}/by-loop.parquet'").df()
    both = lines.merge(exact, on=["pool", "payee", "recording"])
    assert len(both) == len(lines) == len(exact)
    totals = both.groupby("pool")[["units", "exact"]].sum()
    return {
        "lines": len(both),
        "lines_that_differ": int((both.units != both.exact).sum()),
        "most_units_off": int((both.units - both.exact).abs().max()),
        "pools_that_do_not_add_up": int((totals.units != totals.exact).sum()),
        "units_lost_or_made": int((totals.units - totals.exact).abs().sum()),
    }


def _counted(files: list[str]) -> dict[str, Any]:
    return {"lines": sum(pq.read_metadata(path).num_rows for path in files), "files": files}


def _digest(files: list[str]) -> str:
    """A sum over the lines that any difference would show in."""
    names = ", ".join(f"'{path}'" for path in files)
    value = "sum(hash(pool, payee, recording, weight, share_e8, units)::HUGEINT)"
    return str(duckdb.sql(f"SELECT {value}::VARCHAR FROM read_parquet([{names}])").fetchall()[0][0])


def _rows(path: Path, *columns: str) -> Any:
    for batch in pq.ParquetFile(path).iter_batches(columns=list(columns)):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def _connect(data: Path, memory: int) -> duckdb.DuckDBPyConnection:
    limits = {"memory_limit": f"{memory}B", "temp_directory": str(data / "spill"), "max_temp_directory_size": "64GB"}
    return duckdb.connect(config=limits)


PIECES: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "scan": scan, "settle": settle, "sql": sql, "scattered": correct, "sold": correct, "loop": loop, "pandas": pandas
}  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(main())
