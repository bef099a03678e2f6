"""Consent events and mandates: appended, never changed. Evidence is kept encrypted; erasing its key erases it."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ritornello.domain.consent import ConsentEvent, Mandate
from ritornello.store import schema
from ritornello.store.catalogue import among


def read_events(
    connection: Connection,
    *,
    programme_id: str | None = None,
    recording_id: str | Collection[str] | None = None,
    event_id: str | None = None,
) -> list[ConsentEvent]:
    """Events in the order they were recorded, of one programme or of one recording or some, or just one."""
    table = schema.consent_event
    query = select(table).order_by(table.c.seq)
    for column, value in ((table.c.programme_id, programme_id), (table.c.recording_id, recording_id), (table.c.event_id, event_id)):
        query = query.where(among(column, value))
    return [_event(dict(row._mapping)) for row in connection.execute(query)]


def read_last(connection: Connection) -> ConsentEvent | None:
    """The newest event of all; inside a transaction nobody else appends after it."""
    row = connection.execute(select(schema.consent_event).order_by(schema.consent_event.c.seq.desc()).limit(1)).first()
    return _event(dict(row._mapping)) if row else None


def append_events(connection: Connection, events: Iterable[ConsentEvent]) -> None:
    rows = [event_row(event) for event in events]
    if rows:
        connection.execute(insert(schema.consent_event), rows)


def event_row(event: ConsentEvent) -> dict[str, Any]:
    """The event as a row of consents.jsonl."""
    until = event.effective_to.isoformat() if event.effective_to else None
    return {**asdict(event), "effective_from": event.effective_from.isoformat(), "effective_to": until}


def read_mandates(connection: Connection) -> list[Mandate]:
    """Every mandate ever given, ended ones too, ascending by id."""
    table, ended = schema.mandate, schema.mandate_retraction
    query = select(table, ended.c.retracted_at_us).outerjoin(ended, ended.c.mandate_id == table.c.mandate_id).order_by(table.c.mandate_id)
    return [
        Mandate(
            **{
                **row._mapping,
                "lanes": tuple(row.lanes.split()),
                "purposes": tuple(row.purposes.split()),
                "valid_from": date.fromisoformat(row.valid_from),
                "valid_to": date.fromisoformat(row.valid_to) if row.valid_to else None,
            }
        )
        for row in connection.execute(query)
    ]


def add_mandate(connection: Connection, mandate: Mandate) -> None:
    row = {name: value for name, value in mandate_row(mandate).items() if name != "retracted_at_us"}
    connection.execute(insert(schema.mandate).values({**row, "lanes": " ".join(mandate.lanes), "purposes": " ".join(mandate.purposes)}))


def retract_mandate(connection: Connection, mandate_id: str, at_us: int) -> None:
    connection.execute(insert(schema.mandate_retraction).values(mandate_id=mandate_id, retracted_at_us=at_us))


def mandate_row(mandate: Mandate) -> dict[str, Any]:
    """The mandate as a row of mandates.jsonl."""
    until = mandate.valid_to.isoformat() if mandate.valid_to else None
    lists = {"lanes": list(mandate.lanes), "purposes": list(mandate.purposes)}
    return {**asdict(mandate), **lists, "valid_from": mandate.valid_from.isoformat(), "valid_to": until}


def keep_evidence_key(connection: Connection, evidence_sha256: str, party_id: str, key: bytes) -> None:
    """Remember the key of encrypted evidence; the same evidence keeps its first key."""
    present = connection.scalar(select(schema.evidence.c.evidence_sha256).where(schema.evidence.c.evidence_sha256 == evidence_sha256))
    if present is None:
        connection.execute(insert(schema.evidence).values(evidence_sha256=evidence_sha256, party_id=party_id, key=key))


def read_evidence_key(connection: Connection, evidence_sha256: str) -> bytes | None:
    return connection.scalar(select(schema.evidence.c.key).where(schema.evidence.c.evidence_sha256 == evidence_sha256))


def erase_evidence_keys(connection: Connection, party_id: str) -> int:
    """Forget the keys of a party's evidence for ever; returns how many."""
    table = schema.evidence
    return connection.execute(update(table).where(table.c.party_id == party_id, table.c.key.is_not(None)).values(key=None)).rowcount


def _event(row: dict[str, Any]) -> ConsentEvent:
    until = date.fromisoformat(row["effective_to"]) if row["effective_to"] else None
    return ConsentEvent(**{**row, "effective_from": date.fromisoformat(row["effective_from"]), "effective_to": until})
