"""Queuing notices to those whom a decision concerns, in the same transaction as the decision. `deliveries` takes them out."""

from collections.abc import Sequence
from typing import Any

from ritornello.domain.consent import CLASS, ConsentEvent, fold
from ritornello.domain.licensee_class import Admission
from ritornello.service import terms
from ritornello.service.context import Context
from ritornello.service.effect import find_holders
from ritornello.store import consents, notices


def tell_licensees(context: Context, events: Sequence[ConsentEvent]) -> None:
    """One notice per withdrawn asset, snapshot and model version downstream."""
    withdrawn = {event.asset_id: event for event in events if event.decision == "withdraw"}
    rows: dict[str, dict[str, Any]] = {}
    found = find_holders(context, withdrawn.values()) if withdrawn else {}
    for event in withdrawn.values():
        for holder in found[event.event_id]:
            names: Sequence[str | None] = list(holder.exposures) or [None]
            for model_version in names:
                notice_id = f"n-{event.event_id}-{holder.snapshot_id}" + (f"-{model_version}" if model_version else "")
                rows[notice_id] = {
                    **_blank(context, notice_id, "withdrawal", holder.programme.licensee),
                    "event_id": event.event_id,
                    "model_version": model_version,
                    "snapshot_id": holder.snapshot_id,
                }
    notices.add(context.connection, rows.values())


def tell_holders(context: Context, admission: Admission) -> int:
    """One notice to each party whose grant to the class may now count for the admitted programme. Returns how many."""
    document = terms.find_given(context, admission.class_sha256)
    events = consents.read_events(context.connection, programme_id=CLASS + admission.class_id)
    state = fold(events, (), document, context.today(), context.now_us())
    standing = {event.party_id for event in state.answers.values() if (event.decision, event.terms_sha256) == ("grant", document.sha256)}
    rows = [
        {
            **_blank(context, f"n-{admission.admission_id}-{party_id}", "admission", f"party:{party_id}"),
            "admission_id": admission.admission_id,
        }
        for party_id in sorted(standing)
    ]
    notices.add(context.connection, rows)
    return len(rows)


def _blank(context: Context, notice_id: str, kind: str, recipient: str) -> dict[str, Any]:
    return {
        "notice_id": notice_id,
        "kind": kind,
        "recipient": recipient,
        "event_id": None,
        "model_version": None,
        "snapshot_id": None,
        "admission_id": None,
        "recorded_at_us": context.now_us(),
        "acknowledged_at_us": None,
    }
