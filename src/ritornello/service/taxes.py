"""Tax that is withheld from a party's payouts."""

import hashlib
from typing import Any

from ritornello.domain.errors import Refused
from ritornello.domain.programme import WHOLE_PPM
from ritornello.formats.canonical import encode, fingerprint_document
from ritornello.service.context import Context
from ritornello.service.names import find_party, refuse_bad_name
from ritornello.store import taxes


def set_tax(context: Context, party_id: str, rate_ppm: int, authority: str) -> dict[str, Any]:
    """Withhold this part of the party's payouts from now on; 0 ends it."""
    find_party(context, party_id)
    refuse_bad_name(authority)
    if not 0 <= rate_ppm <= WHOLE_PPM:
        raise Refused("bad_rate", "a tax is from 0 to 1", 'write 15 % as "0.15"')
    row = {"party_id": party_id, "rate_ppm": rate_ppm, "authority": authority}
    taxes.add_tax(context.connection, party_id, rate_ppm, authority, context.now_us())
    context.record("tax", hashlib.sha256(party_id.encode()).hexdigest()[:16], fingerprint_document(encode(row)).hash)
    return row


def list_taxes(context: Context) -> list[dict[str, Any]]:
    return taxes.read_taxes(context.connection, context.now_us())
