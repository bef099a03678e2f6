"""Measure posting: a settlement's batch in bulk, side by side with row-by-row INSERT, on the same PostgreSQL cluster in one run; and on SQLite.

    python3 -m benchmarks.ledger [--postings 1000000] [--rows 2000] [--folder FOLDER]

Starts a cluster of its own with the server's defaults: every commit is durable (fsync on). Ours is all of `post_table`: the batch's
Merkle root (known already when a settlement posts its table), checks, COPY, primary key, index, ANALYZE, attaching, the header with the
database's own checks, the log, commit.
The peers write the same rows in the same order into a table with the same columns, primary key and index, without triggers or hashes:
INSERT by INSERT with a commit each, INSERT by INSERT in one transaction, and the driver's executemany in one transaction.
They get fewer rows (--rows, and 25 times as many in one transaction), since they are slow; that favours them, as their index stays small.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection
from tests.postgres import start_cluster

from ritornello.domain.ledger import Batch, Posting
from ritornello.formats.canonical import fingerprint_table
from ritornello.formats.ledger_batch import decode_postings, encode_postings
from ritornello.store import ledger
from ritornello.store.database import open_engine, transaction, upgrade

Rows = list[tuple[int, str, str, str, int, str]]
LANES = ("master", "performer", "publishing")
PER_POOL = 1000  # postings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postings", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, help="Where to write the SQLite database. Default: a temporary folder.")
    arguments = parser.parse_args()
    table = make_table(arguments.postings)
    print(
        f"{arguments.postings:,} postings, {len(table) / 1e6:,.0f} MB; of ours, seconds for the root alone: {_time(lambda: fingerprint_table(table)):.2f}"
    )
    few = [
        (1, row.transfer_id, row.account, row.currency, row.amount_units, row.state)
        for row in decode_postings(_head(table, 25 * arguments.rows))
    ]
    with start_cluster({}) as cluster:
        show("PostgreSQL", len(few) // 25, measure_postgres(cluster.create(), cluster.create(), table, few))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        show("SQLite", len(few) // 25, measure_sqlite(Path(folder), table, few))


def make_table(postings: int) -> bytes:
    """A settlement's postings: pools of a thousand payees each, some of whom are in many pools."""
    random.seed(1)
    rows = []
    for number in range(max(1, postings // PER_POOL)):
        pool = f"output_share/model-{number % 7}/EUR/{'DE' if number % 2 else 'SE'}/{LANES[number % 3]}/attribution-{number:06d}"
        parties = sorted(random.sample(range(1_000_000), min(PER_POOL, postings) - 1))
        amounts = [random.randrange(1, 10_000_000) for _ in parties]
        transfer = f"programme-2026-10/allocate/{pool}"
        rows += [
            Posting(transfer, f"party:artist-{party:07d}", "EUR", -amount, "posted") for party, amount in zip(parties, amounts, strict=True)
        ]
        rows.append(Posting(transfer, f"pool:{pool}", "EUR", sum(amounts), "posted"))
    rows.sort(key=lambda row: (row.transfer_id, row.account, row.currency))
    return encode_postings(rows)


def measure_postgres(url: str, another: str, table: bytes, few: Rows) -> dict[str, float]:
    """Way → postings per second."""
    engine = open_engine(url)
    upgrade(engine)
    driver = psycopg.connect(engine.raw_connection().driver_connection.info.dsn, autocommit=True)
    statement = "INSERT INTO peer VALUES (%s, %s, %s, %s, %s, %s)"

    def fresh() -> None:
        driver.execute("DROP TABLE IF EXISTS peer")
        driver.execute("CREATE TABLE peer (LIKE posting INCLUDING CONSTRAINTS)")
        driver.execute("ALTER TABLE peer ADD PRIMARY KEY (batch_seq, transfer_id, account, currency)")
        driver.execute("CREATE INDEX ON peer (account)")

    def one_by_one(rows: Rows) -> None:
        for row in rows:
            driver.execute(statement, row)

    def in_one(write: Callable[[Rows], Any]) -> Callable[[Rows], None]:
        def act(rows: Rows) -> None:
            with driver.transaction():
                write(rows)

        return act

    result = _measure_peers(few, fresh, one_by_one, in_one(one_by_one), in_one(lambda rows: driver.cursor().executemany(statement, rows)))
    driver.close()
    result["ours, root known"] = _measure_ours(engine, table, fingerprint_table(table).hash)
    engine.dispose()
    engine = open_engine(another)
    upgrade(engine)
    result["ours"] = _measure_ours(engine, table, None)
    engine.dispose()
    return result


def measure_sqlite(folder: Path, table: bytes, few: Rows) -> dict[str, float]:
    """The same in a file, durable as ours: WAL with synchronous = FULL."""
    driver = sqlite3.connect(folder / "peer.db", isolation_level=None)
    driver.execute("PRAGMA journal_mode = WAL")
    driver.execute("PRAGMA synchronous = FULL")
    statement = "INSERT INTO peer VALUES (?, ?, ?, ?, ?, ?)"

    def fresh() -> None:
        driver.execute("DROP TABLE IF EXISTS peer")
        columns = "batch_seq INTEGER, transfer_id TEXT, account TEXT, currency TEXT, amount_units INTEGER, state TEXT"
        driver.execute(f"CREATE TABLE peer ({columns}, PRIMARY KEY (batch_seq, transfer_id, account, currency)) STRICT")
        driver.execute("CREATE INDEX peer_account ON peer (account)")

    def one_by_one(rows: Rows) -> None:
        for row in rows:
            driver.execute(statement, row)

    def in_one(write: Callable[[Rows], Any]) -> Callable[[Rows], None]:
        def act(rows: Rows) -> None:
            driver.execute("BEGIN IMMEDIATE")
            write(rows)
            driver.execute("COMMIT")

        return act

    result = _measure_peers(few, fresh, one_by_one, in_one(one_by_one), in_one(lambda rows: driver.executemany(statement, rows)))
    driver.close()
    engine = open_engine(f"sqlite:///{folder / 'ours.db'}")
    upgrade(engine)
    result["ours"] = _measure_ours(engine, table, None)
    engine.dispose()
    return result


def _measure_peers(few: Rows, fresh: Callable[[], None], *ways: Callable[[Rows], Any]) -> dict[str, float]:
    names = ("INSERT, commit each", "INSERT, one transaction", "executemany")
    result = {}
    for name, way, rows in zip(names, ways, (few[: len(few) // 25], few, few), strict=True):
        fresh()
        result[name] = len(rows) / _time(lambda way=way, rows=rows: way(rows))  # type: ignore[misc]
    return result


def _measure_ours(engine: Any, table: bytes, root: str | None) -> float:
    def post() -> None:
        with transaction(engine) as connection:
            ledger.post_table(connection, Batch("programme-2026-10", "adjustment", "programme", None), table, 1, root=root)

    seconds = _time(post)
    with transaction(engine) as connection:
        assert _is_whole(connection, table), "what was posted is not what was given"
    return table.count(b"\n") / seconds


def _is_whole(connection: Connection, table: bytes) -> bool:
    return encode_postings(row for _, row in ledger.read_postings(connection)) == table


def show(name: str, rows: int, result: dict[str, float]) -> None:
    print(f"{name:28}{'postings/s':>14}{'ours is ×':>14}")
    for way, rate in result.items():
        print(f"  {way:26}{rate:>14,.0f}{result['ours'] / rate:>14,.1f}")


def _head(table: bytes, rows: int) -> bytes:
    return b"".join(_lines(table, rows))


def _lines(table: bytes, rows: int) -> Iterator[bytes]:
    start = 0
    for _ in range(rows):
        end = table.find(b"\n", start) + 1
        if not end:
            return
        yield table[start:end]
        start = end


def _time(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
