"""Contested claims: opened and resolved, never changed; in between their money is held."""

import hashlib
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.domain.period import Dispute
from ritornello.formats.canonical import encode, fingerprint_document
from ritornello.service.context import Context
from ritornello.store import catalogue, disputes


def open_dispute(context: Context, claim_id: str, opened_by: str, reason: str) -> Dispute:
    """Contest a claim: from the next settlement or correction on its money is held until the dispute is resolved."""
    claims = {claim.claim_id: claim for claim in catalogue.read_claims(context.connection)}
    if claim_id not in claims or claims[claim_id].retracted_at_us is not None:
        raise Refused("unknown_claim", f"there is no claim {claim_id!r} in force", "see claims: ritornello catalogue show RECORDING")
    if any(row.claim_id == claim_id and row.resolved_at_us is None for row in disputes.read_disputes(context.connection)):
        raise Refused("disputed_already", f"claim {claim_id} is contested already", "see it: ritornello dispute list")
    now = context.now_us()
    name = "d" + hashlib.sha256(f"{claim_id}\n{opened_by}\n{now}".encode()).hexdigest()[:15]
    dispute = Dispute(name, claim_id, now, None)
    disputes.open_dispute(context.connection, dispute, opened_by, reason)
    row = {"dispute_id": name, "claim_id": claim_id, "opened_by": opened_by, "reason": reason, "opened_at_us": now}
    context.record("dispute", name, fingerprint_document(encode(row)).hash)
    return dispute


def resolve_dispute(context: Context, dispute_id: str, resolved_by: str, outcome: str) -> None:
    """End a dispute. The claim counts again as it stands: correct the claims first if they were wrong, then `ritornello correct`."""
    rows = {row.dispute_id: row for row in disputes.read_disputes(context.connection)}
    if dispute_id not in rows or rows[dispute_id].resolved_at_us is not None:
        raise Refused("unknown_dispute", f"there is no open dispute {dispute_id!r}", "see them: ritornello dispute list")
    now = context.now_us()
    disputes.resolve_dispute(context.connection, dispute_id, resolved_by, outcome, now)
    row = {"dispute_id": dispute_id, "resolved_by": resolved_by, "outcome": outcome, "resolved_at_us": now}
    context.record("dispute-end", dispute_id, fingerprint_document(encode(row)).hash)


def list_disputes(context: Context) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in disputes.read_disputes(context.connection)]
