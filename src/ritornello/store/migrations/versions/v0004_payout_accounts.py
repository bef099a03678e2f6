"""Payout accounts as typed, append-only records of who changed what and when; the free text that parties had becomes a reference."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from ritornello.store import append_only

revision = "0004"
down_revision = "0003"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    account = op.create_table(
        "payout_account",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("recorded_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name=op.f("fk_payout_account_party_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_payout_account")),
        sqlite_strict=True,
    )
    op.create_table(
        "payout_account_end",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("ended_at_us", WHOLE, autoincrement=False, nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["payout_account.account_id"], name=op.f("fk_payout_account_end_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_payout_account_end")),
        sqlite_strict=True,
    )
    details = op.create_table(
        "payout_account_details",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["payout_account.account_id"], name=op.f("fk_payout_account_details_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_payout_account_details")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_payout_account_party_id"), "payout_account", ["party_id"])
    _take_over(account, details)
    op.drop_column("party", "payout_account")
    for table in ("payout_account", "payout_account_end"):
        append_only.protect(op.get_bind(), table)


def downgrade() -> None:
    op.add_column("party", sa.Column("payout_account", sa.Text(), nullable=True))
    for table in ("payout_account_details", "payout_account_end", "payout_account"):
        op.drop_table(table)


def _take_over(account: sa.Table, details: sa.Table) -> None:
    """References that parties had before accounts were recorded: in use since before time, logged nowhere."""
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT party_id, payout_account FROM party WHERE payout_account IS NOT NULL ORDER BY party_id"))
    for party_id, number in found.all():
        account_id = "a" + hashlib.sha256(party_id.encode()).hexdigest()[:15]
        clear = json.dumps({"kind": "reference", "number": number, "salt": ""}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        shown = min(4, len(number) // 2)
        connection.execute(
            sa.insert(account).values(
                account_id=account_id,
                party_id=party_id,
                kind="reference",
                currency=None,
                masked="reference …" + (number[-shown:] if shown else ""),
                commitment=hashlib.sha256(clear.encode()).hexdigest(),
                recorded_at_us=0,
                recorded_by="an older version",
            )
        )
        connection.execute(sa.insert(details).values(account_id=account_id, key_id=None, sealed=clear.encode()))
