"""Putting a table of postings (docs/formats/ledger.md) into the database in bulk, checked as a set on the way.

On PostgreSQL, postings lie in partitions by batch number. A large batch gets a fresh one: COPY into a table that nobody sees yet, then
its keys, then it is attached. Smaller batches are copied into the open partition at the end, which has all numbers to come.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
from sqlalchemy import Connection

from ritornello.domain.errors import Refused
from ritornello.domain.ledger import CHART, NAME, STATES, faults_of_account
from ritornello.formats.ledger_batch import POSTING_KEY
from ritornello.store import append_only

COLUMNS = ("batch_seq", "transfer_id", "account", "currency", "amount_units", "state")
LARGE = 100_000  # postings: from here on a batch gets a partition of its own
CHUNK_BYTES = 1 << 24
_FREE = f"^({'|'.join(row.name for row in CHART.values() if not row.only and not row.per_currency)}):.+$"  # where anything may follow
_TEXTS = pa.schema([(name, pa.string()) for name in ("account", "amount_units", "currency", "state", "transfer_id")])


def load(connection: Connection, seq: int, batch_id: str, table: bytes) -> int:
    """Write the rows of a postings table as batch `seq`; returns how many. The batch's header is written after it.

    Raises Refused when an amount does not fit, AssertionError on rows that are out of order, foreign accounts, transfers of other batches or such
    that don't sum to zero (the database checks that once more).
    """
    chunks = _check(batch_id, _read(table))
    rows = table.count(b"\n")
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(COLUMNS))
        for chunk in chunks:
            columns = [chunk[name].to_pylist() for name in COLUMNS[1:]]
            values = zip([seq] * len(chunk), *columns, strict=True)
            connection.exec_driver_sql(f"INSERT INTO posting ({', '.join(COLUMNS)}) VALUES ({places})", list(values))  # noqa: S608
    elif rows < LARGE:
        _copy(connection, "posting", seq, chunks)
    else:
        _load_partition(connection, seq, chunks)
    return rows


def _read(table: bytes) -> Iterator[pa.Table]:
    """The table in chunks of whole lines."""
    start = 0
    while start < len(table):
        end = table.rfind(b"\n", start, start + CHUNK_BYTES) + 1
        assert end > start, "a posting's line does not end"
        options = pyarrow.json.ParseOptions(explicit_schema=_TEXTS, unexpected_field_behavior="error")
        yield pyarrow.json.read_json(io.BytesIO(table[start:end]), parse_options=options)
        start = end


def _check(batch_id: str, chunks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The chunks with their amounts as numbers, after looking at each as a whole."""
    last: pa.Table | None = None
    open_sums: Counter[tuple[str, str]] = Counter()
    for chunk in chunks:
        assert _rises(chunk) and (last is None or _rises(pa.concat_tables([last, chunk[:1]]))), f"batch {batch_id}: rows out of order"
        last = chunk[-1:]
        assert pc.all(pc.starts_with(chunk["transfer_id"], f"{batch_id}/")).as_py(), f"batch {batch_id}: a transfer of another batch"
        assert set(pc.unique(chunk["state"]).to_pylist()) <= set(STATES), f"batch {batch_id}: an unknown state"
        for names in (pc.unique(chunk["transfer_id"]), chunk["account"]):
            assert pc.all(pc.match_substring_regex(names, f"^{NAME}$")).as_py(), f"batch {batch_id}: a name with other characters"
        kinds = pc.replace_substring_regex(chunk["account"], _FREE, r"\1:any")
        kept = pc.unique(pc.binary_join_element_wise(kinds, chunk["currency"], " ")).to_pylist()
        faults = [fault for each in kept for fault in faults_of_account(*each.rsplit(" ", 1))]
        assert not faults, f"batch {batch_id}: {faults[0]}"
        try:
            amounts = chunk["amount_units"].cast(pa.int64())
        except pa.ArrowInvalid:
            raise Refused(
                "amount_too_large", "an account's sum is beyond what the ledger holds", "split the revenue over several programmes"
            ) from None
        numbered = chunk.set_column(chunk.schema.get_field_index("amount_units"), "amount_units", amounts)
        open_sums = _balance(batch_id, numbered, open_sums)
        yield numbered
    _refuse_unbalanced(batch_id, open_sums)


def _balance(batch_id: str, chunk: pa.Table, open_sums: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """(transfer, currency) → sum of the chunk's last transfer, which may go on in the next; all others must sum to zero by now."""
    sums = chunk.group_by(["transfer_id", "currency"]).aggregate([("amount_units", "sum")])
    first, last = chunk["transfer_id"][0], chunk["transfer_id"][-1]
    at_an_end = pc.or_(pc.equal(sums["transfer_id"], first), pc.equal(sums["transfer_id"], last))
    for row in sums.filter(pc.or_(at_an_end, pc.not_equal(sums["amount_units_sum"], 0))).to_pylist():
        open_sums[row["transfer_id"], row["currency"]] += row["amount_units_sum"]
    _refuse_unbalanced(batch_id, {key: total for key, total in open_sums.items() if key[0] != last.as_py()})
    return Counter({key: total for key, total in open_sums.items() if key[0] == last.as_py()})


def _refuse_unbalanced(batch_id: str, sums: Mapping[tuple[str, str], int]) -> None:
    wrong = [f"transfer {transfer} sums to {total} {currency}" for (transfer, currency), total in sorted(sums.items()) if total]
    assert not wrong, f"batch {batch_id}: {wrong[0]}"


def _rises(rows: pa.Table) -> bool:
    """Each row's key is larger than the one before."""
    rising = pa.repeat(pa.scalar(False), len(rows) - 1)
    for name in reversed(POSTING_KEY):
        before, after = rows[name][:-1], rows[name][1:]
        rising = pc.or_(pc.less(before, after), pc.and_(pc.equal(before, after), rising))
    return bool(pc.all(rising).as_py() in (True, None))  # None: there is but one row


def _copy(connection: Connection, table: str, seq: int, chunks: Iterator[pa.Table], options: str = "") -> None:
    """COPY's text format: names have no tab, line end or backslash in them. One chunk is made while the one before is sent."""
    driver: Any = connection.connection.driver_connection
    blocks = (_render(seq, chunk) for chunk in chunks)
    statement = f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN WITH (FORMAT text{options})"
    with ThreadPoolExecutor(1) as ahead, driver.cursor() as cursor, cursor.copy(statement) as copy:
        coming = ahead.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = ahead.submit(next, blocks, None)
            copy.write(block)


def _render(seq: int, chunk: pa.Table) -> memoryview:
    buffer = io.BytesIO()
    numbered = chunk.append_column("batch_seq", pa.repeat(seq, len(chunk))).select(COLUMNS)
    pyarrow.csv.write_csv(numbered, buffer, pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none"))
    return buffer.getbuffer()


def _load_partition(connection: Connection, seq: int, chunks: Iterator[pa.Table]) -> None:
    """Into a partition of its own. The open partition ends in front of it; a new one begins behind it."""
    name, execute = f"posting_{seq}", connection.exec_driver_sql
    execute(f"CREATE TABLE {name} (LIKE posting INCLUDING CONSTRAINTS)")
    _copy(connection, name, seq, chunks, ", FREEZE")  # nobody can have seen an older version of these rows
    execute(f"ALTER TABLE {name} ADD PRIMARY KEY (batch_seq, {', '.join(POSTING_KEY)})")
    execute(f"CREATE INDEX ON {name} (account)")
    execute(f"ANALYZE {name}")
    append_only.protect_partition(connection, name)
    bound = str(
        connection.exec_driver_sql("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = 'posting_open'::regclass").scalar_one()
    )
    first = int(re.findall("[0-9]+", bound)[0])
    execute("ALTER TABLE posting DETACH PARTITION posting_open")
    if connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM posting_open)").scalar_one():
        execute(f"ALTER TABLE posting_open RENAME TO posting_{first}_{seq - 1}")
        execute(f"ALTER TABLE posting ATTACH PARTITION posting_{first}_{seq - 1} FOR VALUES FROM ({first}) TO ({seq})")
    else:
        execute("DROP TABLE posting_open")
    execute(f"ALTER TABLE posting ATTACH PARTITION {name} FOR VALUES FROM ({seq}) TO ({seq + 1})")
    open_partition(connection, seq + 1)


def open_partition(connection: Connection, first: int) -> None:
    """On PostgreSQL: the partition for the batches from `first` on."""
    connection.exec_driver_sql(f"CREATE TABLE posting_open PARTITION OF posting FOR VALUES FROM ({first}) TO (MAXVALUE)")
    _refer_to_headers(connection, "posting_open")
    append_only.protect_partition(connection, "posting_open")


def seal(connection: Connection, seq: int) -> None:
    """Bind a batch's own partition, if it has one, to its header, once that is written."""
    if connection.dialect.name == "postgresql" and connection.exec_driver_sql(f"SELECT to_regclass('posting_{seq}')").scalar_one():
        _refer_to_headers(connection, f"posting_{seq}")


def _refer_to_headers(connection: Connection, partition: str) -> None:
    """Partitions refer to headers each for itself: attaching one to a table that did would need the header, and the header needs the postings."""
    connection.exec_driver_sql(
        f"ALTER TABLE {partition} ADD FOREIGN KEY (batch_seq) REFERENCES ledger_batch (seq) DEFERRABLE INITIALLY DEFERRED"
    )
