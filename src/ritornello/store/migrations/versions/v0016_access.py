"""Logins, sessions, invitations and API keys of the service, and what was done with them."""

import sqlalchemy as sa
from alembic import op

from ritornello.store import append_only

revision = "0016"
down_revision = "0015"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("access_event", "api_key", "invitation", "login_session", "login")


def upgrade() -> None:
    op.create_table(
        "login",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=True),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("created_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("ended_at_us", WHOLE, autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("fk_login_party_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_login")),
        sqlite_strict=True,
    )
    for name in ("login_session", "invitation"):
        op.create_table(
            name,
            sa.Column("token_sha256", sa.Text(), nullable=False),
            sa.Column("user_id", sa.Text(), nullable=False),
            sa.Column("expires_at_us", WHOLE, autoincrement=False, nullable=False),
            sa.ForeignKeyConstraint(["user_id"], ["login.user_id"], name=op.f(f"fk_{name}_user_id")),
            sa.PrimaryKeyConstraint("token_sha256", name=op.f(f"pk_{name}")),
            sqlite_strict=True,
        )
        op.create_index(op.f(f"ix_{name}_user_id"), name, ["user_id"])
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("expires_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("ended_at_us", WHOLE, autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["login.user_id"], name=op.f("fk_api_key_user_id")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_api_key_secret_sha256")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_api_key_user_id"), "api_key", ["user_id"])
    op.create_table(
        "access_event",
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_access_event")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_access_event_user_id"), "access_event", ["user_id"])
    append_only.protect(op.get_bind(), "access_event")


def downgrade() -> None:
    for name in TABLES:
        op.drop_table(name)
