"""Who controls how much of a recording and its work, as claims. A share that is unknown, or a right delegated for other uses than training, makes none:
a gap is held and asked about, a wrong claim would be paid.
"""

from ritornello.domain.identifiers import parse_territory
from ritornello.formats.ern.taking import Taking
from ritornello.formats.preferences.ddex import WORDS
from ritornello.formats.preferences.xml import Element

_TRAINING = frozenset(word.word for word in WORDS)
Span = tuple[str, str | None, str | None]  # territory, first and last day as written


def take_recording_shares(taking: Taking, element: Element, recording_id: str) -> None:
    """The master lane, from ResourceRightsController."""
    controllers = [one for one in element.all("ResourceRightsController") if _covers_training(taking, one)]
    for one in controllers:
        _claim(taking, one, recording_id, "master", len(controllers), _delegation(taking, one))


def take_work_shares(taking: Taking, element: Element, work_id: str | None) -> None:
    """The publishing lane, from WorkRightsController."""
    controllers = element.all("WorkRightsController")
    if controllers and work_id is None:
        taking.note("shares of a work are stated, but no WorkId names it: they are left out")
        return
    for one in controllers:
        first, last = taking.message.value(one, "StartDate"), taking.message.value(one, "EndDate")
        spans = [(place, first, last) for place in _places(taking, one, "Territory")]
        _claim(taking, one, str(work_id), "publishing", len(controllers), spans)


def _covers_training(taking: Taking, element: Element) -> bool:
    uses = {use.text for rights in element.all("DelegatedUsageRights") for use in rights.all("UseType")}
    if uses and not uses & _TRAINING:
        taking.note("rights are delegated for other uses than training only: no claim is made of them")
        return False
    return True


def _delegation(taking: Taking, element: Element) -> list[Span]:
    """Territories, first and last day of each delegation that covers training; the world where nothing was delegated."""
    found: list[Span] = []
    for rights in element.all("DelegatedUsageRights"):
        uses = [use for use in rights.all("UseType") if use.text in _TRAINING]
        for use in uses:
            taking.message.take(use)
        period = next(iter(rights.all("PeriodOfRightsDelegation")), None)
        first, last = (taking.message.value(period, name) if uses and period else None for name in ("StartDate", "EndDate"))
        found += [(place, first, last) for place in _places(taking, rights, "TerritoryOfRightsDelegation")] if uses else []
    return found if element.all("DelegatedUsageRights") else [("WW", None, None)]


def _places(taking: Taking, element: Element, name: str) -> list[str]:
    """Countries; the world where none is named. Codes that aren't countries of today make no claim."""
    codes = element.all(name)
    found = []
    for code in codes:
        try:
            found.append(parse_territory(code.text))
            taking.message.take(code)
        except ValueError:
            taking.note(f"{code.text[:20]!r} is no country of today: no claim is made for it")
    return found if codes else ["WW"]


def _claim(taking: Taking, element: Element, subject: str, lane: str, controllers: int, spans: list[Span]) -> None:
    share = taking.message.value(element, "RightSharePercentage")
    if share is None:
        if controllers > 1 or element.value("RightShareUnknown") == "true":
            taking.note("a share is unknown, or missing where there are several controllers: no claim is made of it")
            return
        share = "100"
        taking.note("a controller without a percentage is taken as holding 100 %, as the standard says")
    party_id = taking.party(element, "RightsControllerPartyReference")
    for territory, first, last in spans if party_id else ():
        texts = {"subject": subject, "lane": lane, "party_id": party_id, "share_percent": share}
        taking.row("claims", element.line, **texts, territory=territory, valid_from=first, valid_to=last)
