"""The deals of an ERN message. What they say about training is a preference of whoever sent it, limited to whom it was sent: never consent."""

from collections.abc import Mapping
from dataclasses import dataclass

from ritornello.formats.ern.message import Message
from ritornello.formats.preferences.xml import Element


@dataclass(frozen=True, slots=True)
class Deal:
    """The terms of one deal, in the message's own words."""

    line: int
    releases: tuple[str, ...]  # references in the message
    recordings: tuple[str, ...]  # of those releases
    models: tuple[str, ...]
    uses: tuple[str, ...]
    territories: tuple[str, ...]
    excluded: tuple[str, ...]
    periods: tuple[tuple[str | None, str | None], ...]  # first and last moment or day

    def describe(self) -> str:
        """One line for people."""
        places = ", ".join(self.territories) or "unnamed territories"
        but = f" but not {', '.join(self.excluded)}" if self.excluded else ""
        times = "; ".join(f"{first or 'any time'} to {last or 'further notice'}" for first, last in self.periods) or "no stated time"
        return f"{', '.join(self.uses) or 'no use type'} ({', '.join(self.models) or 'no commercial model'}) in {places}{but}, {times}"


def read_deals(message: Message, by_release: Mapping[str, tuple[str, ...]]) -> list[Deal]:
    """Every deal, in the message's order; `by_release` leads from a release's reference to the identifiers of its recordings."""
    found = []
    for deal in (element for element in message.root.walk() if element.name == "ReleaseDeal"):
        references = tuple(text for one in deal.all("DealReleaseReference") if (text := message.take(one)))
        recordings = tuple(dict.fromkeys(name for reference in references for name in by_release.get(reference, ())))
        for terms in (element for element in deal.walk() if element.name == "DealTerms"):
            found.append(_read_terms(message, terms, references, recordings))
    return found


def _read_terms(message: Message, terms: Element, references: tuple[str, ...], recordings: tuple[str, ...]) -> Deal:
    def words(name: str) -> tuple[str, ...]:
        return tuple(_word(message, one) for one in terms.all(name))

    periods = []
    for period in terms.all("ValidityPeriod"):
        first = message.value(period, "StartDateTime") or message.value(period, "StartDate")
        periods.append((first, message.value(period, "EndDateTime") or message.value(period, "EndDate")))
    models, uses = words("CommercialModelType"), words("UseType")
    return Deal(terms.line, references, recordings, models, uses, words("TerritoryCode"), words("ExcludedTerritoryCode"), tuple(periods))


def _word(message: Message, element: Element) -> str:
    """An allowed value; a user-defined one by its own name."""
    text = message.take(element) or ""
    own = element.attributes.get("UserDefinedValue")
    return f"{element.attributes.get('Namespace', '')}::{own}" if text == "UserDefined" and own else text
