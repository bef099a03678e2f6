"""Payout files, what happened to each payout since, what banks reported, and what of it nobody could match."""

import sqlalchemy as sa
from alembic import op

from ritornello.store import append_only

revision = "0007"
down_revision = "0006"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("payout_batch", "payout_report", "payout_event", "payout_open_item", "payout_open_item_end")


def upgrade() -> None:
    op.create_table(
        "payout_batch",
        _text("batch_id"),
        _text("settlement_id"),
        _text("message_id"),
        _text("format"),
        _text("execute_on"),
        _whole("day_sequence"),
        _text("sha256"),
        _whole("created_at_us"),
        _points("payout_batch", "settlement_id", "settlement.settlement_id"),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_payout_batch")),
        sa.UniqueConstraint("message_id", name=op.f("uq_payout_batch_message_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "payout_report",
        _text("report_sha256"),
        _text("file"),
        _text("kind"),
        _whole("entries"),
        _whole("recorded_at_us"),
        sa.PrimaryKeyConstraint("report_sha256", name=op.f("pk_payout_report")),
        sqlite_strict=True,
    )
    op.create_table(
        "payout_event",
        _whole("seq"),
        _text("payout_id"),
        _text("settlement_id"),
        _text("end_to_end_id"),
        _text("kind"),
        _text("batch_id", null=True),
        _text("block", null=True),
        _text("account_id", null=True),
        _text("reason_code", null=True),
        _text("reason", null=True),
        _text("report_sha256", null=True),
        _whole("recorded_at_us"),
        _text("recorded_by"),
        _points("payout_event", "settlement_id", "settlement.settlement_id"),
        _points("payout_event", "batch_id", "payout_batch.batch_id"),
        _points("payout_event", "account_id", "payout_account.account_id"),
        _points("payout_event", "report_sha256", "payout_report.report_sha256"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_payout_event")),
        sqlite_strict=True,
    )
    op.create_table(
        "payout_open_item",
        _text("item_id"),
        _text("report_sha256"),
        _text("place"),
        _text("says"),
        _text("end_to_end_id", null=True),
        _text("amount", null=True),
        _text("currency", null=True),
        _text("why"),
        _text("todo"),
        _points("payout_open_item", "report_sha256", "payout_report.report_sha256"),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_payout_open_item")),
        sqlite_strict=True,
    )
    op.create_table(
        "payout_open_item_end",
        _text("item_id"),
        _text("resolution"),
        _text("resolved_by"),
        _whole("resolved_at_us"),
        _points("payout_open_item_end", "item_id", "payout_open_item.item_id"),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_payout_open_item_end")),
        sqlite_strict=True,
    )
    for table, column in (
        ("payout_batch", "settlement_id"),
        ("payout_event", "payout_id"),
        ("payout_event", "settlement_id"),
        ("payout_event", "end_to_end_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    for table in TABLES:
        append_only.protect(op.get_bind(), table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, WHOLE, autoincrement=False, nullable=False)


def _points(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))
