"""`ritornello export …`: settlements and the ledger in the formats of others."""

from pathlib import Path

import click

from ritornello.cli.frame import NEW, Frame, pass_frame
from ritornello.service import dsr_exports, overview
from ritornello.service.ledger_exports import write_journal


@click.group()
def export() -> None:
    """Settlements and the ledger in the formats of others."""


@export.command()
@click.argument("settlement_id")
@click.argument("folder", type=NEW)
@click.option("--party", help="Only this party's royalty file.")
@pass_frame
def dsr(frame: Frame, settlement_id: str, folder: Path, party: str | None) -> None:
    """Write DSR flat files into a new FOLDER: royalties of each payee, and usage (docs/formats/dsr.md)."""
    with frame.context() as context:
        written = dsr_exports.write_dsr(context, settlement_id, folder, party)
    totals = ", ".join(overview.money(units, currency) for currency, units in sorted(written.royalties.items()))
    value = {
        "folder": str(folder),
        "files": list(written.files),
        "royalty_units": {name: str(units) for name, units in written.royalties.items()},
    }
    frame.show(value, f"{len(written.files)} files in {folder}; royalties total {totals}")


@export.command()
@click.argument("file", type=NEW)
@click.option("--programme", help="Only this programme's batches.")
@pass_frame
def beancount(frame: Frame, file: Path, programme: str | None) -> None:
    """Write the ledger as a Beancount file, with its balances asserted at zero tolerance."""
    _write(frame, "beancount", file, programme)


@export.command()
@click.argument("file", type=NEW)
@click.option("--programme", help="Only this programme's batches.")
@pass_frame
def hledger(frame: Frame, file: Path, programme: str | None) -> None:
    """Write the ledger as an hledger journal, with its balances asserted."""
    _write(frame, "hledger", file, programme)


def _write(frame: Frame, kind: str, file: Path, programme: str | None) -> None:
    with frame.context() as context:
        journal = write_journal(context, kind, file, programme)
    answer = {"file": str(file), "transfers": len(journal.entries), "accounts": len(journal.accounts), "sha256": journal.sha256}
    frame.show(answer, f"{answer['transfers']:,} transfers, {answer['accounts']:,} accounts up to batch {journal.last.batch_id} in {file}")
