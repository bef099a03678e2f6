"""Notices to those whom a decision concerns: queued in the same transaction as the decision."""

from collections.abc import Sequence
from typing import Any

from ritornello.domain.consent import ConsentEvent
from ritornello.domain.errors import Refused
from ritornello.formats.canonical import fingerprint_document
from ritornello.service.context import Context
from ritornello.service.effect import find_holders
from ritornello.store import consents


def notify(context: Context, events: Sequence[ConsentEvent]) -> list[dict[str, Any]]:
    """Queue one notice per withdrawn asset, snapshot and model version downstream."""
    withdrawn = {event.asset_id: event for event in events if event.decision == "withdraw"}
    rows: dict[str, dict[str, Any]] = {}
    found = find_holders(context, withdrawn.values()) if withdrawn else {}
    for event in withdrawn.values():
        for holder in found[event.event_id]:
            names: Sequence[str | None] = list(holder.exposures) or [None]
            for model_version in names:
                notice_id = f"n-{event.event_id}-{holder.snapshot_id}" + (f"-{model_version}" if model_version else "")
                rows[notice_id] = {
                    "notice_id": notice_id,
                    "event_id": event.event_id,
                    "model_version": model_version,
                    "snapshot_id": holder.snapshot_id,
                    "recipient": holder.programme.licensee,
                    "recorded_at_us": context.now_us(),
                    "acknowledged_at_us": None,
                }
    consents.add_notices(context.connection, rows.values())
    return list(rows.values())


def list_notices(context: Context) -> list[dict[str, Any]]:
    """All notices, oldest first, with when they were acknowledged."""
    return consents.read_notices(context.connection)


def acknowledge(context: Context, notice_id: str) -> None:
    """Record that a notice arrived. Raises Refused when none waits under this name."""
    if not consents.acknowledge_notice(context.connection, notice_id, context.now_us()):
        raise Refused("unknown_notice", f"no notice {notice_id!r} waits for an answer", "see `ritornello consent notices`")
    context.record("acknowledgement", notice_id, fingerprint_document(notice_id.encode()).hash)
