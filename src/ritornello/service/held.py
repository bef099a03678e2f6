"""Money that waits: unclaimed, contested or reserved, by recording and lane, with its age and what would release it."""

from collections import defaultdict
from datetime import date
from typing import Any

from ritornello.service import programmes, reports, settlement_files
from ritornello.service.context import Context

WHAT_TO_DO = {
    "gap": "claims total less than 100 %: import the missing claim, then ritornello correct",
    "unclaimed": "nobody claims this lane: import its claims, then ritornello correct",
    "overclaim": "claims total more than 100 %: let the owners agree, import their claims, then ritornello correct",
    "disputed": "a claim is contested: resolve the dispute, then ritornello correct",
    "reserve": "kept by the programme's own rule",
}


def list_held(context: Context, programme_id: str | None = None) -> list[dict[str, Any]]:
    """One row per period, held account, recording, lane and currency, as it stands after every correction; oldest and largest first.

    Raises Refused when there is no such programme.
    """
    if programme_id is not None:
        programmes.find(context, programme_id)
    rows = []
    for kept in settlement_files.list_all(context, programme_id):
        if kept.number == 0:
            _, last_day = reports.period_days(kept.period_id)
            rows += _held_of(context, kept.settlement_id, kept.period_id, last_day)
    return sorted(rows, key=lambda row: (row["since"], -int(row["units"]), row["recording_id"], row["lane"], row["account"]))


def _held_of(context: Context, settlement_id: str, period_id: str, last_day: date) -> list[dict[str, Any]]:
    standing = settlement_files.last_of(context, settlement_id)
    pools = {row["pool"]: row for row in settlement_files.read_table(context, standing, "pools")}
    status = {
        (row["recording_id"], row["lane"], row["territory"], row["payee"]): row["status"]
        for row in settlement_files.read_table(context, standing, "splits")
    }
    sums: dict[tuple[str, str, str, str, str], int] = defaultdict(int)
    for line in settlement_files.read_table(context, standing, "allocations"):
        if line["payee"].startswith("held:"):
            pool = pools[line["pool"]]
            found = status.get((line["recording_id"], pool["lane"], pool["territory"], line["payee"]), "reserve")
            why = "disputed" if line["payee"] == "held:dispute" and found != "overclaim" else found
            sums[line["payee"], line["recording_id"], pool["lane"], pool["currency"], why] += int(line["amount_units"])
    return [
        {
            "settlement_id": settlement_id,
            "period_id": period_id,
            "account": account,
            "recording_id": recording_id,
            "lane": lane,
            "currency": currency,
            "units": str(units),
            "since": last_day.isoformat(),
            "age_days": max((context.today() - last_day).days, 0),
            "why": why,
            "todo": WHAT_TO_DO[why],
        }
        for (account, recording_id, lane, currency, why), units in sorted(sums.items())
        if units
    ]
