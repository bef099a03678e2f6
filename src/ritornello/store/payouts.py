"""Payout files, events of payouts, and what banks reported: rows ↔ records."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from ritornello.domain.payout import PayoutEvent
from ritornello.store import schema


@dataclass(frozen=True, slots=True)
class PayoutBatch:
    """One payout file, as far as it takes to make the same bytes again."""

    batch_id: str
    settlement_id: str
    message_id: str
    format: str
    execute_on: str
    day_sequence: int
    sha256: str
    created_at_us: int


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What a bank reported that could not be matched without guessing: somebody has to look at it."""

    item_id: str
    report_sha256: str
    place: str
    says: str
    end_to_end_id: str | None
    amount: str | None
    currency: str | None
    why: str
    todo: str


def add_batch(connection: Connection, batch: PayoutBatch) -> None:
    connection.execute(insert(schema.payout_batch).values(asdict(batch)))


def read_batches(connection: Connection, **wanted: str) -> list[PayoutBatch]:
    """Payout files, oldest first; `wanted`: only those with these values (settlement_id, batch_id, message_id, format)."""
    table = schema.payout_batch
    query = select(table).where(*(table.c[name] == value for name, value in wanted.items()))
    return [PayoutBatch(**row._mapping) for row in connection.execute(query.order_by(table.c.created_at_us, table.c.batch_id))]


def add_events(connection: Connection, settlement_id: str, events: Iterable[tuple[PayoutEvent, str]]) -> None:
    """Append events, each with the payout's end-to-end identification."""
    table = schema.payout_event
    first = int(connection.scalar(select(func.coalesce(func.max(table.c.seq), 0))) or 0) + 1
    rows = [
        {"seq": seq, "settlement_id": settlement_id, "end_to_end_id": identification, **asdict(event)}
        for seq, (event, identification) in enumerate(events, first)
    ]
    if rows:
        connection.execute(insert(table), rows)


def read_events(connection: Connection, settlement_id: str) -> dict[str, list[PayoutEvent]]:
    """Payout → its events, oldest first."""
    table = schema.payout_event
    found: dict[str, list[PayoutEvent]] = {}
    for row in connection.execute(select(table).where(table.c.settlement_id == settlement_id).order_by(table.c.seq)):
        found.setdefault(row.payout_id, []).append(_event(row))
    return found


def find_sent(connection: Connection, identification: str) -> tuple[str, str] | None:
    """(settlement, payout) that was sent with an end-to-end identification, whole or its first 15 characters; None unless exactly one."""
    table = schema.payout_event
    matches = table.c.end_to_end_id == identification
    if len(identification) < 29:
        matches = (table.c.end_to_end_id >= identification) & (table.c.end_to_end_id < identification + "\U0010ffff")
    found = connection.execute(select(table.c.settlement_id, table.c.payout_id).where(matches).distinct()).all()
    return (found[0].settlement_id, found[0].payout_id) if len(found) == 1 else None


def add_report(connection: Connection, sha256: str, file: str, kind: str, entries: int, at_us: int) -> None:
    row = {"report_sha256": sha256, "file": file, "kind": kind, "entries": entries, "recorded_at_us": at_us}
    connection.execute(insert(schema.payout_report).values(row))


def is_read(connection: Connection, sha256: str) -> bool:
    """Whether this file of a bank was read before."""
    table = schema.payout_report
    return connection.scalar(select(table.c.report_sha256).where(table.c.report_sha256 == sha256)) is not None


def report_kind(connection: Connection, sha256: str) -> str:
    table = schema.payout_report
    return str(connection.scalars(select(table.c.kind).where(table.c.report_sha256 == sha256)).one())


def add_open_items(connection: Connection, items: Iterable[OpenItem]) -> None:
    rows = [asdict(item) for item in items]
    if rows:
        connection.execute(insert(schema.payout_open_item), rows)


def read_open_items(connection: Connection) -> list[OpenItem]:
    """What nobody has resolved yet, in the order it was reported."""
    item, end, report = schema.payout_open_item, schema.payout_open_item_end, schema.payout_report
    query = (
        select(item)
        .join(report, report.c.report_sha256 == item.c.report_sha256)
        .where(~select(end.c.item_id).where(end.c.item_id == item.c.item_id).exists())
        .order_by(report.c.recorded_at_us, item.c.item_id)
    )
    return [OpenItem(**row._mapping) for row in connection.execute(query)]


def resolve_item(connection: Connection, item_id: str, resolution: str, by: str, at_us: int) -> None:
    values = {"item_id": item_id, "resolution": resolution, "resolved_by": by, "resolved_at_us": at_us}
    connection.execute(insert(schema.payout_open_item_end).values(values))


def _event(row: Row[Any]) -> PayoutEvent:
    return PayoutEvent(**{name: value for name, value in row._mapping.items() if name not in {"seq", "settlement_id", "end_to_end_id"}})
