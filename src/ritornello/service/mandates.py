"""Mandates: a label for an artist, a publisher for a writer, a guardian for a minor. Recorded, scoped, and ended; never changed."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from ritornello.domain.catalogue import LANES
from ritornello.domain.consent import PURPOSES, Mandate
from ritornello.domain.errors import Refused
from ritornello.formats.canonical import encode, fingerprint_document
from ritornello.service.context import Context
from ritornello.store import catalogue, consents


def give(
    context: Context,
    party_id: str,
    representative_id: str,
    *,
    lanes: Sequence[str],
    purposes: Sequence[str],
    programme_id: str = "*",
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> Mandate:
    """Record that one party may decide for another. Empty `lanes` or `purposes` mean all. Raises Refused."""
    parties = catalogue.read_parties(context.connection)
    for name in (party_id, representative_id):
        if name not in parties:
            raise Refused("unknown_party", f"there is no party {name!r}", "import it with parties.csv")
    if party_id == representative_id:
        raise Refused("bad_mandate", "a party needs no mandate for itself", "name another representative")
    now, first = context.now_us(), valid_from or context.today()
    if valid_to and valid_to < first:
        raise Refused("bad_mandate", f"the last day {valid_to} is before the first, {first}", "correct one of the days")
    text = "\n".join((party_id, representative_id, programme_id, str(first), str(now)))
    mandate = Mandate(
        "m" + hashlib.sha256(text.encode()).hexdigest()[:15],
        party_id,
        representative_id,
        tuple(sorted(lanes or LANES)),
        tuple(sorted(purposes or PURPOSES)),
        programme_id,
        first,
        valid_to,
        now,
    )
    consents.add_mandate(context.connection, mandate)
    context.record("mandate", mandate.mandate_id, fingerprint_document(encode(consents.mandate_row(mandate))).hash)
    return mandate


def end(context: Context, mandate_id: str) -> Mandate:
    """End a mandate now: what was done under it stays done, nothing more can be. Raises Refused when it is unknown or over."""
    found = {mandate.mandate_id: mandate for mandate in consents.read_mandates(context.connection)}.get(mandate_id)
    if found is None or found.retracted_at_us is not None:
        raise Refused("unknown_mandate", f"there is no mandate {mandate_id!r} that could be ended", "see `ritornello mandate list`")
    now = context.now_us()
    consents.retract_mandate(context.connection, mandate_id, now)
    ended = replace(found, retracted_at_us=now)
    context.record("mandate-end", mandate_id, fingerprint_document(encode(consents.mandate_row(ended))).hash)
    return ended


def list_all(context: Context) -> list[Mandate]:
    """Every mandate ever given."""
    return consents.read_mandates(context.connection)
