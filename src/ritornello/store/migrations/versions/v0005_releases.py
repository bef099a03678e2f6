"""Releases: products as track lists."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "release",
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_release")),
        sa.UniqueConstraint("barcode", name=op.f("uq_release_barcode")),
        sqlite_strict=True,
    )
    op.create_table(
        "release_track",
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("disc", WHOLE, autoincrement=False, nullable=False),
        sa.Column("track", WHOLE, autoincrement=False, nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.recording_id"], name=op.f("fk_release_track_recording_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name=op.f("fk_release_track_release_id")),
        sa.PrimaryKeyConstraint("release_id", "disc", "track", name=op.f("pk_release_track")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_release_track_recording_id"), "release_track", ["recording_id"])


def downgrade() -> None:
    op.drop_table("release_track")
    op.drop_table("release")
