"""Where division runs: DuckDB in this process, or a Spark-compatible engine behind a Spark Connect address (Sail, Spark).

A backend reads and writes Parquet by path or URL, and checks that what it wrote has the integer types it was promised: DuckDB would write a HUGEINT
as DOUBLE without a word. Files are named by the caller, so a step that was cut off is simply written again.
"""

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import ibis
import pyarrow.parquet as pq

from ritornello.domain.errors import Refused

Table = Any  # an ibis table; ibis ships no types that mypy could use
Schema = Mapping[str, str]  # column → ibis type
GROUP_BYTES = 64  # what DuckDB keeps for each group of a table it indexes directly by key


class Backend(Protocol):
    """What a run needs of an engine."""

    name: str
    is_distributed: bool  # takes a table in one piece: no chunks, no care for this machine's memory

    def read(self, path: str) -> Table:
        """The Parquet file or folder at a path (or several, by `*`) as an Ibis table."""

    def write(self, table: Table, path: str, schema: Schema, order: Sequence[str] = ()) -> None:
        """Compute a table into Parquet at a path, over what is there. Asserts the types of `schema`.

        What is not distributed comes in the `order` of these columns; the files of a cluster come in none (Sail's workers forget it on writing).
        """

    def rows(self, table: Table) -> list[tuple[Any, ...]]:
        """A small table's rows."""

    def close(self) -> None: ...


class DuckDB:
    """DuckDB in this process; it never uses more memory than it is given, nor more disk for spilling."""

    name = "duckdb"
    is_distributed = False

    def __init__(self, spill: Path, memory_bytes: int = 4 << 30, spill_bytes: int = 64 << 30, threads: int | None = None) -> None:
        self._spill = spill
        self._connection = ibis.duckdb.connect(
            memory_limit=f"{memory_bytes}B",
            max_temp_directory_size=f"{spill_bytes}B",
            temp_directory=str(spill),
            **({"threads": threads} if threads is not None else {}),
        )
        (used,) = self._connection.raw_sql("SELECT current_setting('threads')").fetchone()
        self._connection.raw_sql(f"SET perfect_ht_threshold = {_direct_bits(memory_bytes // int(used))}")

    def read(self, path: str) -> Table:
        return self._connection.read_parquet(path)

    def write(self, table: Table, path: str, schema: Schema, order: Sequence[str] = ()) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._connection.to_parquet(table.order_by(*order) if order else table, path)
        written = pq.read_schema(path)
        _check_types(path, dict(zip(written.names, map(str, written.types), strict=True)), schema)

    def rows(self, table: Table) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._connection.to_pyarrow(table).to_pylist()]

    def close(self) -> None:
        self._connection.disconnect()
        shutil.rmtree(self._spill, ignore_errors=True)


class Spark:
    """A Spark-compatible engine by its Spark Connect address, such as `sc://host:15002`: Sail, or Spark itself. Its workers read and write the files."""

    name = "spark"
    is_distributed = True

    def __init__(self, url: str, session: Any = None) -> None:
        if session is None:
            session = _connect(url)
        self._session = session
        self._session.conf.set("spark.sql.ansi.enabled", "true")  # Spark then raises where it would return NULL or wrap
        self._connection = ibis.pyspark.connect(session)

    def read(self, path: str) -> Table:
        return self._connection.read_parquet(path)

    def write(self, table: Table, path: str, schema: Schema, order: Sequence[str] = ()) -> None:
        self._session.sql(self._connection.compile(table)).write.mode("overwrite").parquet(path)
        written = self._session.read.parquet(path).schema
        _check_types(path, {field.name: field.dataType.simpleString() for field in written}, schema)

    def rows(self, table: Table) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._session.sql(self._connection.compile(table)).collect()]

    def close(self) -> None:
        self._session.stop()


_NAMES = {  # what Parquet readers call the types that we write
    "int32": {"int32", "int", "integer"},
    "int64": {"int64", "bigint"},
    "decimal(38, 0)": {"decimal128(38, 0)", "decimal(38,0)"},
}


def _check_types(path: str, found: Mapping[str, str], schema: Schema) -> None:
    wrong = [name for name, kind in schema.items() if found.get(name) not in _NAMES[kind]]
    assert not wrong and list(found) == list(schema), f"{path} was written as {found}, not as {dict(schema)}"


def _direct_bits(thread_bytes: int) -> int:
    """How many bits of key DuckDB may index its groups by directly, without hashing, within a quarter of its memory: halves the cost of large sums."""
    return max(12, min(26, (thread_bytes // 4 // GROUP_BYTES).bit_length() - 1))


def _connect(url: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise Refused(
            "no_spark", "the Spark Connect client is not installed", "install Ritornello with its extra: ritornello[spark]"
        ) from None
    where = urlsplit(url)
    try:
        if where.scheme != "sc" or where.hostname is None:
            raise OSError("an address looks like sc://host:15002")
        socket.create_connection((where.hostname, where.port or 15002), 10).close()  # the client itself would go on trying for ten minutes
    except (OSError, ValueError) as error:
        raise Refused(
            "no_engine", f"no Spark Connect server answers at {url}: {error}", "start one, or settle with --engine duckdb"
        ) from None
    os.environ.setdefault("SPARK_CONNECT_MODE_ENABLED", "1")
    return SparkSession.builder.remote(url).create()
