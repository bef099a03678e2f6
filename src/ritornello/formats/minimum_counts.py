"""Which pools have too few outputs or payees behind them for their weights to be shown (docs/shares.md, "Small numbers")."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ritornello.domain.programme import HEARD, Programme
from ritornello.formats.payee_lines import find_pools

Row = Mapping[str, Any]


def find_small(tables: Mapping[str, Sequence[Row]], terms: Iterable[Programme]) -> dict[str, int]:
    """Pool that attribution divides → the least count that its terms ask for and that it doesn't reach.

    Counted are outputs of the pool's model version that were attributed and used in its territory, and parties with a line in it.
    """
    asked = {programme.version: programme.min_count_shown for programme in terms}
    if not any(asked.values()):
        return {}
    outputs, payees = _outputs(tables), _payees(tables)
    found = {}
    for name, pool in find_pools(tables).items():
        least = asked.get(pool["terms_version"], 0) if pool["basis"] in HEARD else 0
        if min(len(outputs.get((pool["model_version"], pool["territory"]), ())), len(payees.get(name, ()))) < least:
            found[name] = least
    return found


def describe_small(least: int) -> str:
    """Why a pool's weights are not shown."""
    return f"fewer than {least} outputs or payees stand behind these weights, so the programme lets only amounts be shown"


def _outputs(tables: Mapping[str, Sequence[Row]]) -> dict[tuple[str, str], set[str]]:
    """Model version and territory → the attributed outputs that were used there."""
    models = {row["output_id"]: row["model_version"] for row in tables["outputs"]}
    attributed = {row["output_id"] for row in tables["attribution"]}
    found: dict[tuple[str, str], set[str]] = {}
    for row in tables["usage"]:
        if row["uses"] and row["output_id"] in attributed:
            found.setdefault((models[row["output_id"]], row["territory"]), set()).add(row["output_id"])
    return found


def _payees(tables: Mapping[str, Sequence[Row]]) -> dict[str, set[str]]:
    """Pool → the parties with a line in it."""
    found: dict[str, set[str]] = {}
    for row in tables["allocations"]:
        if row["payee"].startswith("party:"):
            found.setdefault(row["pool"], set()).add(row["payee"])
    return found
