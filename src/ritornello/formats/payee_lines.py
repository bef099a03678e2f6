"""What a settlement gives each payee, line by line, and what a correction changes: rows for whoever shows them (statements, DSR files)."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
LINE = ("line_id", "pool", "payee", "recording_id", "share_e8", "weight", "numerator", "amount_units")  # columns of allocations.jsonl
_NOTHING = {"weight": "0", "share_e8": 0, "numerator": "0"}


def find_pools(tables: Tables) -> dict[str, Row]:
    """Pool → its row; of a pool that a correction ended, what its name says."""
    return {row["pool"]: _gone(row) for row in tables["previous_pools"]} | {row["pool"]: row for row in tables["pools"]}


def find_lines(tables: Tables, *, corrects: bool) -> dict[str, list[Row]]:
    """Payee → its lines. Of a correction, the lines that it changed: `amount_units` is the difference then, all else as it stands now."""
    rows = _changes(tables) if corrects else tables["allocations"]
    lines: dict[str, list[Row]] = {}
    for row in rows:
        lines.setdefault(row["payee"], []).append(row)
    return lines


def _changes(tables: Tables) -> list[Row]:
    standing = {(row["pool"], row["payee"], row["recording_id"]): row for row in tables["allocations"]}
    return [
        {**_NOTHING, **standing.get((row["pool"], row["payee"], row["recording_id"]), row), "amount_units": row["delta_units"]}
        for row in tables["deltas"]
    ]


def _gone(pool: Row) -> dict[str, Any]:
    _, model_version, currency, territory, lane, basis = pool["pool"].split("/")
    named = {"model_version": model_version, "currency": currency, "territory": territory, "lane": lane, "basis": basis}
    return {**pool, **named, "reason": "gone"}
