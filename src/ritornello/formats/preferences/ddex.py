"""DDEX ERN 4.3: deal terms with the use types for AI. Deals only permit, so a denial is the absence of a deal. Schemas are not shipped: they need DDEX's licence."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from ritornello.domain.consent import PURPOSES
from ritornello.domain.identifiers import COUNTRIES, parse_isrc
from ritornello.domain.preference import NO, UNKNOWN, YES, Constraint, Preference, Statement, Subject, constrain, meet
from ritornello.formats.preferences.codec import Codec
from ritornello.formats.preferences.conditions import read_conditions, write_conditions
from ritornello.formats.preferences.labels import Label, explain, weigh
from ritornello.formats.preferences.source import Source, parse_name
from ritornello.formats.preferences.xml import Element, escape, read_xml, render
from ritornello.formats.sheet import parse_day

NAMESPACE = "http://ddex.net/xml/ern/43"
OURS = "org.ritornello"  # namespace of user-defined use types
GENERATIVE = Label("UseForTrainingGenerativeAI", ("ai_generative_training", "fine_tuning", "voice_model"), ("ai_generative_training",))
OTHER = Label("UseForTrainingNonGenerativeAI", ("ai_training",), ("ai_training",))
MINING = Label("UseForDataMining", ("data_mining",), ("data_mining",))
WORDS = (GENERATIVE, OTHER, MINING)
OWN_WORDS = tuple(Label(purpose, (purpose,), (purpose,)) for purpose in PURPOSES if not any(purpose in word.grants for word in WORDS))
OWN_TERMS = ("licensee_classes", "terms_sha256", "terms_url")  # in a user-defined commercial model, which a recipient must know
SAYABLE = ("licensee", "territories", "valid_from", "valid_to", *OWN_TERMS)
FIRST_DAY = date(1900, 1, 1)  # a deal must say when it begins
UNDERSTOOD = {"TerritoryCode", "ExcludedTerritoryCode", "ValidityPeriod", "UseType", "CommercialModelType"}


def encode(preferences: Sequence[Preference]) -> bytes:
    """Recordings, a release for each, and their deals: to be merged into a message. It has one recipient, so at most one licensee can be named."""
    licensees = {value.constraint.licensee for one in preferences for value in one.statements.values() if value.constraint} - {None}
    licensee = licensees.pop() if len(licensees) == 1 else None
    resources, releases, deals = list[str](), list[str](), list[str]()
    for number, preference in enumerate(preferences, 1):
        text = "".join(_deals(preference, licensee))
        if text:
            isrc = render("ISRC", {}, escape(preference.subject.isrc or ""))
            edition = render("SoundRecordingEdition", {}, render("ResourceId", {}, isrc))
            resources.append(_line(render("SoundRecording", {}, render("ResourceReference", {}, f"A{number}"), edition)))
            reference = render("ReleaseResourceReference", {}, f"A{number}")
            releases.append(_line(render("TrackRelease", {}, render("ReleaseReference", {}, f"R{number}"), reference)))
            deals.append(_line(render("ReleaseDeal", {}, render("DealReleaseReference", {}, f"R{number}"), text)))
    recipient = render("MessageRecipient", {}, render("PartyName", {}, render("FullName", {}, escape(licensee or ""))))
    header = [_line(render("MessageHeader", {}, recipient))] if licensee and deals else []
    lists = [
        _line(render(name, {}, "\n", *found))
        for name, found in (("ResourceList", resources), ("ReleaseList", releases), ("DealList", deals))
    ]
    message = render("ern:NewReleaseMessage", {"xmlns:ern": NAMESPACE}, "\n", *header, *lists)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + message + "\n").encode()


def decode(source: Source) -> list[Preference]:
    root = read_xml(source)
    return decode_message(source, root) if root else []


def decode_message(source: Source, root: Element) -> list[Preference]:
    """What the deals of a message that was read already say."""
    if root.name != "NewReleaseMessage" or not root.namespace.startswith("http://ddex.net/xml/ern/4"):
        source.problem(root.name[:60], "is not a NewReleaseMessage of ERN 4", "bring an ERN 4.3 message", row=root.line)
        return []
    licensee, isrcs = _recipient(source, root), _isrcs(source, root)
    found: dict[str, dict[str, list[Statement]]] = {}
    for deal in (element for element in root.walk() if element.name == "ReleaseDeal"):
        references = [reference.text for reference in deal.all("DealReleaseReference")]
        meant = {isrc for reference in references for isrc in isrcs.get(reference, ())}
        said = [pair for terms in deal.walk() if terms.name == "DealTerms" for pair in _read_terms(source, terms, licensee)]
        if said and not meant:
            source.foreign(f"the deals of {', '.join(references)[:80]} lead to no ISRC: they permit nothing here")
        for isrc in meant:
            for purpose, statement in said:
                found.setdefault(isrc, {}).setdefault(purpose, []).append(statement)
    for isrc, statements in found.items():
        for purpose, several in statements.items():
            if len(set(several)) > 1:
                source.foreign(f"several deals speak of {purpose}: only what all of them permit is kept", purpose, Subject(isrc=isrc))
    return [Preference(Subject(isrc=isrc), {purpose: meet(said) for purpose, said in found[isrc].items()}) for isrc in sorted(found)]


def _deals(preference: Preference, licensee: str | None) -> Iterator[str]:
    said: dict[Statement, list[str]] = {}
    for word in (*WORDS, *OWN_WORDS):
        statement = weigh(preference, word, SAYABLE if licensee else SAYABLE[1:])
        if statement.permits_something:
            own = {"Namespace": OURS, "UserDefinedValue": word.word}
            use = render("UseType", own, "UserDefined") if word in OWN_WORDS else render("UseType", {}, word.word)
            said.setdefault(statement, []).append(use)
    for statement, uses in said.items():
        limits = statement.constraint or Constraint()
        days = [render("StartDate", {}, str(limits.valid_from or FIRST_DAY))]
        days += [render("EndDate", {}, str(limits.valid_to))] if limits.valid_to else []
        places = [render("TerritoryCode", {}, code) for code in limits.territories or ("Worldwide",)]
        terms = write_conditions(Constraint(**{name: getattr(limits, name) for name in OWN_TERMS}))
        model = [render("CommercialModelType", {"Namespace": OURS, "UserDefinedValue": terms}, "UserDefined")] if terms else []
        yield render("Deal", {}, render("DealTerms", {}, *places, render("ValidityPeriod", {}, *days), *model, *uses))


def _read_terms(source: Source, terms: Element, licensee: str | None) -> list[tuple[str, Statement]]:
    purposes = [purpose for use in terms.all("UseType") for purpose in _purposes(use)]
    if not purposes:
        return []
    strange = sorted({child.name for child in terms.children} - UNDERSTOOD)
    models, periods, statement = terms.all("CommercialModelType"), terms.all("ValidityPeriod"), UNKNOWN
    own = _own_terms(models[0]) if len(models) == 1 else None
    strange += [] if own else [model.text for model in models if model.text != "AsPerContract"]
    strange += sorted(
        {child.name for period in periods for child in period.children} - {"StartDate", "EndDate", "StartDateTime", "EndDateTime"}
    ) + ["periods"] * (len(periods) > 1)
    codes = {child.text for child in terms.all("TerritoryCode")} - {"Worldwide"}
    excluded = {child.text for child in terms.all("ExcludedTerritoryCode")}
    strange += sorted((codes | excluded) - COUNTRIES)
    if strange:
        source.foreign(
            f"a deal for {', '.join(purposes)} has more terms than we can hold ({', '.join(strange)[:120]}): it permits nothing here"
        )
    else:
        first, last = (_day(source, periods, name) for name in ("StartDate", "EndDate"))
        countries = (codes or COUNTRIES) - excluded if codes or excluded else set()
        constraint = replace(own or Constraint(), licensee=licensee, territories=tuple(sorted(countries)), valid_from=first, valid_to=last)
        empty = (excluded and not countries) or (first and last and last < first)
        statement = NO if empty else constrain(constraint) if constraint.conditions() else YES
    return [(purpose, statement) for purpose in purposes]


def _own_terms(model: Element) -> Constraint | None:
    """The conditions in a user-defined commercial model of ours; None for any other."""
    mine = model.text == "UserDefined" and model.attributes.get("Namespace") == OURS
    found = read_conditions(model.attributes.get("UserDefinedValue", "")) if mine else None
    return found if found and set(found.conditions()) <= set(OWN_TERMS) else None


def _purposes(use: Element) -> Sequence[str]:
    if use.text == "UserDefined" and use.attributes.get("Namespace") == OURS:
        return [purpose for purpose in PURPOSES if purpose == use.attributes.get("UserDefinedValue")]
    return [purpose for word in WORDS if word.word == use.text for purpose in word.grants]


def _day(source: Source, periods: Sequence[Element], name: str) -> date | None:
    """The period's first or last day. A moment counts from the first UTC day that lies wholly in the period, and to the last such day."""
    if not periods:
        return None
    whole_day, narrower = (_first_whole_day, max) if name == "StartDate" else (_last_whole_day, min)
    texts = ((f"{name}Time", whole_day), (name, parse_day))
    days = [source.parse(word, text, parse) for word, parse in texts if (text := periods[0].value(word)) is not None]
    return narrower((day for day in days if day), default=None)


def _first_whole_day(text: str) -> date:
    moment = _moment(text, latest=True)
    return moment.date() if moment.time() == time() else moment.date() + timedelta(days=1)


def _last_whole_day(text: str) -> date:
    return (_moment(text, latest=False) + timedelta(seconds=1)).date() - timedelta(days=1)


def _moment(text: str, latest: bool) -> datetime:
    """A moment in UTC without its zone. One that names no zone may be anywhere on earth: the latest or earliest it can mean."""
    try:
        moment = datetime.fromisoformat(text)
        if not 1900 <= moment.year <= 9000:
            raise ValueError
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a moment such as 2026-10-31T00:00:00Z") from None
    if moment.tzinfo is None:
        return moment + timedelta(hours=12 if latest else -14)
    return moment.astimezone(UTC).replace(tzinfo=None)


def _recipient(source: Source, root: Element) -> str | None:
    """The message's recipient: its deals are for nobody else."""
    found = [one for header in root.all("MessageHeader") for one in header.all("MessageRecipient")]
    if len(found) > 1:
        source.problem("MessageRecipient", "stands more than once", "send each recipient a message of its own", row=found[1].line)
    name = (found[0].value("PartyName", "FullName") or found[0].value("PartyId") or "unnamed recipient") if found else None
    return source.parse("MessageRecipient", name, parse_name) if name else None


def _isrcs(source: Source, root: Element) -> dict[str, set[str]]:
    """Release reference → ISRCs of its recordings."""
    recordings: dict[str, str] = {}
    for element in root.walk():
        if element.name == "SoundRecording":
            text = next((one.text for one in element.walk() if one.name == "ISRC"), None)
            isrc = source.parse("ISRC", text, parse_isrc) if text else None
            if isrc:
                recordings[element.value("ResourceReference") or ""] = isrc
    found: dict[str, set[str]] = {}
    for element in root.walk():
        if element.name in ("Release", "TrackRelease"):
            references = {one.text for one in element.walk() if one.name == "ReleaseResourceReference"}
            found[element.value("ReleaseReference") or ""] = {recordings[one] for one in references if one in recordings}
    return found


def _line(text: str) -> str:
    return f"  {text}\n"


def _explain(preference: Preference) -> dict[str, str]:
    reasons = explain(preference, (*WORDS, *OWN_WORDS), SAYABLE, says_no=False)
    for purpose, statement in preference.statements.items():
        if statement.permits_something and not (statement.constraint and statement.constraint.valid_from):
            reasons.setdefault(purpose, f"a deal must name its first day: {FIRST_DAY} is written")
        if statement.constraint and statement.constraint.licensee:
            reasons.setdefault(purpose, "a message has one recipient: licensees that are not the same for all can't be said")
    return reasons


assert {purpose for word in (*WORDS, *OWN_WORDS) for purpose in word.grants} == set(PURPOSES)
DDEX = Codec("ddex", "DDEX ERN 4.3, DealTerms/UseType", ("isrc",), encode, decode, _explain, required="isrc")
