"""`ritornello ledger …`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from ritornello.cli.frame import Frame, Moment, pass_frame
from ritornello.service import ledger as service
from ritornello.service import overview


@click.group()
def ledger() -> None:
    """The double-entry ledger: batches that are never changed."""


@ledger.command()
@click.option("--programme", help="Only this programme's.")
@click.option("--account", "accounts", multiple=True, help="Only accounts that start so: party:ana, held:.")
@click.option("--known-at", type=Moment(), help="As the ledger was at this moment.")
@pass_frame
def balances(frame: Frame, programme: str | None, accounts: Sequence[str], known_at: int | None) -> None:
    """What is owed to each account: credits minus debits."""
    with frame.context() as context:
        rows = service.balances(context, programme, accounts, known_at)
    frame.show(rows, "\n".join(f"{row['account']:<48} {overview.money(int(row['balance_units']), row['currency']):>24}" for row in rows))


@ledger.command()
@click.argument("batch", required=False)
@click.option("--programme", help="Without BATCH: only this programme's.")
@pass_frame
def show(frame: Frame, batch: str | None, programme: str | None) -> None:
    """List batches, or one BATCH with its postings: debit is positive, credit negative."""
    with frame.context() as context:
        if batch is None:
            headers = service.list_batches(context, programme)
            frame.show(headers, "\n".join(_render_header(header) for header in headers))
        else:
            found = service.show_batch(context, batch)
            frame.show(found, "\n".join([_render_header(found), *(_render_posting(row) for row in found["rows"])]))


@ledger.command()
@pass_frame
def verify(frame: Frame) -> None:
    """Recompute every batch, the chain, and what the log says of them."""
    with frame.context() as context:
        result = service.verify(context)
    frame.show(result, f"{result['batches']} batches, {result['postings']:,} postings; chain ends with {result['sha256'] or 'nothing'}")


def _render_header(header: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(header["recorded_at_us"] / 1_000_000, UTC)
    about = f"{header['seq']:>6}  {at:%Y-%m-%dT%H:%M:%SZ}  {header['kind']:<12} {header['batch_id']:<32}"
    return f"{about} {header['postings']:>9,} postings  {header['sha256'][:16]}…"


def _render_posting(row: Mapping[str, Any]) -> str:
    amount = overview.money(int(row["amount_units"]), row["currency"])
    return f"  {amount:>24}  {row['account']:<48} {row['transfer_id']}{'  (pending)' if row['state'] == 'pending' else ''}"
