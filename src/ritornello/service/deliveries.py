"""Delivering notices: each is claimed, sent, and what became of it is recorded; a failed one waits longer each time, a delivered one is never sent again.

Every step is a transaction of its own: nothing is locked while the network is slow, and two deliveries at once can't take the same notice.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.formats.canonical import encode, encode_document, fingerprint_document
from ritornello.formats.checkpoint import sign_text, verifier_key
from ritornello.service import classes, programmes, snapshots
from ritornello.service.context import Context
from ritornello.service.couriers import Outcome
from ritornello.store import consents, notices
from ritornello.store.classes import admission_row, read_admissions
from ritornello.store.notices import Attempt

NOTICE_FORMAT = "ritornello-notice-1"
MOST_ATTEMPTS = 12
LEASE_US = 10 * 60 * 1_000_000  # after this an attempt without an outcome counts as broken off
_FIRST_WAIT_US, _LONGEST_WAIT_US = 60 * 1_000_000, 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that this delivery alone may send now."""

    notice_id: str
    number: int  # of the attempt
    recipient: str
    data: bytes  # the same bytes at every attempt


def find_due(context: Context, recipient: str | None, *, retry: bool) -> list[str]:
    """The notices (for one recipient, or any) that are due now, oldest first. `retry` takes failed ones before their time, and those given up."""
    now = context.now_us()
    return [row["notice_id"] for row, attempts in notices.read_waiting(context.connection, recipient) if is_due(attempts, now, retry=retry)]


def claim(context: Context, notice_id: str, target: str, *, retry: bool) -> Claimed | None:
    """Claim a notice for one attempt; None when it is no longer due: somebody else has it, or has delivered it."""
    now = context.now_us()
    found = notices.read_waiting(context.connection, None, notice_id)
    if not found or not is_due(found[0][1], now, retry=retry):
        return None
    row, attempts = found[0]
    number = len(attempts) + 1
    notices.start_attempt(context.connection, Attempt(notice_id, number, target, now))
    return Claimed(notice_id, number, row["recipient"], write_notice(context, row))


def finish(context: Context, claimed: Claimed, outcome: Outcome) -> None:
    """Record what became of an attempt; a delivery and an acknowledgement are logged."""
    notices.finish_attempt(context.connection, claimed.notice_id, claimed.number, context.now_us(), outcome.delivered, outcome.detail)
    if outcome.delivered:
        context.record("delivery", claimed.notice_id, fingerprint_document(claimed.data).hash)
    if outcome.acknowledged:
        acknowledge(context, claimed.notice_id)


def acknowledge(context: Context, notice_id: str) -> None:
    """Record that a notice arrived. Raises Refused when none waits under this name."""
    if not notices.acknowledge(context.connection, notice_id, context.now_us()):
        raise Refused("unknown_notice", f"no notice {notice_id!r} waits for an answer", "see `ritornello notices list`")
    context.record("acknowledgement", notice_id, fingerprint_document(notice_id.encode()).hash)


def take_answer(context: Context, notice_id: str) -> bool:
    """Acknowledge a notice that was delivered and waits for an answer; False when there is none."""
    if not notices.was_delivered(context.connection, notice_id):
        return False
    try:
        acknowledge(context, notice_id)
    except Refused:
        return False
    return True


def list_all(context: Context) -> list[dict[str, Any]]:
    """Every notice, oldest first, with its `state`: waits, delivered, acknowledged, or failed; the attempts, and when the next is due."""
    now = context.now_us()
    found = []
    for row, attempts in notices.read_all(context.connection):
        delivered = any(attempt.delivered for attempt in attempts)
        failed = bool(attempts) and not delivered
        state = "acknowledged" if row["acknowledged_at_us"] else "delivered" if delivered else "failed" if failed else "waits"
        given_up = failed and len(attempts) >= MOST_ATTEMPTS
        due = None if delivered or row["acknowledged_at_us"] or given_up else max(now, _due_us(attempts)) if attempts else now
        found.append({**row, "state": state, "attempts": [asdict(attempt) for attempt in attempts], "next_attempt_us": due})
    return found


def is_due(attempts: list[Attempt], now_us: int, *, retry: bool) -> bool:
    """May a notice be sent? Not while an attempt is under way; failed ones wait twice as long each time."""
    if not attempts:
        return True
    last = attempts[-1]
    if last.finished_at_us is None and now_us < last.started_at_us + LEASE_US:
        return False
    return retry or (len(attempts) < MOST_ATTEMPTS and now_us >= _due_us(attempts))


def write_notice(context: Context, row: dict[str, Any]) -> bytes:
    """The signed document (docs/formats/notice.md): from what never changes, so always the same bytes."""
    notice = {name: row[name] for name in ("notice_id", "kind", "recipient", "recorded_at_us")}
    notice |= _withdrawal(context, row) if row["kind"] == "withdrawal" else _admission(context, row)
    key = context.read_key()
    document = {
        "format": NOTICE_FORMAT,
        "notice": notice,
        "signature": sign_text(context.origin, encode(notice) + b"\n", key),
        "vkey": verifier_key(context.origin, key.public_key()),
    }
    return encode_document(document)


def _withdrawal(context: Context, row: dict[str, Any]) -> dict[str, Any]:
    (event,) = consents.read_events(context.connection, event_id=row["event_id"])
    programme = programmes.find_terms(context, snapshots.find_row(context, row["snapshot_id"])["programme_sha256"])
    tail_until = event.effective_from + timedelta(days=programme.tail_days)
    return {
        "event": consents.event_row(event),
        "snapshot_id": row["snapshot_id"],
        "model_version": row["model_version"],
        "excluded_from": event.effective_from.isoformat(),
        "tail_until": tail_until.isoformat() if row["model_version"] else None,
    }


def _admission(context: Context, row: dict[str, Any]) -> dict[str, Any]:
    (admission,) = [one for one in read_admissions(context.connection) if one.admission_id == row["admission_id"]]
    programme = programmes.find_terms(context, admission.programme_sha256)
    document = classes.find_document(context, admission.class_sha256)
    assert document is not None
    return {
        "admission": {**admission_row(admission), "ended_from": None, "ended_at_us": None},
        "class_title": document.title,
        "programme_title": programme.title,
        "licensee": programme.licensee,
        "purposes": list(programme.purposes),
    }


def _due_us(attempts: list[Attempt]) -> int:
    last = attempts[-1]
    wait = min(_FIRST_WAIT_US << (len(attempts) - 1), _LONGEST_WAIT_US)
    return (last.finished_at_us or last.started_at_us + LEASE_US) + wait
