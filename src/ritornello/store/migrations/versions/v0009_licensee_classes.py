"""Classes of licensees, and the admissions of programmes to them."""

import sqlalchemy as sa
from alembic import op

from ritornello.store import append_only

revision = "0009"
down_revision = "0008"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "licensee_class",
        sa.Column("class_id", sa.Text(), nullable=False),
        sa.Column("version", WHOLE, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("registered_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("class_id", "version", name=op.f("pk_licensee_class")),
        sa.UniqueConstraint("sha256", name=op.f("uq_licensee_class_sha256")),
        sqlite_strict=True,
    )
    op.create_table(
        "admission",
        sa.Column("admission_id", sa.Text(), nullable=False),
        sa.Column("class_id", sa.Text(), nullable=False),
        sa.Column("class_sha256", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("programme_sha256", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["class_sha256"], ["licensee_class.sha256"], name=op.f("fk_admission_class_sha256")),
        sa.ForeignKeyConstraint(["programme_sha256"], ["programme.sha256"], name=op.f("fk_admission_programme_sha256")),
        sa.PrimaryKeyConstraint("admission_id", name=op.f("pk_admission")),
        sqlite_strict=True,
    )
    op.create_table(
        "admission_end",
        sa.Column("admission_id", sa.Text(), nullable=False),
        sa.Column("ended_from", sa.Text(), nullable=False),
        sa.Column("ended_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.admission_id"], name=op.f("fk_admission_end_admission_id")),
        sa.PrimaryKeyConstraint("admission_id", name=op.f("pk_admission_end")),
        sqlite_strict=True,
    )
    for table in ("admission", "admission_end", "licensee_class"):
        append_only.protect(op.get_bind(), table)


def downgrade() -> None:
    for table in ("admission_end", "admission", "licensee_class"):
        op.drop_table(table)
