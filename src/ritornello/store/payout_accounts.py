"""Payout accounts: rows ↔ records. What was recorded and ended is never changed; the sealed details lie beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from sqlalchemy import Connection, Row, Select, delete, insert, or_, select

from ritornello.domain.payout_account import PayoutAccount
from ritornello.store import schema

_ENDED = ("ended_at_us", "ended_by", "ended_why")


def payable_at(connection: Connection, known_at_us: int) -> set[str]:
    """Parties that had a payout account in use, as known at a moment."""
    return {account.party_id for account in read_accounts(connection, known_at_us=known_at_us)}


def read_accounts(connection: Connection, *, party_id: str | None = None, known_at_us: int | None = None) -> list[PayoutAccount]:
    """Every account ever recorded (of one party; or in use as known at a moment), in the order they were recorded."""
    account, end = schema.payout_account, schema.payout_account_end
    query: Select[tuple[object, ...]] = select(account, *(end.c[name] for name in _ENDED)).outerjoin(
        end, end.c.account_id == account.c.account_id
    )
    if party_id is not None:
        query = query.where(account.c.party_id == party_id)
    if known_at_us is not None:
        query = query.where(account.c.recorded_at_us <= known_at_us, or_(end.c.ended_at_us.is_(None), end.c.ended_at_us > known_at_us))
    rows = connection.execute(query.order_by(account.c.recorded_at_us, account.c.account_id))
    return [PayoutAccount(**row._mapping) for row in rows]


def by_party(accounts: Iterable[PayoutAccount]) -> Mapping[str, list[PayoutAccount]]:
    found: dict[str, list[PayoutAccount]] = {}
    for account in accounts:
        found.setdefault(account.party_id, []).append(account)
    return found


def add_account(connection: Connection, account: PayoutAccount) -> None:
    """Record a new account; its details are sealed separately."""
    row = {name: value for name, value in asdict(account).items() if name not in _ENDED}
    connection.execute(insert(schema.payout_account).values(row))


def end_account(connection: Connection, account_id: str, at_us: int, by: str, why: str) -> None:
    values = {"account_id": account_id, "ended_at_us": at_us, "ended_by": by, "ended_why": why}
    connection.execute(insert(schema.payout_account_end).values(values))


def write_details(connection: Connection, account_id: str, key_id: str | None, sealed: bytes) -> None:
    """Keep an account's details, instead of those sealed with another key."""
    table = schema.payout_account_details
    connection.execute(delete(table).where(table.c.account_id == account_id))
    connection.execute(insert(table).values(account_id=account_id, key_id=key_id, sealed=sealed))


def read_details(connection: Connection) -> dict[str, tuple[str | None, bytes]]:
    """Account → the key it is sealed with (None: in clear) and the sealed details."""
    table = schema.payout_account_details
    rows: Iterable[Row[tuple[object, ...]]] = connection.execute(select(table).order_by(table.c.account_id))
    return {row.account_id: (row.key_id, bytes(row.sealed)) for row in rows}
