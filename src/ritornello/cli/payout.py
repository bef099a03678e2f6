"""`ritornello payout …`: payout accounts, payout files, and what banks answer."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, NEW, Day, Frame, pass_frame
from ritornello.cli.payout_accounts import BY, accounts
from ritornello.domain.errors import Refused
from ritornello.domain.payout import STATE_WORDS
from ritornello.formats.canonical import write_atomically
from ritornello.formats.payouts.catalogue import FORMATS
from ritornello.formats.payouts.debtor_toml import read_debtor
from ritornello.formats.payouts.payment import Debtor
from ritornello.service import overview, payout_reports, payouts
from ritornello.store.payouts import OpenItem


@click.group()
def payout() -> None:
    """Paying people, and what banks answer."""


payout.add_command(accounts)


FORMAT = click.option("--format", "format_name", type=click.Choice(sorted(FORMATS)), required=True, help="What reads the file.")
DEBTOR = click.option(
    "--debtor", type=FILE, help="Who pays (docs/formats/payout-files.md); csv-paypal, csv-tipalti and csv-list need none."
)
CURRENCY = click.option("--currency", help="Only payouts in this currency.")


@payout.command()
@click.argument("settlement_id")
@FORMAT
@DEBTOR
@CURRENCY
@pass_frame
def preview(frame: Frame, settlement_id: str, format_name: str, debtor: Path | None, currency: str | None) -> None:
    """What a payout file would hold now, what it wouldn't and why, and what to look at before money moves."""
    payer = _read_debtor(debtor)
    with frame.context() as context:
        plan = payouts.preview(context, settlement_id, format_name, payer, currency)
    frame.show(_plan_rows(plan), _render_plan(plan))


@payout.command()
@click.argument("settlement_id")
@FORMAT
@click.option("--out", type=NEW, required=True, help="The new file; only you can read it.")
@DEBTOR
@CURRENCY
@click.option("--execute-on", type=Day(), help="The day the bank shall pay. [the next weekday]")
@BY
@pass_frame
def write(
    frame: Frame,
    settlement_id: str,
    format_name: str,
    out: Path,
    debtor: Path | None,
    currency: str | None,
    execute_on: date | None,
    by: str,
) -> None:
    """Write a payout file; what is in it is in no other file unless this one is cancelled."""
    payer = _read_debtor(debtor)
    _refuse_existing(out)
    with frame.context() as context:
        written = payouts.write(context, settlement_id, format_name, payer, by, execute_on, currency)
    name = written.batch.batch_id
    try:
        write_atomically(out, written.data, mode=0o600)
    except OSError as error:
        todo = f"the payouts are recorded as sent: write the file again with `ritornello payout again {name}`, or cancel it"
        raise Refused("out_failed", f"{out} can't be written: {error.strerror}", todo) from None
    values = {"file_id": name, "file": str(out), "sha256": written.batch.sha256, "execute_on": written.batch.execute_on}
    frame.show(
        {**values, **_plan_rows(written.plan)}, f"{name}: {out}, to be paid on {written.batch.execute_on}\n{_render_plan(written.plan)}"
    )


@payout.command()
@click.argument("file_id")
@click.option("--out", type=NEW, required=True, help="The new file; only you can read it.")
@DEBTOR
@pass_frame
def again(frame: Frame, file_id: str, out: Path, debtor: Path | None) -> None:
    """Write a payout file once more, byte for byte."""
    payer = _read_debtor(debtor)
    _refuse_existing(out)
    with frame.context() as context:
        data = payouts.write_again(context, file_id, payer)
    write_atomically(out, data, mode=0o600)
    frame.show({"file_id": file_id, "file": str(out)}, f"{file_id} is in {out} again, byte for byte")


@payout.command()
@click.argument("file_id")
@click.option("--why", required=True, help="The reason: it stands in the record.")
@BY
@pass_frame
def cancel(frame: Frame, file_id: str, why: str, by: str) -> None:
    """Take a payout file back that the bank never got; its payouts can go into another."""
    with frame.context() as context:
        found = payouts.cancel(context, file_id, by, why)
    frame.show([found_payout.payout_id for found_payout in found], f"{len(found)} payouts of {file_id} wait again")


@payout.command()
@click.argument("settlement_id")
@pass_frame
def show(frame: Frame, settlement_id: str) -> None:
    """How far each payout of a settlement has come."""
    with frame.context() as context:
        found = payouts.list_payouts(context, settlement_id)
    rows = [{**_payout_row(each), "events": [asdict(event) for event in each.events]} for each in found]
    frame.show(rows, "\n".join(_render_payout(each) for each in found) or "this settlement pays nobody")


@payout.command()
@click.argument("file", type=FILE)
@pass_frame
def returns(frame: Frame, file: Path) -> None:
    """Take in a bank's FILE: pain.002, camt.053, camt.054 or NACHA returns. The same file again does nothing."""
    with frame.context() as context:
        reading = payout_reports.read(context, file)
    values = {
        "file": reading.file,
        "kind": reading.kind,
        "read_before": reading.again,
        "changed": [_payout_row(each) for each in reading.entries.changed],
        "known": reading.entries.known,
        "others": reading.others,
        "stopped_accounts": reading.entries.stopped,
        "open_items": [asdict(item) for item in reading.open_items],
    }
    text = [
        f"{reading.kind}: {len(reading.entries.changed)} payouts changed, {reading.entries.known} statements known already, {reading.others} other entries"
    ]
    text += [_render_payout(each) for each in reading.entries.changed]
    text += [f"the account of {party_id} is not used any more" for party_id in reading.entries.stopped]
    text += [_render_item(item) for item in reading.open_items]
    frame.show(values, "this file was read before; nothing was done" if reading.again else "\n".join(text))


@payout.command("open-items")
@pass_frame
def open_items(frame: Frame) -> None:
    """What banks reported and nobody could match without guessing."""
    with frame.context() as context:
        items = payout_reports.list_open_items(context)
    frame.show([asdict(item) for item in items], "\n".join(_render_item(item) for item in items) or "nothing is open")


@payout.command()
@click.argument("item_id")
@click.option("--why", required=True, help="What was done about it: it stands in the record.")
@BY
@pass_frame
def resolve(frame: Frame, item_id: str, why: str, by: str) -> None:
    """Take an open item off the list."""
    with frame.context() as context:
        payout_reports.resolve(context, item_id, why, by)
    frame.show({"item_id": item_id}, f"{item_id} is resolved")


@payout.command()
@click.argument("payout_ids", nargs=-1)
@click.option("--file", "file_id", help="All payouts of this payout file that are on their way.")
@BY
@pass_frame
def confirm(frame: Frame, payout_ids: tuple[str, ...], file_id: str | None, by: str) -> None:
    """Record that payouts arrived, where no bank's file says so."""
    with frame.context() as context:
        found = payout_reports.confirm(context, payout_ids, by, file_id)
    frame.show([_payout_row(each) for each in found], "\n".join(_render_payout(each) for each in found) or "nothing is on its way")


@payout.command()
@click.argument("payout_ids", nargs=-1, required=True)
@click.option("--why", required=True, help="The reason: it stands in the record.")
@BY
@pass_frame
def fail(frame: Frame, payout_ids: tuple[str, ...], why: str, by: str) -> None:
    """Put the money of payouts back on the balance: they failed, or will not be made."""
    with frame.context() as context:
        found = payout_reports.fail(context, payout_ids, why, by)
    frame.show([_payout_row(each) for each in found], "\n".join(_render_payout(each) for each in found))


def _read_debtor(path: Path | None) -> Debtor:
    return read_debtor(path.name, path.read_bytes()) if path is not None else Debtor(name="", country="")


def _refuse_existing(out: Path) -> None:
    if out.exists() or out.is_symlink():
        raise Refused("out_exists", f"{out} exists already", "choose a new name")


def _payout_row(found: payouts.Payout) -> dict[str, Any]:
    return {
        "payout_id": found.payout_id,
        "party_id": found.party_id,
        "currency": found.currency,
        "amount_units": str(found.amount_units),
        "state": found.state,
        "end_to_end_id": found.end_to_end_id,
        "file_id": found.last.batch_id if found.last else None,
        "reason": found.last.reason if found.last else None,
    }


def _plan_rows(plan: payouts.Plan) -> dict[str, Any]:
    return {
        "payments": [
            {
                "payout_id": payment.payout_id,
                "party_id": payment.party_id,
                "currency": payment.currency,
                "amount": payment.amount,
                "account": account.masked,
                "end_to_end_id": payment.end_to_end_id,
            }
            for payment, account in plan.payments
        ],
        "left": [{**_payout_row(found), "what": obstacle.what, "todo": obstacle.todo} for found, obstacle in plan.left],
        "done": [_payout_row(found) for found in plan.done],
        "warnings": plan.warnings,
    }


def _render_plan(plan: payouts.Plan) -> str:
    text = [f"  {payment.amount:>14} {payment.currency}  {payment.party_id:<24} {account.masked}" for payment, account in plan.payments]
    text = [f"in the file: {len(text)}", *text]
    if plan.left:
        text.append(f"not in the file: {len(plan.left)}")
        text += [f"  {_amount(found)}  {found.party_id:<24} {obstacle.what} → {obstacle.todo}" for found, obstacle in plan.left]
    if plan.done:
        text.append(f"on their way or through: {len(plan.done)}")
        text += [_render_payout(found) for found in plan.done]
    return "\n".join([*text, *(f"look at this: {warning}" for warning in plan.warnings)])


def _render_payout(found: payouts.Payout) -> str:
    last = found.last
    more = f" ({last.batch_id})" if last and last.batch_id else ""
    more += f": {last.reason}" if last and last.reason else ""
    return f"  {_amount(found)}  {found.party_id:<24} {STATE_WORDS[found.state]}{more}"


def _render_item(item: OpenItem) -> str:
    amount = f" {item.amount} {item.currency}" if item.amount else ""
    return f"look at this ({item.item_id}): {item.place} says {item.says}{amount}: {item.why} → {item.todo}"


def _amount(found: payouts.Payout) -> str:
    return f"{overview.money(found.amount_units, found.currency):>18}"
