"""`ritornello payout accounts …`."""

from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.frame import FILE, Frame, pass_frame
from ritornello.service import payees

BY = click.option("--by", required=True, help="Who says so: it stands in the record.")


@click.group()
def accounts() -> None:
    """Where each party is paid. Bank data is never shown: at most the last four characters."""


@accounts.command("import")
@click.argument("file", type=FILE)
@BY
@pass_frame
def import_accounts(frame: Frame, file: Path, by: str) -> None:
    """Import payout accounts, all or nothing. Columns: docs/formats/spreadsheets.md."""
    with frame.context() as context:
        report = payees.import_accounts(context, file, by)
    text = f"payout accounts: {len(report.new)} new, {len(report.changed)} changed, {report.unchanged} as they were"
    frame.show(asdict(report), "\n".join([text, *(f"changed: {party_id}" for party_id in report.changed)]))


@accounts.command("list")
@click.argument("party", required=False)
@pass_frame
def list_accounts(frame: Frame, party: str | None) -> None:
    """List payout accounts, of all parties or one, with who recorded and who ended them."""
    with frame.context() as context:
        found = payees.list_accounts(context, party)
    lines = [
        f"{account.party_id:<24} {account.currency or 'any':<4} {account.masked:<24} recorded by {account.recorded_by}"
        + (f", ended by {account.ended_by}: {account.ended_why}" if account.ended_at_us is not None else "")
        for account in found
    ]
    frame.show([asdict(account) for account in found], "\n".join(lines) or "no payout accounts yet: ritornello payout accounts import")


@accounts.command()
@click.argument("party")
@click.option("--currency", help="Only the account for this currency.")
@click.option("--why", required=True, help="The reason: it stands in the record.")
@BY
@pass_frame
def end(frame: Frame, party: str, currency: str | None, why: str, by: str) -> None:
    """Stop using a PARTY's accounts. What it is owed then stays on its balance."""
    with frame.context() as context:
        ended = payees.end_accounts(context, party, currency, by, why)
    frame.show([asdict(account) for account in ended], "\n".join(f"no longer used: {account.masked} of {party}" for account in ended))


@accounts.command()
@pass_frame
def reseal(frame: Frame) -> None:
    """Encrypt all account details anew with the first key of RITORNELLO_DATA_KEY, after naming NEW,OLD there."""
    with frame.context() as context:
        count = payees.reseal(context)
    frame.show({"accounts": count}, f"{count} accounts sealed with the first key; the old key is needed no more")
