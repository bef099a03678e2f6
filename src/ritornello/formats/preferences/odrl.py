"""ODRL 2.2 (W3C Recommendation, 15 February 2018) in JSON-LD: a Set of permissions and prohibitions, with a profile for what ODRL has no words for."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, unquote

from ritornello.domain.consent import PURPOSES
from ritornello.domain.identifiers import parse_isrc, parse_own
from ritornello.domain.preference import NO, NOT_ALLOWED, UNKNOWN, YES, Constraint, Preference, Statement, Subject, constrain, meet
from ritornello.formats.canonical import encode_document
from ritornello.formats.preferences.codec import Codec
from ritornello.formats.preferences.conditions import build
from ritornello.formats.preferences.source import Source, parse_asset, parse_iscc, parse_location

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
OURS = "urn:ritornello:"
PROFILE = f"{OURS}odrl-profile:1"
PARSERS = {"asset_id": parse_asset, "recording_id": parse_own, "isrc": parse_isrc, "iscc": parse_iscc, "location": parse_location}
# condition → (left operand, operator)
OPERANDS = {
    "licensee": ("recipient", "eq"),
    "licensee_classes": (f"{OURS}licensee-class", "isAnyOf"),
    "territories": ("spatial", "isAnyOf"),
    "valid_from": ("dateTime", "gteq"),
    "valid_to": ("dateTime", "lteq"),
    "terms_sha256": (f"{OURS}terms-sha256", "eq"),
    "terms_url": (f"{OURS}terms-url", "eq"),
}
MINE = ("tdm:mine", "http://www.w3.org/ns/tdmrep#mine")  # TDMRep's action in ODRL policies


def encode(preferences: Sequence[Preference]) -> bytes:
    rules: dict[str, list[dict[str, Any]]] = {"permission": [], "prohibition": []}
    for preference in preferences:
        target = [f"{OURS}{name}:{quote(value, safe=':/')}" for name, value in preference.subject.names().items()] or [f"{OURS}carrier"]
        for purpose in PURPOSES:
            statement = preference.says(purpose)
            if statement.permits_something:
                rules["permission"].append(_rule(target, purpose, statement))
            elif statement.use == NOT_ALLOWED or statement.constraint:
                rules["prohibition"].append(_rule(target, purpose, NO))
    policy = {"@context": CONTEXT, "@type": "Set", "uid": f"{OURS}policy", "profile": PROFILE, "conflict": "prohibit"}
    return encode_document({**policy, **{kind: found for kind, found in rules.items() if found}})


def decode(source: Source) -> list[Preference]:
    policy = source.json()
    if source.problems:
        return []
    if not isinstance(policy, dict):
        source.problem(None, "is not a policy: a JSON object", "write one policy")
        return []
    strange = [name for name in ("obligation", "inheritFrom") if _get(policy, name)]
    if strange:
        source.foreign(f"the policy has {' and '.join(strange)}, which we can't hold: its permissions are not kept")
    found: dict[Subject, dict[str, list[Statement]]] = {}
    for kind in ("permission", "prohibition"):
        for number, rule in enumerate(_list(_get(policy, kind)), 1):
            place = f"{kind} {number}"
            if not isinstance(rule, dict):
                source.problem(place, "is not an object", "write { … }")
                continue
            rule = {"target": _get(policy, "target"), "assignee": _get(policy, "assignee"), **_plain(rule)}
            subject = _subject(source, place, rule)
            for purpose, statement in _read_rule(source, place, rule, kind == "permission", bool(strange)):
                found.setdefault(subject, {}).setdefault(purpose, []).append(statement)
    for subject, statements in found.items():
        for purpose, several in statements.items():
            if len(set(several)) > 1:
                source.foreign(f"several rules speak of {purpose}: only what all of them permit is kept", purpose, subject)
    return [Preference(subject, {purpose: meet(said) for purpose, said in statements.items()}) for subject, statements in found.items()]


def _rule(target: list[str], purpose: str, statement: Statement) -> dict[str, Any]:
    constraints = [{"leftOperand": "purpose", "operator": "eq", "rightOperand": {"@id": f"{OURS}purpose:{purpose}"}}]
    for name, value in statement.constraint.conditions().items() if statement.constraint else ():
        left, operator = OPERANDS[name]
        constraints.append({"leftOperand": left, "operator": operator, "rightOperand": _right(name, value)})
    return {"target": target, "action": "use", "constraint": constraints}


def _right(name: str, value: object) -> Any:
    if name in ("valid_from", "valid_to"):
        return {"@value": str(value), "@type": "xsd:date"}
    return list(value) if isinstance(value, tuple) else value


def _subject(source: Source, place: str, rule: dict[str, Any]) -> Subject:
    names: dict[str, str] = {}
    for target in map(_identify, _list(rule["target"])):
        name, _, value = str(target).removeprefix(OURS).partition(":")
        if str(target).startswith(OURS) and name in PARSERS:
            parsed = source.parse(f"{place}, target", unquote(value), PARSERS[name])
            if name in names:
                source.problem(f"{place}, target", f"has two names of the kind {name}", "write a rule for each")
            elif parsed:
                names[name] = parsed
        elif str(target).startswith(("http://", "https://")) and "location" not in names:
            parsed = source.parse(f"{place}, target", target, parse_location)
            names |= {"location": parsed} if parsed else {}
        elif target != f"{OURS}carrier":
            source.problem(
                f"{place}, target", f"{str(target)[:80]!r} is nothing we can name", "name an asset, recording, ISRC, ISCC or URL"
            )
    return Subject(**names)


def _read_rule(source: Source, place: str, rule: dict[str, Any], permission: bool, strange: bool) -> Iterator[tuple[str, Statement]]:
    actions = [_identify(action) for action in _list(rule.get("action"))]
    purposes, values, known = list[str](), dict[str, list[str]](), not strange
    for constraint in _list(rule.get("constraint")):
        name, texts = _read_constraint(constraint)
        if name == "purpose":
            purposes += [text.removeprefix(f"{OURS}purpose:") for text in texts]
        elif name is None or name in values:
            known = False
        else:
            values[name] = texts
    known = known and not any(rule.get(name) for name in ("duty", "refinement", "assignee", "function"))
    if any(action in MINE for action in actions):
        purposes = ["data_mining"] if not purposes and set(actions) <= set(MINE) else purposes
    elif [str(action).removeprefix("odrl:") for action in actions] != ["use"]:
        purposes = []
    if not permission:
        for purpose in [one for one in purposes if one in PURPOSES] or (PURPOSES if not purposes and "use" in str(actions) else ()):
            yield purpose, NO  # with or without conditions: a prohibition that holds sometimes is a no
        return
    if len(purposes) != 1 or purposes[0] not in PURPOSES:
        source.foreign(f"{place} ({', '.join(map(str, actions))[:80]}) names no single purpose of ours: it permits nothing here")
        return
    constraint = _build(source, place, values) if known else None
    if constraint is None:
        source.foreign(f"{place} has conditions or duties that we can't hold: it permits nothing here", purposes[0])
    yield purposes[0], UNKNOWN if constraint is None else constrain(constraint) if constraint.conditions() else YES


def _read_constraint(constraint: Any) -> tuple[str | None, list[str]]:
    """The condition's name (None: not one of ours) and its values."""
    if not isinstance(constraint, dict):
        return None, []
    plain = _plain(constraint)
    left, operator = (str(_identify(plain.get(key))).removeprefix("odrl:") for key in ("leftOperand", "operator"))
    texts = [str(_identify(one)) for one in _list(plain.get("rightOperand"))]
    if set(plain) - {"leftOperand", "operator", "rightOperand", "@type"}:
        return None, []
    if (left, operator) == ("purpose", "eq") and len(texts) == 1:
        return "purpose", texts
    return next((name for name, pair in OPERANDS.items() if pair == (left, operator)), None), texts


def _build(source: Source, place: str, values: dict[str, list[str]]) -> Constraint | None:
    try:
        return build(values)
    except ValueError as error:
        source.problem(f"{place}, constraint", str(error)[:200], "correct the value")
        return None


def _get(value: dict[str, Any], name: str) -> Any:
    return value.get(name, value.get(f"odrl:{name}"))


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {str(name).removeprefix("odrl:"): one for name, one in value.items()}


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _identify(value: Any) -> Any:
    """An identifier, however it is written."""
    if isinstance(value, dict):
        return next((value[key] for key in ("@id", "uid", "@value", "id", "odrl:uid") if key in value), str(value)[:80])
    return value


ODRL = Codec(
    "odrl", "ODRL Information Model 2.2, W3C Recommendation 15 February 2018", tuple(PARSERS), encode, decode, lambda preference: {}
)
