"""Receipts: proof of one decision that its holder keeps, and anyone checks offline."""

import json
from pathlib import Path
from typing import Any

from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.formats.canonical import encode, fingerprint_document
from ritornello.formats.log_proof import open_entry
from ritornello.service import log as logs
from ritornello.service.context import Context
from ritornello.service.effect import describe_effects
from ritornello.store import consents

RECEIPT_FORMAT = "ritornello-receipt-1"


def write_receipt(context: Context, event_id: str) -> dict[str, Any]:
    """A receipt that its holder can keep and anyone can check offline: the event, its proof in the log, and the signed checkpoint."""
    events = consents.read_events(context.connection, event_id=event_id)
    if not events:
        raise Refused("unknown_event", f"there is no event {event_id!r}", "see `ritornello consent history`")
    proof, note, vkey = logs.prove_artefact(context, "consent", event_id)
    effect = describe_effects(context, events)[0] if events[0].decision == "withdraw" else None
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
        entry = open_entry(proof, note, own if vkey is None else vkey)
    except ValueError as error:
        raise wrong(str(error)) from None
    if (entry.get("kind"), entry.get("id"), entry.get("hash")) != ("consent", event.get("event_id"), event_hash):
        raise wrong("the event is not the one that the log entry commits to: it was changed")
    if event.get("terms_sha256") != terms_sha256:
        raise wrong("the terms are not those that the event names")
    return dict(event)
