"""The ledger for the accounting programs of others."""

from collections.abc import Callable
from pathlib import Path

from ritornello.domain.errors import Refused
from ritornello.formats.beancount import render_beancount
from ritornello.formats.canonical import write_atomically
from ritornello.formats.hledger import render_hledger
from ritornello.formats.journal import Journal, make_journal
from ritornello.service import programmes
from ritornello.service.context import Context
from ritornello.store import ledger

RENDERERS: dict[str, Callable[[Journal], bytes]] = {"beancount": render_beancount, "hledger": render_hledger}


def write_journal(context: Context, kind: str, file: Path, programme_id: str | None) -> Journal:
    """Write all batches, or one programme's, into a new file. Raises Refused when there is nothing to write."""
    if file.exists():
        raise Refused("out_exists", f"{file} exists already", "choose a new file")
    if programme_id is not None:
        programmes.find(context, programme_id)
    connection = context.connection
    journal = make_journal(
        f"Ritornello ledger{f' of {programme_id}' if programme_id else ''}",
        [(posted.header, posted.sha256) for posted in ledger.read_batches(connection, programme_id)],
        ledger.read_postings(connection, programme_id=programme_id),
        ledger.balances(connection, programme_id),
    )
    if journal is None:
        raise Refused("nothing_to_write", "the ledger has no batch", "settle a period first")
    write_atomically(file, RENDERERS[kind](journal))
    return journal
