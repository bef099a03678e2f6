"""Where each artefact stands in the log, so that a proof needs no reading of all entries."""

import json

import sqlalchemy as sa
from alembic import op

from ritornello.store import append_only

revision = "0006"
down_revision = "0005"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BLOCK = 10_000


def upgrade() -> None:
    names = op.create_table(
        "log_name",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", WHOLE, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "position", name=op.f("pk_log_name")),
        sqlite_strict=True,
    )
    connection = op.get_bind()
    entries = connection.execute(sa.text("SELECT position, entry FROM log_entry ORDER BY position"))
    for block in entries.partitions(BLOCK):
        rows = [{"position": position, **{name: json.loads(entry)[name] for name in ("kind", "id")}} for position, entry in block]
        connection.execute(sa.insert(names), rows)
    append_only.protect(connection, "log_name")


def downgrade() -> None:
    op.drop_table("log_name")
