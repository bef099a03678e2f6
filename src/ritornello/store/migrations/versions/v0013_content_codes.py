"""Content codes (ISCC) of assets."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "asset_iscc",
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("iscc", sa.Text(), nullable=False),
        sa.Column("audio", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.asset_id"], name=op.f("fk_asset_iscc_asset_id")),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_asset_iscc")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_asset_iscc_iscc"), "asset_iscc", ["iscc"])


def downgrade() -> None:
    op.drop_table("asset_iscc")
