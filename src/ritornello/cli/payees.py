"""`ritornello advance …`, `tax …`, `dispute …`: what decides about payees' money beside claims."""

from datetime import date

import click

from ritornello.cli.frame import Day, Frame, pass_frame
from ritornello.domain.errors import Refused
from ritornello.domain.money import parse_decimal
from ritornello.service import advances, disputes, overview, taxes


@click.group()
def advance() -> None:
    """Money paid ahead, and what is still to be recouped."""


@advance.command("grant")
@click.argument("advance_id")
@click.option("--programme", required=True)
@click.option("--party", required=True)
@click.option("--amount", required=True, help="1500.00")
@click.option("--currency", required=True)
@click.option("--group", help="Advances of one group are recouped from each other's recordings. [the advance alone]")
@click.option("--recording", "recordings", multiple=True, help="Recouped from this recording; may stand several times. [all]")
@click.option("--rate", default="1", show_default=True, help="The part of what they earn that recoups.")
@click.option("--granted-on", type=Day(), help="2026-10-01 [today]")
@pass_frame
def grant_advance(
    frame: Frame,
    advance_id: str,
    programme: str,
    party: str,
    amount: str,
    currency: str,
    group: str | None,
    recordings: tuple[str, ...],
    rate: str,
    granted_on: date | None,
) -> None:
    """Record an advance that was paid, under the name ADVANCE_ID, and post it."""
    with frame.context() as context:
        grant = advances.grant_advance(
            context,
            programme,
            party,
            amount,
            currency,
            advance_id=advance_id,
            group=group,
            recordings=recordings,
            rate_ppm=_ppm(rate),
            granted_on=granted_on,
        )
    shown = {"advance_id": grant.advance_id, "group": grant.group, "recordings": list(grant.recordings), "rate_ppm": grant.rate_ppm}
    frame.show(shown, f"{advance_id}: {amount} {currency} to {party}, recouped from {', '.join(grant.recordings)}")


@advance.command("list")
@click.option("--programme", required=True)
@pass_frame
def list_advances(frame: Frame, programme: str) -> None:
    """Every advance of a programme: granted, recouped, open."""
    with frame.context() as context:
        rows = advances.list_advances(context, programme)
    text = [
        f"{row['advance_id']:<20} {row['party_id']:<24} "
        + "  ".join(f"{name} {overview.money(int(row[f'{name}_units']), row['currency'])}" for name in ("granted", "recouped", "open"))
        for row in rows
    ]
    frame.show(rows, "\n".join(text) or "no advance")


@click.group()
def tax() -> None:
    """Tax that is withheld from payouts."""


@tax.command("set")
@click.argument("party")
@click.option("--rate", required=True, help="0.15; 0 ends it.")
@click.option("--authority", required=True, help="To whom it is withheld, such as SE or US-IRS.")
@pass_frame
def set_tax(frame: Frame, party: str, rate: str, authority: str) -> None:
    """Withhold a part of PARTY's payouts from now on."""
    with frame.context() as context:
        row = taxes.set_tax(context, party, _ppm(rate), authority)
    frame.show(row, f"{party}: {row['rate_ppm'] / 10_000:g} % of payouts is withheld for {authority}")


@tax.command("list")
@pass_frame
def list_taxes(frame: Frame) -> None:
    """The rules in force."""
    with frame.context() as context:
        rows = taxes.list_taxes(context)
    text = [f"{row['party_id']:<24} {row['rate_ppm'] / 10_000:g} % for {row['authority']}" for row in rows]
    frame.show(rows, "\n".join(text) or "no tax is withheld")


@click.group()
def dispute() -> None:
    """Contested claims: their money is held until the dispute is resolved."""


@dispute.command("open")
@click.argument("claim")
@click.option("--by", "opened_by", required=True, help="Who contests it.")
@click.option("--reason", required=True)
@pass_frame
def open_dispute(frame: Frame, claim: str, opened_by: str, reason: str) -> None:
    """Contest a CLAIM. Only its part is held, from the next settlement or correction on."""
    with frame.context() as context:
        found = disputes.open_dispute(context, claim, opened_by, reason)
    frame.show(
        {"dispute_id": found.dispute_id, "claim_id": claim}, f"{found.dispute_id}: money of claim {claim} is held until it is resolved"
    )


@dispute.command("resolve")
@click.argument("dispute_id")
@click.option("--by", "resolved_by", required=True)
@click.option("--outcome", required=True, help="In words, such as: claim upheld.")
@pass_frame
def resolve_dispute(frame: Frame, dispute_id: str, resolved_by: str, outcome: str) -> None:
    """End a dispute; the claim counts again as it stands. Then `ritornello correct` releases what was held."""
    with frame.context() as context:
        disputes.resolve_dispute(context, dispute_id, resolved_by, outcome)
    frame.show({"dispute_id": dispute_id}, f"{dispute_id} is resolved: {outcome}")


@dispute.command("list")
@pass_frame
def list_disputes(frame: Frame) -> None:
    """Every dispute, oldest first."""
    with frame.context() as context:
        rows = disputes.list_disputes(context)
    text = [
        f"{row['dispute_id']}  claim {row['claim_id']}  {row['outcome'] or 'open'}: {row['reason']} ({row['opened_by']})" for row in rows
    ]
    frame.show(rows, "\n".join(text) or "no dispute")


def _ppm(text: str) -> int:
    try:
        return parse_decimal(text, 6)
    except ValueError as error:
        raise Refused("bad_rate", str(error), 'write 15 % as "0.15"') from None
