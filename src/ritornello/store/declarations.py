"""What the messages of others declare about a recording and AI: rows of an append-only table. They are statements of their senders, never consent."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from ritornello.store import schema


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add declarations; one that a message has made already stays as it was recorded."""
    table = schema.declaration
    known = {tuple(row) for row in connection.execute(select(table.c.recording_id, table.c.message_sha256))}
    new = [row for row in rows if (row["recording_id"], row["message_sha256"]) not in known]
    if new:
        connection.execute(insert(table), new)


def read(connection: Connection, recording_id: str) -> list[dict[str, Any]]:
    """The declarations about a recording, the latest first."""
    table = schema.declaration
    query = select(table).where(table.c.recording_id == recording_id).order_by(table.c.recorded_at_us.desc(), table.c.message_sha256)
    return [
        {**row._mapping, "ai_contributions": json.loads(row.ai_contributions), "preferences": json.loads(row.preferences)}
        for row in connection.execute(query)
    ]
