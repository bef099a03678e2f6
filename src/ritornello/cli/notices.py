"""`ritornello notices …`: telling those whom decisions concern, and their answers."""

import sys
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import REFUSED, Frame, pass_frame
from ritornello.service import deliveries
from ritornello.service.couriers import Courier, FolderCourier, WebhookCourier, parse_webhook


@click.group()
def notices() -> None:
    """Notices to licensees and rights holders: delivered once, and answered."""


@notices.command("list")
@pass_frame
def list_(frame: Frame) -> None:
    """Who is told what, whether it was delivered, and who has answered."""
    with frame.context() as context:
        rows = deliveries.list_all(context)
    text = []
    for row in rows:
        text.append(f"{row['notice_id']}  {row['kind']} to {row['recipient']}  {row['state']}")
        if row["state"] == "failed":
            again = "given up" if row["next_attempt_us"] is None else "will be tried again"
            text.append(f"  attempt {len(row['attempts'])} {row['attempts'][-1]['target']}: {row['attempts'][-1]['detail']}; {again}")
    frame.show(rows, "\n".join(text) or "none")


@notices.command()
@click.argument("notice")
@pass_frame
def acknowledge(frame: Frame, notice: str) -> None:
    """Record that a notice arrived, where the answer came another way."""
    with frame.context() as context:
        deliveries.acknowledge(context, notice)
    frame.show({"notice_id": notice}, f"{notice} acknowledged")


@notices.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Write each notice into this folder, and take answers from it."
)
@click.option("--webhook", metavar="URL", help="Post each notice to this http(s) address; needs --recipient.")
@click.option("--recipient", help="Only notices to this licensee (its name in the programme) or party (party:ID).")
@click.option("--timeout", "timeout_s", type=click.FloatRange(1, 120), default=20, show_default=True, help="Seconds for one exchange.")
@click.option("--retry", is_flag=True, help="Also what failed and is not due yet, or was given up.")
@pass_frame
def deliver(frame: Frame, folder: Path | None, webhook: str | None, recipient: str | None, timeout_s: float, retry: bool) -> None:
    """Deliver every notice that is due, each once (docs/formats/notice.md). Run it from a timer. Ends with 3 when one could not be delivered."""
    if (folder is None) == (webhook is None):
        raise click.UsageError("name --folder, or --webhook")
    if webhook is not None and recipient is None:
        raise click.UsageError("--webhook needs --recipient: an address belongs to one licensee, and others' notices are not for it")
    courier: Courier = FolderCourier(folder) if folder is not None else WebhookCourier(parse_webhook(str(webhook)), timeout_s)
    answered = 0
    if isinstance(courier, FolderCourier):
        with frame.context() as context:
            answered = sum(deliveries.take_answer(context, notice_id) for notice_id in courier.answers())
    with frame.context() as context:
        due = deliveries.find_due(context, recipient, retry=retry)
    told: list[dict[str, Any]] = []
    for number, notice_id in enumerate(due, 1):
        frame.tell(f"delivering {number}/{len(due)}")
        with frame.context() as context:
            claimed = deliveries.claim(context, notice_id, courier.target, retry=retry)
        if claimed is None:
            continue
        outcome = courier.send(claimed.notice_id, claimed.data)
        with frame.context() as context:
            deliveries.finish(context, claimed, outcome)
        answered += outcome.acknowledged
        told.append({"notice_id": notice_id, "recipient": claimed.recipient, "delivered": outcome.delivered, "detail": outcome.detail})
    failed = sum(not one["delivered"] for one in told)
    text = [f"{one['notice_id']} to {one['recipient']}: {'delivered' if one['delivered'] else 'failed'}, {one['detail']}" for one in told]
    text.append(f"{len(told) - failed} delivered, {failed} failed, {answered} acknowledged")
    frame.show({"delivered": len(told) - failed, "failed": failed, "acknowledged": answered, "notices": told}, "\n".join(text))
    if failed:
        sys.exit(REFUSED)
