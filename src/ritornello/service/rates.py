"""Exchange rates: stored with day and source, never changed; a later row for the same day counts from then on."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from ritornello.domain.errors import raise_if_any
from ritornello.formats.canonical import hash_file
from ritornello.formats.reports_csv import read_rates
from ritornello.service.context import Context
from ritornello.store import rates, schema


def import_rates(context: Context, path: Path) -> int:
    """Take in rates.csv, all or nothing. Returns how many rates."""
    rows, sheet = read_rates(path)
    raise_if_any(sheet.problems)
    now = context.now_us()
    values = [
        {
            "currency": row.currency,
            "into": row.into,
            "day": row.day.isoformat(),
            "recorded_at_us": now,
            "rate_e12": str(row.rate_e12),
            "source": row.source,
        }
        for row in rows
    ]
    rates.add_rates(context.connection, values)
    context.record("import", path.name, hash_file(path))
    return len(values)


def list_rates(context: Context) -> list[dict[str, Any]]:
    """Every rate ever stored, ascending by currencies, day and moment."""
    table = schema.rate
    query = select(table).order_by(table.c.currency, table.c.into, table.c.day, table.c.recorded_at_us)
    return [dict(row._mapping) for row in context.connection.execute(query)]
