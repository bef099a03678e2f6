"""Tax withheld from payouts: appended; the newest rule of a party counts."""

from typing import Any

from sqlalchemy import Connection, insert, select

from ritornello.store import schema


def add_tax(connection: Connection, party_id: str, rate_ppm: int, authority: str, at_us: int) -> None:
    values = {"party_id": party_id, "recorded_at_us": at_us, "rate_ppm": rate_ppm, "authority": authority}
    connection.execute(insert(schema.tax).values(values))


def read_taxes(connection: Connection, known_at_us: int) -> list[dict[str, Any]]:
    """The newest rule of each party known at a moment that takes anything, ascending by party."""
    query = (
        select(schema.tax).where(schema.tax.c.recorded_at_us <= known_at_us).order_by(schema.tax.c.party_id, schema.tax.c.recorded_at_us)
    )
    newest = {row.party_id: row for row in connection.execute(query)}
    return [{"party_id": name, "rate_ppm": row.rate_ppm, "authority": row.authority} for name, row in newest.items() if row.rate_ppm]
