"""`ritornello export …`: settlements in the formats of others."""

from pathlib import Path

import click

from ritornello.cli.frame import NEW, Frame, pass_frame
from ritornello.service import dsr_exports, overview


@click.group()
def export() -> None:
    """A settlement in the formats of others."""


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
