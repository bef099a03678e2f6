"""Exchange rates: stored with day and source, never changed; a later row for the same day counts from then on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ritornello.domain.errors import raise_if_any
from ritornello.domain.money import format_units
from ritornello.formats.canonical import hash_file
from ritornello.formats.reports_csv import read_rates
from ritornello.service.context import Context
from ritornello.store import rates, schema


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rates were stored, how many were there already, and those that replace another rate of their day, in words."""

    stored: int
    known: int
    replaced: tuple[str, ...]


def import_rates(context: Context, path: Path) -> Imported:
    """Take in rates.csv, all or nothing. A rate that stands already isn't stored again."""
    rows, sheet = read_rates(path)
    raise_if_any(sheet.problems)
    now = context.now_us()
    standing = {_key(row): row["rate_e12"] for row in list_rates(context)}
    values: list[dict[str, Any]] = [
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
    fresh = [row for row in values if standing.get(_key(row)) != row["rate_e12"]]
    if fresh:
        rates.add_rates(context.connection, fresh)
    context.record("import", path.name, hash_file(path))
    replaced = [row for row in fresh if _key(row) in standing]
    words = tuple(
        f"1 {row['currency']} is {format_units(int(row['rate_e12']), 8)} {row['into']} on {row['day']} from now on, not "
        f"{format_units(int(standing[_key(row)]), 8)}"
        for row in replaced
    )
    return Imported(len(fresh), len(values) - len(fresh), words)


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["currency"], row["into"], row["day"]


def list_rates(context: Context) -> list[dict[str, Any]]:
    """Every rate ever stored, ascending by currencies, day and moment."""
    table = schema.rate
    query = select(table).order_by(table.c.currency, table.c.into, table.c.day, table.c.recorded_at_us)
    return [dict(row._mapping) for row in context.connection.execute(query)]
