"""Consent events: appended, never changed."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

from sqlalchemy import Connection, func, insert, select

from ritornello.domain.consent import ConsentEvent
from ritornello.store.schema import consent_event


def read_events(connection: Connection, *, programme_id: str | None = None, recording_id: str | None = None) -> list[ConsentEvent]:
    """Events in the order they were recorded."""
    query = select(consent_event).order_by(consent_event.c.seq)
    if programme_id is not None:
        query = query.where(consent_event.c.programme_id == programme_id)
    if recording_id is not None:
        query = query.where(consent_event.c.recording_id == recording_id)
    return [ConsentEvent(**{**row._mapping, "effective_from": date.fromisoformat(row.effective_from)}) for row in connection.execute(query)]


def next_number(connection: Connection) -> int:
    """The `seq` of the next event; inside a transaction nobody else gets it."""
    return int(connection.scalar(select(func.coalesce(func.max(consent_event.c.seq), 0))) or 0) + 1


def append_events(connection: Connection, events: Iterable[ConsentEvent]) -> None:
    rows = [{**asdict(event), "effective_from": event.effective_from.isoformat()} for event in events]
    if rows:
        connection.execute(insert(consent_event), rows)
