"""The ledger: immutable, hash-chained batches of postings; and balances, as they are or as they were known (docs/ledger.md)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select

from ritornello.domain import merkle
from ritornello.domain.errors import Refused
from ritornello.domain.ledger import LARGEST_UNITS, NO_BATCH, Batch, Header, Posting, faults_of_batch, faults_of_postings
from ritornello.formats.canonical import fingerprint_table
from ritornello.formats.ledger_batch import POSTING_KEY, encode_posting, encode_postings, hash_header, root_of
from ritornello.store import log, posting_table
from ritornello.store.schema import ledger_batch, posting

LOG_KIND = "ledger-batch"


@dataclass(frozen=True, slots=True)
class Posted:
    """A batch in the ledger. `new` is False when it was there already, with the same content."""

    header: Header
    sha256: str
    new: bool = False


def post_batch(connection: Connection, batch: Batch, postings: Iterable[Posting], at_us: int) -> Posted:
    """Append a batch and commit it to the log; durable when the transaction commits.

    Posting the same batch again does nothing and says so (`new` is False). `recorded_at_us` never goes backwards, whatever the clock says.
    Raises Refused when another batch has the name, or an amount is too large for the ledger. Unbalanced transfers and accounts outside
    the chart are faults of the caller: check what people bring with `domain.ledger.faults_of_postings` first.
    """
    rows = sorted(postings, key=lambda row: (row.transfer_id, row.account, row.currency))
    faults = faults_of_postings(batch.batch_id, rows)
    assert not faults, f"batch {batch.batch_id}: {faults[0]}"
    return post_table(connection, batch, encode_postings(rows), at_us)


def post_table(connection: Connection, batch: Batch, table: bytes, at_us: int, *, root: str | None = None) -> Posted:
    """The same for postings that are a table already (a settlement's postings.jsonl), of any size. Balance is checked on the way, and by the database.

    `root` is the table's hash, where it is known already.
    """
    root = root or fingerprint_table(table).hash
    if known := find_batch(connection, batch.batch_id):
        if (known.header.root, *(getattr(known.header, name) for name in asdict(batch))) != (root, *asdict(batch).values()):
            raise Refused("batch_conflict", f"batch {batch.batch_id} is posted with other content; nothing was posted", "name it anew")
        return known
    faults = faults_of_batch(batch)
    assert not faults, faults[0]
    before = read_last(connection)
    seq = before.header.seq + 1 if before else 1
    count = posting_table.load(connection, seq, batch.batch_id, table)
    header = _chain(before, batch, at_us, count, root)
    posted = Posted(header, hash_header(header), new=True)
    connection.execute(insert(ledger_batch).values(**asdict(header), sha256=posted.sha256))
    posting_table.seal(connection, seq)
    log.append(connection, [(LOG_KIND, batch.batch_id, posted.sha256)], at_us)
    return posted


def find_batch(connection: Connection, batch_id: str) -> Posted | None:
    row = connection.execute(select(ledger_batch).where(ledger_batch.c.batch_id == batch_id)).first()
    return _posted(row) if row else None


def read_last(connection: Connection) -> Posted | None:
    """The newest batch of all; inside a transaction nobody else appends after it."""
    row = connection.execute(select(ledger_batch).order_by(ledger_batch.c.seq.desc()).limit(1)).first()
    return _posted(row) if row else None


def read_batches(connection: Connection, programme_id: str | None = None) -> list[Posted]:
    """All batches, or one programme's, oldest first."""
    query = select(ledger_batch).order_by(ledger_batch.c.seq)
    if programme_id is not None:
        query = query.where(ledger_batch.c.programme_id == programme_id)
    return [_posted(row) for row in connection.execute(query)]


def read_postings(connection: Connection, seq: int | None = None, *, programme_id: str | None = None) -> Iterator[tuple[int, Posting]]:
    """(batch, posting) of one batch, of a programme, or all, ascending by batch, transfer, account and currency; read as they are asked for."""
    query = select(posting).order_by(posting.c.batch_seq, *(posting.c[name] for name in POSTING_KEY))
    if seq is not None:
        query = query.where(posting.c.batch_seq == seq)
    if programme_id is not None:
        batches = select(ledger_batch.c.seq).where(ledger_batch.c.programme_id == programme_id)
        query = query.where(posting.c.batch_seq.in_(batches))
    for row in connection.execute(query, execution_options={"yield_per": 10_000}):
        yield row.batch_seq, Posting(row.transfer_id, row.account, row.currency, row.amount_units, row.state)


def read_transfer(connection: Connection, batch_id: str, transfer_id: str) -> list[Posting]:
    """The postings of one transfer of a batch, ascending by account; none when there is no such transfer."""
    seq = select(ledger_batch.c.seq).where(ledger_batch.c.batch_id == batch_id).scalar_subquery()
    query = select(posting).where(posting.c.batch_seq == seq, posting.c.transfer_id == transfer_id).order_by(posting.c.account)
    return [Posting(row.transfer_id, row.account, row.currency, row.amount_units, row.state) for row in connection.execute(query)]


def balances(
    connection: Connection,
    programme_id: str | None = None,
    *,
    accounts: Sequence[str] = (),
    known_at_us: int | None = None,
    before_batch: str | None = None,
) -> dict[tuple[str, str], int]:
    """(account, currency) → what is owed to the account: credits minus debits, in units, ascending; zero balances are left out.

    `accounts`: only those that start with one of these (`party:`, `held:dispute`). As known at a moment: batches recorded at
    `known_at_us` or earlier, and only those in front of `before_batch`: what a settlement opened with is
    `balances(connection, programme, known_at_us=its known_at_us, before_batch=its id)`, whatever came later.
    """
    owed = -func.sum(posting.c.amount_units)
    query = select(posting.c.account, posting.c.currency, owed.label("owed")).join(ledger_batch, ledger_batch.c.seq == posting.c.batch_seq)
    if programme_id is not None:
        query = query.where(ledger_batch.c.programme_id == programme_id)
    if accounts:
        query = query.where(or_(*(_starts_with(prefix) for prefix in accounts)))
    if known_at_us is not None:
        query = query.where(ledger_batch.c.recorded_at_us <= known_at_us)
    if before_batch is not None:
        seq = select(ledger_batch.c.seq).where(ledger_batch.c.batch_id == before_batch).scalar_subquery()
        query = query.where(ledger_batch.c.seq < func.coalesce(seq, LARGEST_UNITS))
    query = query.group_by(posting.c.account, posting.c.currency).order_by(posting.c.account, posting.c.currency)
    return {(row.account, row.currency): int(row.owed) for row in connection.execute(query) if row.owed}


def verify_chain(connection: Connection) -> list[str]:
    """Recompute every batch from its postings and the chain from its batches; what is wrong, in order. Empty when all is well."""
    contents, logged = _contents(connection), log.hashes_of(connection, LOG_KIND)
    faults, before = [], None
    for one in read_batches(connection):
        header = one.header
        count, root, uneven = contents.pop(header.seq, (0, root_of(()), []))
        expected = _chain(before, header, header.recorded_at_us, count, root)
        checks = (
            ("a batch before it is missing", header.seq == expected.seq),
            ("it is not chained to the batch before", header.previous_sha256 == expected.previous_sha256),
            ("it is older than the batch before", header.recorded_at_us == expected.recorded_at_us),
            ("its postings were changed", (header.postings, header.root) == (count, root)),
            ("its header was changed", one.sha256 == hash_header(header)),
            (f"transfer {uneven[0] if uneven else ''} does not sum to zero", not uneven),
            ("the log commits to another batch", logged.pop(header.batch_id, one.sha256) == one.sha256),
        )
        faults += [f"batch {header.seq} ({header.batch_id}): {what}" for what, holds in checks if not holds]
        before = one
    faults += [f"batch {number} has postings and no header" for number in sorted(contents)]
    return faults + [f"batch {name} is in the log and not in the ledger" for name in sorted(logged)]


def _contents(connection: Connection) -> dict[int, tuple[int, str, list[str]]]:
    """Batch → (number of postings, root, transfers that don't sum to zero), read once from front to back."""
    found: dict[int, tuple[int, str, list[str]]] = {}
    for seq, rows in groupby(read_postings(connection), key=lambda each: each[0]):
        count = 0
        edge: list[tuple[int, bytes]] = []
        uneven: list[str] = []
        for transfer_id, group in groupby((row for _, row in rows), key=lambda row: row.transfer_id):
            sums: dict[str, int] = defaultdict(int)
            for row in group:
                count += 1
                sums[row.currency] += row.amount_units
                merkle.push(edge, 0, merkle.leaf_hash(encode_posting(row)))
            uneven += [transfer_id] if any(sums.values()) else []
        found[seq] = (count, merkle.fold(edge).hex(), uneven)
    return found


def _starts_with(prefix: str) -> ColumnElement[bool]:
    """As a range, which an index serves; LIKE would ignore case on SQLite."""
    return and_(posting.c.account >= prefix, posting.c.account < prefix + "\U0010ffff")


def _chain(before: Posted | None, batch: Batch, at_us: int, postings: int, root: str) -> Header:
    """The header that follows the batch before."""
    seq, earliest, previous = (before.header.seq + 1, before.header.recorded_at_us, before.sha256) if before else (1, at_us, NO_BATCH)
    named = (batch.batch_id, batch.kind, batch.programme_id, batch.settlement_id)
    return Header(*named, seq, max(at_us, earliest), postings, root, previous)


def _posted(row: Row[Any]) -> Posted:
    return Posted(Header(**{name: value for name, value in row._mapping.items() if name != "sha256"}), row.sha256)
