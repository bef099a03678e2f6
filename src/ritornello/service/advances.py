"""Advances: money paid ahead to a party, recouped from what its recordings earn."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.domain.ledger import Batch, Posting
from ritornello.domain.money import minor_digits, parse_units
from ritornello.domain.programme import WHOLE_PPM
from ritornello.service import programmes
from ritornello.service.context import Context
from ritornello.service.names import find_party, refuse_bad_name
from ritornello.store import advances, catalogue, ledger
from ritornello.store.advances import Grant

ALL = "*"


def grant_advance(
    context: Context,
    programme_id: str,
    party_id: str,
    amount: str,
    currency: str,
    *,
    advance_id: str,
    group: str | None = None,
    recordings: Sequence[str] = (),
    rate_ppm: int = WHOLE_PPM,
    granted_on: date | None = None,
) -> Grant:
    """Record money paid ahead and post it: debit `advance:ID`, credit `bank:CURRENCY`. It is recouped from the recordings named (none: all).

    Advances of one `group` (left out: the advance alone) are recouped from each other's recordings. Raises Refused.
    """
    programmes.find(context, programme_id)
    find_party(context, party_id)
    day = granted_on or context.today()
    units = _amount(amount, currency, day)
    for name in (advance_id, group or advance_id):
        refuse_bad_name(name)
    if advances.find_advance(context.connection, advance_id):
        raise Refused("advance_twice", f"there is an advance {advance_id!r} already; nothing was posted", "give it another name")
    known = catalogue.read_recordings(context.connection)
    if strangers := sorted(set(recordings) - set(known) - {ALL}):
        raise Refused("unknown_recording", f"{', '.join(strangers)} not in the catalogue", "name recordings of the catalogue")
    if not 0 < rate_ppm <= WHOLE_PPM:
        raise Refused("bad_rate", "the part of earnings that recoups is above 0 and at most 1", 'write "0.5" for a half')
    now = context.now_us()
    grant = Grant(
        advance_id, programme_id, party_id, group or advance_id, currency, tuple(sorted(recordings)) or (ALL,), rate_ppm, day, now
    )
    _refuse_other_group(context, grant)
    advances.add_advance(context.connection, grant)
    transfer = f"{advance_id}/grant"
    postings = [
        Posting(transfer, f"advance:{advance_id}", currency, units, "posted"),
        Posting(transfer, f"bank:{currency}", currency, -units, "posted"),
    ]
    ledger.post_batch(context.connection, Batch(advance_id, "advance", programme_id, None), postings, now)
    return grant


def list_advances(context: Context, programme_id: str) -> list[dict[str, Any]]:
    """Every advance of a programme with what was granted, recouped and is still open, in units."""
    programmes.find(context, programme_id)
    owed = ledger.balances(context.connection, programme_id, accounts=("advance:",))
    granted = {
        posting.account: posting.amount_units
        for _, posting in ledger.read_postings(context.connection)
        if posting.account.startswith("advance:") and posting.transfer_id.endswith("/grant")
    }
    rows = []
    for grant in advances.read_advances(context.connection, programme_id, context.now_us()):
        account = f"advance:{grant.advance_id}"
        open_units = -owed.get((account, grant.currency), 0)
        rows.append(
            {
                "advance_id": grant.advance_id,
                "party_id": grant.party_id,
                "group": grant.group,
                "currency": grant.currency,
                "recordings": list(grant.recordings),
                "rate_ppm": grant.rate_ppm,
                "granted_on": grant.granted_on.isoformat(),
                "granted_units": str(granted[account]),
                "recouped_units": str(granted[account] - open_units),
                "open_units": str(open_units),
            }
        )
    return rows


def _amount(text: str, currency: str, day: date) -> int:
    try:
        units = parse_units(text, minor_digits(currency, day))
    except ValueError as error:
        raise Refused("bad_amount", str(error), "write an amount such as 1500.00 and a currency such as EUR") from None
    if units <= 0:
        raise Refused("bad_amount", f"{text!r} is not above 0", "correct the amount")
    return units


def _refuse_other_group(context: Context, grant: Grant) -> None:
    terms = (grant.party_id, grant.currency, grant.rate_ppm)
    for other in advances.read_advances(context.connection, grant.programme_id, context.now_us()):
        if other.group == grant.group and (other.party_id, other.currency, other.rate_ppm) != terms:
            what = f"group {grant.group!r} has advances of another party, currency or rate ({other.advance_id})"
            raise Refused("other_group", what, "advances of one group share party, currency and rate")
