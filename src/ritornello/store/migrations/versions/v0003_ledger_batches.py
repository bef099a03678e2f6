"""Postings belong to ledger batches: immutable, numbered, hash-chained. What was posted before becomes one batch for each settlement."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from ritornello.domain.ledger import NO_BATCH, Header, Posting
from ritornello.formats.ledger_batch import hash_header, root_of
from ritornello.store import append_only, posting_table

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

UNGUARDED_ON_POSTGRES = (
    "claim",
    "claim_retraction",
    "consent_event",
    "log_entry",
    "log_subtree",
    "mandate",
    "mandate_retraction",
    "membership_map",
    "revenue_line",
    "revenue_report",
    "settlement",
    "settlement_file",
)


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    before = _read_postings()
    op.drop_table("posting")
    batch = op.create_table(
        "ledger_batch",
        sa.Column("seq", WHOLE, autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("settlement_id", sa.Text(), nullable=True),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("postings", WHOLE, autoincrement=False, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("previous_sha256", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.settlement_id"], name=op.f("fk_ledger_batch_settlement_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_batch")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_ledger_batch_batch_id")),
        sa.UniqueConstraint("previous_sha256", name=op.f("uq_ledger_batch_previous_sha256")),
        sqlite_strict=True,
    )
    posting = op.create_table(
        "posting",
        sa.Column("batch_seq", WHOLE, autoincrement=False, nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_units", WHOLE, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_units <> 0", name=op.f("ck_posting_amount")),
        *([] if is_postgres else [_reference_to_headers()]),  # there, each partition has its own
        sa.PrimaryKeyConstraint("batch_seq", "transfer_id", "account", "currency", name=op.f("pk_posting")),
        sqlite_strict=True,
        postgresql_partition_by="RANGE (batch_seq)",
    )
    op.create_index(op.f("ix_posting_account"), "posting", ["account"])
    append_only.close_batches(op.get_bind())
    _batch_settlements(before, batch, posting)
    for table in ("ledger_batch", "posting", *(UNGUARDED_ON_POSTGRES if is_postgres else ())):
        append_only.protect(op.get_bind(), table)
    if is_postgres:
        posting_table.open_partition(op.get_bind(), 1)


def downgrade() -> None:
    raise NotImplementedError("batches of several kinds can't go back into settlements")


def _reference_to_headers() -> sa.ForeignKeyConstraint:
    name = op.f("fk_posting_batch_seq")
    return sa.ForeignKeyConstraint(["batch_seq"], ["ledger_batch.seq"], name=name, deferrable=True, initially="DEFERRED")


def _read_postings() -> Sequence[sa.Row[Any]]:
    return (
        op.get_bind()
        .execute(
            sa.text(
                "SELECT s.settlement_id, s.programme_id, s.settled_at_us, p.transfer_id, p.account, p.currency, p.amount_units, p.state"
                " FROM settlement s LEFT JOIN posting p ON p.settlement_id = s.settlement_id"
                " ORDER BY s.settled_at_us, s.settlement_id, p.transfer_id, p.account"
            )
        )
        .all()
    )


def _batch_settlements(rows: Sequence[sa.Row[Any]], batch: sa.Table, posting: sa.Table) -> None:
    connection, previous = op.get_bind(), NO_BATCH
    for seq, ((settlement_id, programme_id, at_us), group) in enumerate(groupby(rows, key=lambda row: tuple(row[:3])), 1):
        postings = [Posting(*values) for row in group if (values := [*row][3:])[0] is not None]
        header = Header(settlement_id, "settlement", programme_id, settlement_id, seq, at_us, len(postings), root_of(postings), previous)
        previous = hash_header(header)
        if postings:
            connection.execute(sa.insert(posting), [{"batch_seq": seq, **asdict(row)} for row in postings])
        connection.execute(sa.insert(batch).values(**asdict(header), sha256=previous))
