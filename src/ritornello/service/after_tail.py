"""Which models a settlement found in use although the tail of a withdrawal was over, with what they earned through it."""

from collections import defaultdict
from typing import Any

from ritornello.service import settlement_files
from ritornello.service.context import Context
from ritornello.service.statements import parse_tables


def list_after_tail(context: Context, settlement_id: str) -> list[dict[str, Any]]:
    """The rows of after_tail.jsonl with the recording's title and what all payees together earned through it there, by currency."""
    tables = parse_tables(settlement_files.read_all(context, settlement_id))
    titles = {row["recording_id"]: row["title"] for row in tables["recordings"]}
    pools = {row["pool"]: row for row in tables["pools"]}
    earned: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in tables["allocations"]:
        pool = pools[line["pool"]]
        earned[pool["model_version"], line["recording_id"]][pool["currency"]] += int(line["amount_units"])
    return [
        {
            **row,
            "title": titles[row["recording_id"]],
            "earned_units": {
                currency: str(units) for currency, units in sorted(earned[row["model_version"], row["recording_id"]].items()) if units
            },
        }
        for row in tables["after_tail"]
    ]
