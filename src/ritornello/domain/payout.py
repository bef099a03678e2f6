"""A payout's life: waiting, sent, accepted, confirmed, failed. Its state is a fold over events that are only ever appended."""

from collections.abc import Iterable
from dataclasses import dataclass

WAITING, SENT, ACCEPTED, CONFIRMED, FAILED, CANCELLED = "waiting", "sent", "accepted", "confirmed", "failed", "cancelled"
STATES = (WAITING, SENT, ACCEPTED, CONFIRMED, FAILED)
IN_FLIGHT = (SENT, ACCEPTED)
STATE_WORDS = {
    WAITING: "in no file yet",
    SENT: "in a file for the bank",
    ACCEPTED: "accepted by the bank",
    CONFIRMED: "paid",
    FAILED: "failed; the money is back on the balance",
}
_NEXT = {
    WAITING: {SENT, CONFIRMED, FAILED},  # by hand, where no file is written
    SENT: {ACCEPTED, CONFIRMED, FAILED, CANCELLED},
    ACCEPTED: {CONFIRMED, FAILED},
    CONFIRMED: {FAILED},  # money can come back after it left
    FAILED: set[str](),
}


@dataclass(frozen=True, slots=True)
class PayoutEvent:
    """Something that happened to a payout. `kind` is the state it led to, or `cancelled`, after which it waits again."""

    payout_id: str
    kind: str
    recorded_at_us: int
    recorded_by: str
    batch_id: str | None = None  # the file it was in
    block: str | None = None  # and the part of the file
    account_id: str | None = None  # where it was sent
    reason_code: str | None = None
    reason: str | None = None
    report_sha256: str | None = None  # the bank's file that said so


def state_of(events: Iterable[PayoutEvent]) -> str:
    """The state after these events, oldest first."""
    state = WAITING
    for event in events:
        assert can_become(state, event.kind), f"payout {event.payout_id}: {event.kind} after {state}"
        state = WAITING if event.kind == CANCELLED else event.kind
    return state


def can_become(state: str, kind: str) -> bool:
    return kind in _NEXT[state]
