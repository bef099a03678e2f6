"""What a withdrawal really does: which models still hold the recording, what they still owe and until when; receipts; notices to those downstream."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ritornello.domain.consent import ConsentEvent
from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.formats.canonical import encode, fingerprint_document
from ritornello.formats.log_proof import open_entry
from ritornello.service import log as logs
from ritornello.service import models, programmes, snapshots
from ritornello.service.context import Context
from ritornello.store import consents, schema

RECEIPT_FORMAT = "ritornello-receipt-1"


def describe_effect(context: Context, event: ConsentEvent) -> dict[str, Any]:
    """The effect of a withdrawal on one asset: first day without it, the snapshots and model versions that hold it, and the tail."""
    programme = programmes.find_terms(context, event.terms_sha256)
    holding = [row.snapshot_id for row in _snapshots(context, event.programme_id) if _holds(context, row.snapshot_id, event.asset_id)]
    trained = []
    for model_version in context.connection.scalars(select(schema.run.c.model_version).order_by(schema.run.c.model_version)).all():
        exposure = {row["asset_id"]: row["exposure_ms"] for row in models.read_exposure(context, model_version)}
        if event.asset_id in exposure:
            trained.append({"model_version": model_version, "exposure_ms": exposure[event.asset_id]})
    return {
        "asset_id": event.asset_id,
        "recording_id": event.recording_id,
        "excluded_from": event.effective_from.isoformat(),
        "snapshots_holding": holding,
        "models_holding": trained,
        "tail_until": (event.effective_from + timedelta(days=programme.tail_days)).isoformat() if trained else None,
    }


def notify(context: Context, events: Sequence[ConsentEvent]) -> list[dict[str, Any]]:
    """Queue one notice per withdrawn asset, snapshot and model version downstream; in the same transaction as the events."""
    rows: dict[str, dict[str, Any]] = {}
    for event in {event.asset_id: event for event in events if event.decision == "withdraw"}.values():
        programme = programmes.find_terms(context, event.terms_sha256)
        for snapshot_id in describe_effect(context, event)["snapshots_holding"]:
            holders = [
                run["model_version"] for run in _runs(context, snapshot_id) if _exposed(context, run["model_version"], event.asset_id)
            ]
            for model_version in holders or [None]:
                notice_id = f"n-{event.event_id}-{snapshot_id}" + (f"-{model_version}" if model_version else "")
                rows[notice_id] = {
                    "notice_id": notice_id,
                    "event_id": event.event_id,
                    "model_version": model_version,
                    "snapshot_id": snapshot_id,
                    "recipient": programme.licensee,
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


def write_receipt(context: Context, event_id: str) -> dict[str, Any]:
    """A receipt that its holder can keep and anyone can check offline: the event, its proof in the log, and the signed checkpoint."""
    events = consents.read_events(context.connection, event_id=event_id)
    if not events:
        raise Refused("unknown_event", f"there is no event {event_id!r}", "see `ritornello consent history`")
    proof, note, vkey = logs.prove_artefact(context, "consent", event_id)
    effect = describe_effect(context, events[0]) if events[0].decision == "withdraw" else None
    return {
        "format": RECEIPT_FORMAT,
        "event": consents.event_row(events[0]),
        "terms": context.files.get(events[0].terms_sha256).decode(),
        "effect": effect,
        "proof": proof,
        "checkpoint": note,
        "vkey": vkey,
    }


def check_receipt(path: Path, vkey: str | None = None) -> dict[str, Any]:
    """Check a receipt offline: the event is the one the log entry names, the entry is in the tree, the tree's checkpoint is signed. Returns the event."""

    def wrong(what: str) -> BadInput:
        return BadInput([Problem(path.name, None, None, what, "ask for the receipt again, and keep this one")])

    try:
        receipt = json.loads(path.read_bytes())
        event, proof, note, own = receipt["event"], receipt["proof"], str(receipt["checkpoint"]), str(receipt["vkey"])
        event_hash, terms_sha256 = fingerprint_document(encode(event)).hash, fingerprint_document(receipt["terms"].encode()).hash
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise wrong(f"is not a receipt ({error})") from None
    if receipt.get("format") != RECEIPT_FORMAT:
        raise wrong(f"is not of the format {RECEIPT_FORMAT}")
    try:
        entry = open_entry(proof, note, vkey or own)
    except ValueError as error:
        raise wrong(str(error)) from None
    if (entry.get("kind"), entry.get("id"), entry.get("hash")) != ("consent", event.get("event_id"), event_hash):
        raise wrong("the event is not the one that the log entry commits to: it was changed")
    if event.get("terms_sha256") != terms_sha256:
        raise wrong("the terms are not those that the event names")
    return dict(event)


def _snapshots(context: Context, programme_id: str) -> Sequence[Any]:
    table = schema.snapshot
    return context.connection.execute(select(table).where(table.c.programme_id == programme_id).order_by(table.c.known_at_us)).all()


def _holds(context: Context, snapshot_id: str, asset_id: str) -> bool:
    return any(row["asset_id"] == asset_id for row in snapshots.read_manifest(context, snapshot_id))


def _runs(context: Context, snapshot_id: str) -> list[dict[str, Any]]:
    names = context.connection.scalars(select(schema.run.c.model_version).order_by(schema.run.c.model_version)).all()
    return [run for name in names if snapshot_id in (run := models.find_run(context, name))["snapshot_ids"]]


def _exposed(context: Context, model_version: str, asset_id: str) -> bool:
    return any(row["asset_id"] == asset_id for row in models.read_exposure(context, model_version))
