"""Contested claims and how they ended: appended."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from ritornello.domain.period import Dispute
from ritornello.store import schema


def open_dispute(connection: Connection, dispute: Dispute, opened_by: str, reason: str) -> None:
    values = {"dispute_id": dispute.dispute_id, "claim_id": dispute.claim_id, "opened_at_us": dispute.opened_at_us}
    connection.execute(insert(schema.dispute).values(**values, opened_by=opened_by, reason=reason))


def resolve_dispute(connection: Connection, dispute_id: str, resolved_by: str, outcome: str, at_us: int) -> None:
    values = {"dispute_id": dispute_id, "resolved_by": resolved_by, "outcome": outcome, "resolved_at_us": at_us}
    connection.execute(insert(schema.dispute_resolution).values(values))


def read_disputes(connection: Connection) -> Sequence[Row[Any]]:
    """Every dispute with its resolution (nulls while it is open), oldest first."""
    one, end = schema.dispute, schema.dispute_resolution
    query = select(one, end.c.resolved_by, end.c.outcome, end.c.resolved_at_us).select_from(
        one.outerjoin(end, end.c.dispute_id == one.c.dispute_id)
    )
    return connection.execute(query.order_by(one.c.opened_at_us, one.c.dispute_id)).all()
