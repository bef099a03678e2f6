"""Signed copies of outputs, and assets that say that AI made them."""

import sqlalchemy as sa
from alembic import op

from ritornello.store import append_only

revision = "0012"
down_revision = "0011"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rendition",
        sa.Column("signed_sha256", sa.Text(), nullable=False),
        sa.Column("output_id", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("record_sha256", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["output_id"], ["output.output_id"], name=op.f("fk_rendition_output_id")),
        sa.PrimaryKeyConstraint("signed_sha256", name=op.f("pk_rendition")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_rendition_output_id"), "rendition", ["output_id"])
    op.create_table(
        "generated_flag",
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.asset_id"], name=op.f("fk_generated_flag_asset_id")),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_generated_flag")),
        sqlite_strict=True,
    )
    append_only.protect(op.get_bind(), "rendition")


def downgrade() -> None:
    for table in ("generated_flag", "rendition"):
        op.drop_table(table)
