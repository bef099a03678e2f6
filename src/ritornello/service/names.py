"""Names that people type: refused with what to do when they name nothing, or can't name anything."""

from ritornello.domain import identifiers
from ritornello.domain.errors import Refused
from ritornello.service.context import Context
from ritornello.store import catalogue


def find_party(context: Context, party_id: str) -> None:
    if party_id not in catalogue.read_parties(context.connection):
        raise Refused("unknown_party", f"there is no party {party_id!r}", "import it with parties.csv")


def refuse_bad_name(name: str) -> None:
    try:
        identifiers.parse_own(name)
    except ValueError as error:
        raise Refused("bad_name", str(error), "choose another name") from None
