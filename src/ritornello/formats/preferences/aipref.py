"""IETF AI Preferences: the `Content-Usage` header of a response, and `Content-Usage` rules in robots.txt. No conditions can be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ritornello.domain.preference import NO, SILENT, YES, Preference, Statement, Subject, may_hold
from ritornello.formats.preferences import aipref_labels as words
from ritornello.formats.preferences.codec import Codec
from ritornello.formats.preferences.labels import Reading, explain, weigh
from ritornello.formats.preferences.source import Source, parse_location
from ritornello.formats.preferences.structured_fields import read_dictionary

MAX_ROBOTS_BYTES = 500 * 1024  # RFC 9309, section 2.5
TITLE = f"{words.VOCABULARY}, {words.ATTACHMENT}"


@dataclass(slots=True)
class _Group:
    """Rules for some crawlers."""

    agents: list[str]
    rules: list[tuple[str, dict[str, Statement]]] = field(default_factory=list)  # path, what is said about each purpose
    forbidden: list[str] = field(default_factory=list)  # paths that are not to be crawled
    open: bool = True  # further user-agent lines belong to it


def encode_header(preferences: Sequence[Preference]) -> bytes:
    (preference,) = preferences
    return f"{words.FIELD}: {_value(preference)}\r\n".encode("ascii")


def encode_robots(preferences: Sequence[Preference]) -> bytes:
    rules = [(one.subject.location or "/", value) for one in preferences if (value := _value(one))]
    return "".join(["User-Agent: *\nAllow: /\n", *(f"{words.FIELD}: {path} {value}\n" for path, value in rules)]).encode("ascii")


def decode_header(source: Source) -> list[Preference]:
    reading = Reading()
    for number, line in enumerate(source.text().splitlines(), 1):
        name, colon, value = line.partition(":")
        if not colon or name.strip().lower() != words.FIELD.lower():
            if line.strip():
                source.problem(None, f"is no {words.FIELD} field: {line[:60]!r}", f"write {words.FIELD}: {words.TRAIN.word}=n", row=number)
        else:
            for purpose, statement in _read_value(source, number, value).items():
                reading.take_purpose(purpose, statement)
    return [Preference(Subject(), reading.statements)]


def decode_robots(source: Source) -> list[Preference]:
    if len(source.data) > MAX_ROBOTS_BYTES:
        source.problem(None, "is larger than 500 KiB, beyond which crawlers may stop reading", "shorten it")
        return []
    groups = _read_groups(source)
    paths = sorted({path for group in groups for path, _ in group.rules}, key=lambda path: (-len(path), path))
    found = []
    for path in paths:
        reading = Reading()
        for group in groups:
            said = _said(group, path)
            for purpose in {purpose for other in groups for purpose in _said(other, path)}:
                statement = said.get(purpose)
                if statement == YES and not any(may_hold(forbidden, path) for forbidden in group.forbidden):
                    reading.take_purpose(purpose, YES)
                elif statement == NO:
                    reading.take_purpose(purpose, NO)
                    if any(rule == path and said.get(purpose) == YES for rule, said in group.rules):
                        source.foreign(f"{path} says yes to {purpose} inside a wider path that says no: it is read as a no", purpose)
                else:
                    source.foreign(
                        f"{path} has a yes for {purpose} that doesn't hold for every crawler or path: it is read as a no", purpose
                    )
                    reading.take_purpose(purpose, NO)
        found.append(Preference(Subject(location=path), reading.statements))
    return found


def _value(preference: Preference) -> str:
    said = {label.word: weigh(preference, label) for label in words.LABELS}
    return ", ".join(f"{word}={words.YES if said[word] == YES else words.NO}" for word in said if said[word].use != SILENT)


def _read_value(source: Source, row: int, text: str) -> dict[str, Statement]:
    try:
        if not text.isascii():
            raise ValueError("has characters outside ASCII")
        found = read_dictionary(text.strip())
    except ValueError as error:
        source.problem(
            words.FIELD, f"{text.strip()[:60]!r} is not a list of preferences: {error}", f"write {words.TRAIN.word}=n, …", row=row
        )
        return {}
    reading = Reading()
    for label in words.LABELS:
        if found.get(label.word) in (words.YES, words.NO):
            reading.take(label, YES if found[label.word] == words.YES else NO)
    for word, token in found.items():
        if word in words.RETIRED and token == words.NO:
            for purpose in words.RETIRED[word]:
                reading.take_purpose(purpose, NO)
        if word not in {label.word for label in words.LABELS}:
            meaning = "a retired label: only its no is kept" if word in words.RETIRED else "no purpose of ours and is not kept"
            source.foreign(f"`{word}={token or '…'}` is {meaning}")
        elif token not in (words.YES, words.NO):
            source.foreign(f"`{word}` is neither y nor n, so nothing is said by it")
    return reading.statements


def _read_groups(source: Source) -> list[_Group]:
    groups: list[_Group] = []
    for number, line in enumerate(source.text().splitlines(), 1):
        name, colon, value = line.split("#", 1)[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if colon and name == "user-agent":
            if not groups or not groups[-1].open:
                groups.append(_Group([]))
            groups[-1].agents.append(value)
        elif colon and name in {"allow", "disallow", words.FIELD.lower()}:
            if not groups:
                source.problem(name, "stands before any User-Agent line", "put User-Agent: * above it", row=number)
                groups.append(_Group(["*"]))
            groups[-1].open = False
            if name == "disallow" and value:
                groups[-1].forbidden.append(value)
            elif name == words.FIELD.lower():
                _take_rule(source, number, groups[-1], value)
    return groups


def _take_rule(source: Source, row: int, group: _Group, value: str) -> None:
    path, _, preferences = value.partition(" ") if value.startswith("/") else ("/", "", value)  # without a path: everything
    parsed = source.parse(words.FIELD, path, parse_location)
    if parsed:
        group.rules.append((parsed, _read_value(source, row, preferences)))


def _said(group: _Group, path: str) -> Mapping[str, Statement]:
    """What a group says about a path: its rules that may hold it, together."""
    reading = Reading()
    for rule, statements in group.rules:
        if may_hold(rule, path):
            for purpose, statement in statements.items():
                reading.take_purpose(purpose, statement)
    return reading.statements


def _explain(preference: Preference) -> dict[str, str]:
    return explain(preference, words.LABELS, ())


HEADER = Codec("aipref-header", TITLE, (), encode_header, decode_header, _explain)
ROBOTS = Codec("aipref-robots", TITLE, ("location",), encode_robots, decode_robots, _explain, required="location")
