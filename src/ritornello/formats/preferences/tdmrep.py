"""TDM Reservation Protocol (W3C Community Group Final Report, 10 May 2024): tdmrep.json, response headers, HTML meta elements. One yes or no, and a policy's address."""

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import rfc8785

from ritornello.domain.consent import PURPOSES
from ritornello.domain.preference import NO, SILENT, YES, Constraint, Preference, Statement, Subject, constrain
from ritornello.formats.preferences.codec import Codec
from ritornello.formats.preferences.labels import Label, Reading, explain, weigh
from ritornello.formats.preferences.source import Source, parse_location, parse_url
from ritornello.formats.preferences.xml import render

RESERVATION, POLICY = "tdm-reservation", "tdm-policy"
MINING = Label(f"{RESERVATION}: 0", PURPOSES, ("data_mining",))  # "not reserved" leaves all mining free, and what is mined for is not asked
TITLE = "TDM Reservation Protocol, W3C Community Group Final Report, 10 May 2024"


def encode_json(preferences: Sequence[Preference]) -> bytes:
    return rfc8785.dumps([{"location": one.subject.location, **_pair(one)} for one in preferences if _pair(one)]) + b"\n"


def encode_headers(preferences: Sequence[Preference]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in _pair(preferences[0]).items()).encode()


def encode_html(preferences: Sequence[Preference]) -> bytes:
    pair = _pair(preferences[0])
    return "".join(render("meta", {"name": name, "content": str(value)}).replace("/>", ">\n") for name, value in pair.items()).encode()


def decode_json(source: Source) -> list[Preference]:
    rules = source.json()
    if source.problems:
        return []
    if not isinstance(rules, list):
        source.problem(None, "is not a list of rules", "write [ … ]")
        return []
    found = []
    for number, rule in enumerate(rules, 1):
        if not isinstance(rule, dict):
            source.problem(f"rule {number}", "is not an object", "write { … }")
            continue
        location = source.parse(f"rule {number}, location", rule.get("location"), _parse_place)
        statements = _read_pair(source, f"rule {number}, ", rule)
        for name in sorted(set(rule) - {"location", RESERVATION, POLICY}):
            source.foreign(f"rule {number} has {name[:60]!r}, which is not kept")
        if location:
            found.append(Preference(Subject(location=location), statements))
    return found


def decode_headers(source: Source) -> list[Preference]:
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(source.text().splitlines(), 1):
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() in (RESERVATION, POLICY):
            pairs.append((name.strip().lower(), value.strip()))
        elif not colon and line.strip() and not line.startswith("HTTP/"):
            source.problem(None, f"is no header field: {line[:60]!r}", f"write {RESERVATION}: 1", row=number)
    return _carried(source, pairs)


def decode_html(source: Source) -> list[Preference]:
    page = _Page()
    page.feed(source.text())
    return _carried(source, page.pairs)


class _Page(HTMLParser):
    """The two meta elements, wherever they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        name = (values.get("name") or "").strip().lower()
        if tag == "meta" and name in (RESERVATION, POLICY):
            self.pairs.append((name, (values.get("content") or "").strip()))


def _carried(source: Source, pairs: Sequence[tuple[str, str]]) -> list[Preference]:
    """One record about the carrier; of several values the strictest counts."""
    reservations = [value for name, value in pairs if name == RESERVATION]
    policies = {value for name, value in pairs if name == POLICY}
    if not reservations:
        if pairs:
            source.problem(RESERVATION, "is missing", f"write {RESERVATION} with 1 or 0")
        return [Preference(Subject(), {})]
    strictest = next((value for value in reservations if value != "0"), "0")
    if len(set(reservations)) > 1 or len(policies) > 1:
        source.foreign("it contradicts itself: the reservation counts, and no policy")
        return [Preference(Subject(), _read_pair(source, "", {RESERVATION: strictest if strictest == "0" else "1"}))]
    return [Preference(Subject(), _read_pair(source, "", {RESERVATION: strictest, POLICY: next(iter(policies), None)}))]


def _pair(preference: Preference) -> dict[str, Any]:
    statement = weigh(preference, MINING, ["terms_url"])
    if statement.use == SILENT:
        return {}
    policy = statement.constraint.terms_url if statement.constraint else None
    return {RESERVATION: 0 if statement == YES else 1, **({POLICY: policy} if policy else {})}


def _read_pair(source: Source, place: str, pair: Mapping[str, Any]) -> dict[str, Statement]:
    """0: mining is free. 1: everything is reserved; with a policy, mining is free under its terms."""
    reservation, reading = str(pair.get(RESERVATION)), Reading()
    if reservation not in ("0", "1") or isinstance(pair.get(RESERVATION), bool | float):
        source.problem(f"{place}{RESERVATION}", f"{reservation[:40]!r} is neither 0 nor 1", "write 1 to reserve, 0 not to")
        return {}
    policy = source.parse(f"{place}{POLICY}", pair[POLICY], parse_url) if pair.get(POLICY) is not None else None
    if reservation == "0":
        if policy:
            source.foreign(
                f"{place}a policy ({policy}) stands beside a right that is not reserved: it is read as a condition", "data_mining"
            )
        reading.take(MINING, constrain(Constraint(terms_url=policy)) if policy else YES)
        return reading.statements
    reading.take(MINING, NO)
    return {**reading.statements, **({"data_mining": constrain(Constraint(terms_url=policy))} if policy else {})}


def _parse_place(text: str) -> str:
    return parse_location(text if text.startswith(("/", "http")) else f"/{text}")


def _explain(preference: Preference) -> dict[str, str]:
    return explain(preference, [MINING], ["terms_url"])


JSON = Codec("tdmrep-json", TITLE, ("location",), encode_json, decode_json, _explain, required="location")
HEADERS = Codec("tdmrep-headers", TITLE, (), encode_headers, decode_headers, _explain)
HTML = Codec("tdmrep-html", TITLE, (), encode_html, decode_html, _explain)
