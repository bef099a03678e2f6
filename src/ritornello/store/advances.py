"""Advances as they were granted: appended."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from ritornello.store import schema


@dataclass(frozen=True, slots=True)
class Grant:
    """An advance as it was granted; what is still open of it is the balance of its ledger account."""

    advance_id: str
    programme_id: str
    party_id: str
    group: str
    currency: str
    recordings: tuple[str, ...]
    rate_ppm: int
    granted_on: date
    recorded_at_us: int


def add_advance(connection: Connection, grant: Grant) -> None:
    values = {name: getattr(grant, name) for name in ("advance_id", "programme_id", "party_id", "currency", "rate_ppm", "recorded_at_us")}
    more = {
        "collateral_group": grant.group,
        "recordings": json.dumps(list(grant.recordings)),
        "granted_on": grant.granted_on.isoformat(),
    }
    connection.execute(insert(schema.advance).values(**values, **more))


def read_advances(connection: Connection, programme_id: str, known_at_us: int) -> list[Grant]:
    """Advances of a programme known at a moment, ascending by id."""
    table = schema.advance
    query = select(table).where(table.c.programme_id == programme_id, table.c.recorded_at_us <= known_at_us).order_by(table.c.advance_id)
    return [
        Grant(
            row.advance_id,
            row.programme_id,
            row.party_id,
            row.collateral_group,
            row.currency,
            tuple(json.loads(row.recordings)),
            row.rate_ppm,
            date.fromisoformat(row.granted_on),
            row.recorded_at_us,
        )
        for row in connection.execute(query)
    ]


def find_advance(connection: Connection, advance_id: str) -> Row[Any] | None:
    return connection.execute(select(schema.advance).where(schema.advance.c.advance_id == advance_id)).first()
