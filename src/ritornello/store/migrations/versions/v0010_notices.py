"""Notices of other kinds than withdrawals, and the attempts to deliver them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    connection = op.get_bind()
    kept = [dict(row._mapping) for row in connection.execute(sa.text("SELECT * FROM notice"))]
    op.drop_table("notice")
    notice = op.create_table(
        "notice",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("snapshot_id", sa.Text(), nullable=True),
        sa.Column("admission_id", sa.Text(), nullable=True),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("acknowledged_at_us", WHOLE, autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["consent_event.event_id"], name=op.f("fk_notice_event_id")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.admission_id"], name=op.f("fk_notice_admission_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice")),
        sqlite_strict=True,
    )
    if kept:
        connection.execute(sa.insert(notice), [{**row, "kind": "withdrawal", "admission_id": None} for row in kept])
    op.create_table(
        "notice_attempt",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("started_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("finished_at_us", WHOLE, autoincrement=False, nullable=True),
        sa.Column("delivered", WHOLE, autoincrement=False, nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.notice_id"], name=op.f("fk_notice_attempt_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", "number", name=op.f("pk_notice_attempt")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    connection = op.get_bind()
    op.drop_table("notice_attempt")
    kept = [dict(row._mapping) for row in connection.execute(sa.text("SELECT * FROM notice WHERE kind = 'withdrawal'"))]
    op.drop_table("notice")
    notice = op.create_table(
        "notice",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("acknowledged_at_us", WHOLE, autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["consent_event.event_id"], name=op.f("fk_notice_event_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice")),
        sqlite_strict=True,
    )
    if kept:
        columns = [column.name for column in notice.columns]
        connection.execute(sa.insert(notice), [{name: row[name] for name in columns} for row in kept])
