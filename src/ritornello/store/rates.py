"""Exchange rates: appended; for one day the row recorded last counts."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from ritornello.store import schema


def add_rates(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(insert(schema.rate), list(rows))


def read_rates(connection: Connection, into: str, day: date, known_at_us: int) -> list[dict[str, Any]]:
    """For each currency the rate of the latest day up to `day`, as it was known at a moment; ascending by currency."""
    table = schema.rate
    query = select(table).where(table.c.into == into, table.c.day <= day.isoformat(), table.c.recorded_at_us <= known_at_us)
    newest = {row.currency: dict(row._mapping) for row in connection.execute(query.order_by(table.c.day, table.c.recorded_at_us))}
    return [newest[currency] for currency in sorted(newest)]
