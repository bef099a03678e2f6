"""What assets are to others: checks, verdicts and decisions about them, appended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from ritornello.store.schema import clone_check, clone_decision, clone_verdict


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict with the decision that counts. `other_kind`: asset, recording, output or mark; `decision`: confirmed, dismissed or None while nobody has decided."""

    verdict_id: str
    asset_id: str
    other_kind: str
    other_id: str
    kind: str
    evidence_sha256: str
    recorded_at_us: int
    decision: str | None
    decided_by: str | None
    reason: str | None
    decided_at_us: int | None


def read_checked(connection: Connection) -> set[str]:
    """Assets that were compared with the catalogue."""
    return set(connection.scalars(select(clone_check.c.asset_id)))


def add_checks(connection: Connection, asset_ids: Iterable[str], method: str, at_us: int) -> None:
    """Note that assets were compared; those noted already stay."""
    known = read_checked(connection)
    rows = [{"asset_id": one, "method": method, "recorded_at_us": at_us} for one in asset_ids if one not in known]
    if rows:
        connection.execute(insert(clone_check), rows)


def add_verdicts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(clone_verdict), [dict(row) for row in rows])


def add_decision(connection: Connection, verdict_id: str, decision: str, decided_by: str, reason: str, at_us: int) -> None:
    query = select(func.coalesce(func.max(clone_decision.c.number), 0)).where(clone_decision.c.verdict_id == verdict_id)
    row = {"verdict_id": verdict_id, "number": int(connection.scalar(query) or 0) + 1, "decision": decision}
    connection.execute(insert(clone_decision).values(**row, decided_by=decided_by, reason=reason, decided_at_us=at_us))


def read_verdicts(connection: Connection, known_at_us: int | None = None) -> list[StoredVerdict]:
    """Every verdict that was there at a moment (None: now), oldest first, with the decision that counted then."""
    decisions, verdicts = select(clone_decision), select(clone_verdict)
    if known_at_us is not None:
        decisions = decisions.where(clone_decision.c.decided_at_us <= known_at_us)
        verdicts = verdicts.where(clone_verdict.c.recorded_at_us <= known_at_us)
    latest = {
        row.verdict_id: {name: value for name, value in row._mapping.items() if name not in {"verdict_id", "number"}}
        for row in connection.execute(decisions.order_by(clone_decision.c.verdict_id, clone_decision.c.number))
    }
    rows = connection.execute(verdicts.order_by(clone_verdict.c.recorded_at_us, clone_verdict.c.verdict_id))
    undecided = dict.fromkeys(("decision", "decided_by", "reason", "decided_at_us"))
    return [StoredVerdict(**row._mapping, **latest.get(row.verdict_id, undecided)) for row in rows]
