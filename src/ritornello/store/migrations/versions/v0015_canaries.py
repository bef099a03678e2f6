"""Canaries: marked files that are never released."""

import sqlalchemy as sa
from alembic import op

from ritornello.store import append_only

revision = "0015"
down_revision = "0014"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "canary",
        sa.Column("canary_id", sa.Text(), nullable=False),
        sa.Column("batch", WHOLE, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("used", WHOLE, autoincrement=False, nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("canary_id", name=op.f("pk_canary")),
        sa.UniqueConstraint("sha256", name=op.f("uq_canary_sha256")),
        sqlite_strict=True,
    )
    append_only.protect(op.get_bind(), "canary")


def downgrade() -> None:
    op.drop_table("canary")
