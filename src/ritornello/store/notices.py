"""Notices and the attempts to deliver them: rows ↔ records."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from ritornello.store import schema

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver a notice; without an end it is under way, or broke off."""

    notice_id: str
    number: int
    target: str
    started_at_us: int
    finished_at_us: int | None = None
    delivered: bool = False
    detail: str | None = None


def add(connection: Connection, rows: Iterable[Row]) -> None:
    values = list(rows)
    if values:
        connection.execute(insert(schema.notice), values)


def read_all(connection: Connection) -> list[tuple[Row, list[Attempt]]]:
    """Every notice, oldest first, with its attempts in order."""
    return _read(connection, select(schema.notice))


def read_waiting(connection: Connection, recipient: str | None, notice_id: str | None = None) -> list[tuple[Row, list[Attempt]]]:
    """Those that nobody has acknowledged and no attempt has delivered (to one recipient, or just one notice), oldest first."""
    table, attempt = schema.notice, schema.notice_attempt
    delivered = select(attempt.c.notice_id).where(attempt.c.delivered == 1)
    query = select(table).where(table.c.acknowledged_at_us.is_(None), table.c.notice_id.not_in(delivered))
    for column, value in ((table.c.recipient, recipient), (table.c.notice_id, notice_id)):
        if value is not None:
            query = query.where(column == value)
    return _read(connection, query)


def was_delivered(connection: Connection, notice_id: str) -> bool:
    table = schema.notice_attempt
    found = select(table.c.number).where(table.c.notice_id == notice_id, table.c.delivered == 1)
    return connection.scalar(found) is not None


def start_attempt(connection: Connection, attempt: Attempt) -> None:
    """Claims the notice: of two that start the same attempt, one fails."""
    values = {"notice_id": attempt.notice_id, "number": attempt.number, "target": attempt.target, "started_at_us": attempt.started_at_us}
    connection.execute(insert(schema.notice_attempt).values(**values, delivered=0))


def finish_attempt(connection: Connection, notice_id: str, number: int, at_us: int, delivered: bool, detail: str) -> None:
    table = schema.notice_attempt
    mine = (table.c.notice_id == notice_id, table.c.number == number, table.c.finished_at_us.is_(None))
    values = {"finished_at_us": at_us, "delivered": int(delivered), "detail": detail}
    assert connection.execute(update(table).where(*mine).values(values)).rowcount == 1, f"attempt {number} of {notice_id} ended twice"


def acknowledge(connection: Connection, notice_id: str, at_us: int) -> bool:
    """Mark a notice as received; False when there is none that waits."""
    table = schema.notice
    waiting = table.c.notice_id == notice_id, table.c.acknowledged_at_us.is_(None)
    return bool(connection.execute(update(table).where(*waiting).values(acknowledged_at_us=at_us)).rowcount)


def _read(connection: Connection, query: "Select[Any]") -> list[tuple[Row, list[Attempt]]]:
    rows = [dict(row._mapping) for row in connection.execute(query.order_by(schema.notice.c.recorded_at_us, schema.notice.c.notice_id))]
    table = schema.notice_attempt
    attempts: dict[str, list[Attempt]] = {}
    for row in connection.execute(select(table).order_by(table.c.notice_id, table.c.number)):
        attempts.setdefault(row.notice_id, []).append(Attempt(**{**row._mapping, "delivered": bool(row.delivered)}))
    return [(row, attempts.get(row["notice_id"], [])) for row in rows]
