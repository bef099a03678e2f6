"""Held money whose time is over: what would be released, and its release as corrections of the periods it lies in."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.domain.programme import HeldRule
from ritornello.formats.canonical import encode
from ritornello.service import held, programmes, reports, settlement_files
from ritornello.service.context import Context
from ritornello.service.settlement import Settled, correct_period


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be released, by period; `token` names exactly this."""

    token: str
    rows: list[dict[str, Any]]  # as list_held shows them


def preview_release(context: Context, programme_id: str) -> Preview:
    """Held money of periods whose terms release it by today: suspense, and reserves where the terms say how to divide them. Raises Refused."""
    programmes.find(context, programme_id)
    rows, waiting = [], held.list_held(context, programme_id)
    for kept in settlement_files.list_all(context, programme_id):
        rule = _rule_of(context, kept.settlement_id) if kept.number == 0 else None
        if rule is None or _header(context, settlement_files.last_of(context, kept.settlement_id)).get("released_at_us") is not None:
            continue
        _, last_day = reports.period_days(kept.period_id)
        if last_day + timedelta(days=rule.release_after_days) <= context.today():
            ends = {"held:suspense"} | ({"held:reserve"} if rule.reserve else set())
            found = [row for row in waiting if row["settlement_id"] == kept.settlement_id]
            rows += [{name: row[name] for name in row if name not in {"age_days", "todo"}} for row in found if row["account"] in ends]
    return Preview(hashlib.sha256(encode({"rows": rows})).hexdigest()[:12], rows)


def release(context: Context, programme_id: str, token: str) -> list[Settled]:
    """Release what a preview showed: one correction for each period, after which its claims are closed. Raises Refused."""
    preview = preview_release(context, programme_id)
    if token != preview.token:
        raise Refused("not_confirmed", f"{token!r} is not the token of what would be released now", "look at the preview again")
    if not preview.rows:
        raise Refused(
            "nothing_to_release", f"nothing of {programme_id} can be released now", "see what waits, and for what: ritornello held"
        )
    periods = sorted({row["period_id"] for row in preview.rows}, key=reports.period_days)
    return [correct_period(context, programme_id, period_id, releases=True) for period_id in periods]


def _header(context: Context, settlement_id: str) -> dict[str, Any]:
    return dict(json.loads(settlement_files.read_file(context, settlement_id, "period/period.json")))


def _rule_of(context: Context, settlement_id: str) -> HeldRule | None:
    return programmes.find_terms(context, _header(context, settlement_id)["programme_sha256"]).held
