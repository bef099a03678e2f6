"""Really Simple Licensing 1.0 (RSL Technical Steering Committee): XML about web locations. Says usage, class of user, country; no licensee, days or terms."""

from collections.abc import Sequence

from ritornello.domain.consent import PURPOSES
from ritornello.domain.identifiers import COUNTRIES
from ritornello.domain.preference import NO, SILENT, UNKNOWN, YES, Constraint, Preference, Statement, Subject, constrain, meet
from ritornello.formats.preferences.codec import Codec
from ritornello.formats.preferences.labels import Label, Reading, explain, weigh
from ritornello.formats.preferences.source import Source, parse_location, parse_url
from ritornello.formats.preferences.xml import Element, read_xml, render

NAMESPACE = "https://rslstandard.org/rsl"
CLASSES = ("commercial", "non-commercial", "education", "government", "personal")
TRAIN = Label(
    "ai-train",
    ("ai_training", "ai_generative_training", "fine_tuning", "voice_model"),
    ("ai_training", "ai_generative_training", "fine_tuning"),
)
INPUT = Label("ai-input", ("ai_inference", "reference_conditioning"), ("ai_inference",))
AI_ALL = Label("ai-all", tuple(one for one in PURPOSES if one != "data_mining"), (*TRAIN.grants, *INPUT.grants))
ALL = Label("all", PURPOSES, (*TRAIN.grants, *INPUT.grants, "data_mining"))
LABELS = {label.word: label for label in (ALL, AI_ALL, TRAIN, INPUT)}
SAYABLE = ("licensee_classes", "territories")
HARMLESS = {"permits", "prohibits", "payment", "legal"}


def encode(preferences: Sequence[Preference]) -> bytes:
    contents = "".join(text for one in preferences if (text := _content(one)))
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + render("rsl", {"xmlns": NAMESPACE}, "\n", contents) + "\n").encode()


def decode(source: Source) -> list[Preference]:
    root = read_xml(source)
    if root is None:
        return []
    if root.name != "rsl" or root.namespace != NAMESPACE:
        source.problem(root.name[:60], f"is not an rsl element of {NAMESPACE}", "check that it is RSL 1.0", row=root.line)
        return []
    found = []
    for content in root.all("content"):
        place = content.attributes.get("url", "")
        location = source.parse("content, url", place, parse_location) if place else source.carrier.location
        if place and not location:
            continue
        found.append(Preference(Subject(location=location), _read_content(source, content)))
    if not root.all("content"):
        source.foreign("it names no content, so it says nothing")
    return found


def _content(preference: Preference) -> str:
    said = {label: _sayable(weigh(preference, label, SAYABLE)) for label in (TRAIN, INPUT)}
    everything = weigh(preference, ALL)
    if everything == YES:
        said = {ALL: YES}
    denied = [label.word for label, statement in said.items() if not statement.permits_something and statement.use != SILENT]
    licences = []
    for statement in dict.fromkeys(statement for statement in said.values() if statement.permits_something):
        tokens = [label.word for label, one in said.items() if one == statement]
        parts = [render("permits", {"type": "usage"}, " ".join(tokens))]
        if statement.constraint and statement.constraint.licensee_classes:
            parts.append(render("permits", {"type": "user"}, " ".join(statement.constraint.licensee_classes)))
        if statement.constraint and statement.constraint.territories:
            parts.append(render("permits", {"type": "geo"}, " ".join(statement.constraint.territories)))
        licences.append(parts)
    if denied:
        licences = licences or [[]]
        licences[0].append(render("prohibits", {"type": "usage"}, " ".join(denied)))
    if not licences:
        return ""
    written = "".join("  " + render("license", {}, *parts) + "\n" for parts in licences)
    return render("content", {"url": preference.subject.location or ""}, "\n", written) + "\n"


def _sayable(statement: Statement) -> Statement:
    classes = statement.constraint.licensee_classes if statement.constraint else ()
    return statement if set(classes) <= set(CLASSES) else NO


def _read_content(source: Source, content: Element) -> dict[str, Statement]:
    """Licences of one content, together: what any of them prohibits is a no, and so is what none permits where one has a list of permissions."""
    permitted, prohibited, closed = dict[str, list[Statement]](), set[str](), False
    for licence in content.all("license"):
        condition = _condition(source, content, licence)
        for kind in ("permits", "prohibits"):
            for element in (one for one in licence.all(kind) if one.attributes.get("type") == "usage"):
                labels = _labels(source, element)
                closed = closed or kind == "permits"
                if kind == "prohibits":
                    prohibited.update(purpose for label in labels for purpose in label.covers)
                else:
                    for purpose in {purpose for label in labels for purpose in label.grants}:
                        permitted.setdefault(purpose, []).append(condition)
    reading = Reading()
    for purpose in PURPOSES:
        if purpose in prohibited or (closed and purpose not in permitted):
            reading.take_purpose(purpose, NO)
        elif purpose in permitted:
            if len(set(permitted[purpose])) > 1:
                source.foreign(f"several licences permit {purpose} on different conditions: only what all of them permit is kept", purpose)
            reading.take_purpose(purpose, meet(permitted[purpose]))
    return reading.statements


def _labels(source: Source, element: Element) -> list[Label]:
    words = element.text.replace(",", " ").split()
    for word in words:
        if word not in LABELS:
            source.foreign(f"`{word[:40]}` in <{element.name}> is no purpose of ours and is not kept")
    return [LABELS[word] for word in words if word in LABELS]


def _condition(source: Source, content: Element, licence: Element) -> Statement:
    """What a licence asks for: users, countries, and the terms at an address when it asks for payment. Anything else is a condition that we don't know."""
    strange = sorted({child.name for child in licence.children} - HARMLESS)
    if strange or content.attributes.get("server") or content.attributes.get("encrypted") == "true":
        source.foreign(
            f"its licence asks for more than we can hold ({', '.join(strange) or 'a licence server'}): its permissions are not kept"
        )
        return UNKNOWN
    if any(one.attributes.get("type") not in ("usage", "user", "geo") or (one.name, one.attributes.get("type")) == ("prohibits", "user")
           for one in (*licence.all("permits"), *licence.all("prohibits"))):  # fmt: skip
        source.foreign("it has conditions of a kind that we can't hold: its permissions are not kept")
        return UNKNOWN
    classes = _tokens(licence, "permits", "user")
    countries, closed = _countries(source, licence)
    payment = next((one for one in licence.all("payment") if one.attributes.get("type", "free") != "free"), None)
    url = (payment.value("custom") or payment.value("standard")) if payment else None
    if (
        (payment and not (url and url.startswith("http")))
        or set(classes or ()) - set(CLASSES)
        or (closed and not countries)
        or classes == []
    ):
        source.foreign("it asks for payment, users or countries that we can't hold: its permissions are not kept")
        return UNKNOWN
    constraint = Constraint(licensee_classes=tuple(sorted(set(classes or ()))), territories=tuple(sorted(countries)), terms_url=url)
    return constrain(constraint) if constraint.conditions() else YES


def _is_url(text: str) -> bool:
    try:
        return bool(parse_url(text))
    except ValueError:
        return False


def _tokens(licence: Element, kind: str, of: str) -> list[str] | None:
    found = [one for one in licence.all(kind) if one.attributes.get("type") == of]
    return [word for one in found for word in one.text.replace(",", " ").split()] if found else None


def _countries(source: Source, licence: Element) -> tuple[set[str], bool]:
    """The countries in which it holds, and whether it is limited to some."""
    inside, outside = _tokens(licence, "permits", "geo"), _tokens(licence, "prohibits", "geo")
    strange = (set(inside or ()) | set(outside or ())) - COUNTRIES
    for word in sorted(strange):
        source.foreign(f"`{word[:20]}` is no ISO 3166-1 country and is not kept")
    if inside is None and outside is None:
        return set(), False
    if set(outside or ()) & strange:
        return set(), True  # nobody knows what is left
    return (set(inside) if inside is not None else set(COUNTRIES)) & COUNTRIES - set(outside or ()), True


def _explain(preference: Preference) -> dict[str, str]:
    return explain(preference, [TRAIN, INPUT, ALL], SAYABLE)


RSL = Codec("rsl", "Really Simple Licensing (RSL) 1.0", ("location",), encode, decode, _explain, required="location")
