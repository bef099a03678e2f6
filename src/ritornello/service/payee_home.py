"""What a payee sees first: what is owed to them, their statements, and what is left to do."""

from dataclasses import dataclass
from typing import Any

from ritornello.domain.money import digits_of
from ritornello.service import payees, settlement_files
from ritornello.service.context import Context
from ritornello.store import catalogue

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PayeeHome:
    """Rows are those of statements.jsonl with `minor_digits`, `settled_at_us` and `programme_id`; `balances`: the newest of each programme and currency."""

    party_id: str
    name: str
    balances: tuple[Row, ...]
    statements: tuple[Row, ...]
    has_account: bool  # that payouts can go to
    held: tuple[Row, ...]  # balances on whose recordings money waits because owners don't agree


def read(context: Context, party_id: str) -> PayeeHome:
    """Everything of one party's front page."""
    accounts = payees.list_in_use(context, party_id)
    rows = [{**row, "payable": bool(accounts)} for row in list_statements(context) if row["party_id"] == party_id]
    newest: dict[tuple[str, str], Row] = {}
    for row in rows:
        newest.setdefault((row["programme_id"], row["currency"]), row)
    balances = tuple(newest[key] for key in sorted(newest))
    held = tuple(row for row in balances if row["held_with_others_units"] != "0")
    name = catalogue.read_parties(context.connection, [party_id])[party_id].name
    return PayeeHome(party_id, name, balances, tuple(rows), bool(accounts), held)


def list_statements(context: Context) -> list[Row]:
    """Every party's statement of every settlement and correction, newest settlement first."""
    found = []
    for kept in settlement_files.list_newest_first(context):
        for row in settlement_files.read_table(context, kept.settlement_id, "statements"):
            more = {"minor_digits": digits_of(row["currency"]), "settled_at_us": kept.settled_at_us, "programme_id": kept.programme_id}
            found.append({**row, **more})
    return found
