"""What imported assets are to others: checks, verdicts and decisions about them."""

import sqlalchemy as sa
from alembic import op

from ritornello.store.append_only import protect

revision = "0014"
down_revision = "0013"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("clone_check", "clone_verdict", "clone_decision")


def upgrade() -> None:
    op.create_table(
        "clone_check",
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.asset_id"], name=op.f("fk_clone_check_asset_id")),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_clone_check")),
        sqlite_strict=True,
    )
    op.create_table(
        "clone_verdict",
        sa.Column("verdict_id", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("other_kind", sa.Text(), nullable=False),
        sa.Column("other_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence_sha256", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.asset_id"], name=op.f("fk_clone_verdict_asset_id")),
        sa.PrimaryKeyConstraint("verdict_id", name=op.f("pk_clone_verdict")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_clone_verdict_asset_id"), "clone_verdict", ["asset_id"])
    op.create_index(op.f("ix_clone_verdict_other_id"), "clone_verdict", ["other_id"])
    op.create_table(
        "clone_decision",
        sa.Column("verdict_id", sa.Text(), nullable=False),
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["verdict_id"], ["clone_verdict.verdict_id"], name=op.f("fk_clone_decision_verdict_id")),
        sa.PrimaryKeyConstraint("verdict_id", "number", name=op.f("pk_clone_decision")),
        sqlite_strict=True,
    )
    for table in TABLES:
        protect(op.get_bind(), table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
