"""Looking at the ledger: balances as they are or were known, batches, and whether the chain still holds."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.service import programmes
from ritornello.service.context import Context
from ritornello.store import ledger


def balances(context: Context, programme_id: str | None, accounts: Sequence[str], known_at_us: int | None) -> list[dict[str, Any]]:
    """What is owed to each account (credits minus debits), ascending by account and currency."""
    if programme_id is not None:
        programmes.find(context, programme_id)
    owed = ledger.balances(context.connection, programme_id, accounts=accounts, known_at_us=known_at_us)
    return [{"account": account, "currency": currency, "balance_units": str(units)} for (account, currency), units in owed.items()]


def list_batches(context: Context, programme_id: str | None) -> list[dict[str, Any]]:
    """Every batch's header, oldest first."""
    return [_header(posted) for posted in ledger.read_batches(context.connection, programme_id)]


def show_batch(context: Context, batch_id: str) -> dict[str, Any]:
    """A batch's header and its postings. Raises Refused when there is none of the name."""
    posted = ledger.find_batch(context.connection, batch_id)
    if posted is None:
        raise Refused("unknown_batch", f"there is no ledger batch {batch_id!r}", "see them: ritornello ledger show")
    rows = [asdict(row) for _, row in ledger.read_postings(context.connection, posted.header.seq)]
    return {**_header(posted), "rows": [{**row, "amount_units": str(row["amount_units"])} for row in rows]}


def verify(context: Context) -> dict[str, Any]:
    """Recompute every batch and the chain. Raises Refused with the first thing that is wrong."""
    faults = ledger.verify_chain(context.connection)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Refused("ledger_rewritten", f"{faults[0]}{more}", "the database was changed behind the program: compare it with a backup")
    last = ledger.read_last(context.connection)
    postings = sum(posted.header.postings for posted in ledger.read_batches(context.connection))
    return {"batches": last.header.seq if last else 0, "postings": postings, "sha256": last.sha256 if last else None}


def _header(posted: ledger.Posted) -> dict[str, Any]:
    return {**asdict(posted.header), "sha256": posted.sha256}
