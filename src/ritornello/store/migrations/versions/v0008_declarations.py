"""What the messages of others declare about AI and a recording."""

import sqlalchemy as sa
from alembic import op

from ritornello.store import append_only

revision = "0008"
down_revision = "0007"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "declaration",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("message_sha256", sa.Text(), nullable=False),
        sa.Column("contains_ai", sa.Text(), nullable=True),
        sa.Column("ai_contributions", sa.Text(), nullable=False),
        sa.Column("preferences", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.recording_id"], name=op.f("fk_declaration_recording_id")),
        sa.PrimaryKeyConstraint("recording_id", "message_sha256", name=op.f("pk_declaration")),
        sqlite_strict=True,
    )
    append_only.protect(op.get_bind(), "declaration")


def downgrade() -> None:
    op.drop_table("declaration")
