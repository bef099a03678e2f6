"""The log's tree state, so that appending and proving read only what they need; and the membership maps of snapshots."""

import sqlalchemy as sa
from alembic import op

from ritornello.domain import merkle

revision = "0002"
down_revision = "0001"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("log_subtree", "membership_map")
WIDTH = 256


def upgrade() -> None:
    subtree = op.create_table(
        "log_subtree",
        sa.Column("level", WHOLE, autoincrement=False, nullable=False),
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("nodes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_log_subtree")),
        sqlite_strict=True,
    )
    op.create_table(
        "membership_map",
        sa.Column("snapshot_id", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("entries_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.snapshot_id"], name=op.f("fk_membership_map_snapshot_id")),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_membership_map")),
        sqlite_strict=True,
    )
    _fill(subtree)
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )


def downgrade() -> None:
    op.drop_table("membership_map")
    op.drop_table("log_subtree")


def _fill(subtree: sa.Table) -> None:
    """The tree state of a log that was kept before there was any."""
    connection = op.get_bind()
    leaves = [leaf for (leaf,) in connection.execute(sa.text("SELECT leaf FROM log_entry ORDER BY position"))]
    level = 0
    while len(leaves) >= WIDTH:
        rows, roots = [], []
        for number in range(len(leaves) // WIDTH):
            layers = merkle.layers(leaves[number * WIDTH : (number + 1) * WIDTH])
            roots.append(layers[-1][0])
            rows.append({"level": level, "number": number, "nodes": b"".join(node for layer in reversed(layers[1:]) for node in layer)})
        connection.execute(sa.insert(subtree), rows)
        leaves, level = roots, level + 1
