"""What a rights holder allows: one record per subject, purpose by purpose, with an order "at most as permissive as". What nobody said is a no."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date

from ritornello.domain.consent import PURPOSES

# The first three are CAWG's words; the last means that nothing was said.
ALLOWED, NOT_ALLOWED, CONSTRAINED, SILENT = "allowed", "notAllowed", "constrained", "silent"
USES = (ALLOWED, NOT_ALLOWED, CONSTRAINED, SILENT)
NAMES = ("asset_id", "recording_id", "isrc", "iscc", "location")


@dataclass(frozen=True, slots=True)
class Subject:
    """The names of one thing: whatever bears one of them is meant. Without a name: whatever carries the statement (a file, a response, a page)."""

    asset_id: str | None = None
    recording_id: str | None = None
    isrc: str | None = None
    iscc: str | None = None  # ISO 24138
    location: str | None = None  # URL, or path pattern with RFC 9309's `*` and `$`

    def names(self) -> dict[str, str]:
        return {name: value for name in NAMES if (value := getattr(self, name)) is not None}

    def keep(self, names: Iterable[str]) -> "Subject":
        """The same thing under these names only: fewer names never mean more things."""
        return Subject(**{name: value for name, value in self.names().items() if name in names})

    def overlaps(self, other: "Subject") -> bool:
        """True when something may be meant by both: a shared name, or this location's pattern may hold the other's."""
        mine, others = self.names(), other.names()
        if not mine and not others:
            return True
        if any(others.get(name) == value for name, value in mine.items()):
            return True
        return bool(self.location and other.location and may_hold(self.location, other.location))

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.names().items()) or "whatever carries it"


@dataclass(frozen=True, slots=True)
class Constraint:
    """Conditions that must all hold. What is left open binds nobody, but a constraint without any condition is a condition that nobody knows: a no."""

    licensee: str | None = None  # this one only
    licensee_classes: tuple[str, ...] = ()  # any of these
    territories: tuple[str, ...] = ()  # any of these countries
    valid_from: date | None = None
    valid_to: date | None = None  # last day
    terms_sha256: str | None = None  # only who has accepted these terms …
    terms_url: str | None = None  # … and those found here

    def conditions(self) -> dict[str, object]:
        """Condition → value, for those that are set."""
        return {item.name: value for item in fields(self) if (value := getattr(self, item.name)) not in (None, ())}


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said about one purpose."""

    use: str  # one of USES
    constraint: Constraint | None = None  # when constrained

    def __post_init__(self) -> None:
        assert self.use in USES and (self.constraint is None) == (self.use != CONSTRAINED), self

    @property
    def permits_something(self) -> bool:
        return self.use == ALLOWED or (self.constraint is not None and bool(self.constraint.conditions()))


YES, NO, NOTHING, UNKNOWN = Statement(ALLOWED), Statement(NOT_ALLOWED), Statement(SILENT), Statement(CONSTRAINED, Constraint())


@dataclass(frozen=True, slots=True)
class Preference:
    """Statements about one subject; a purpose without one is silent."""

    subject: Subject
    statements: Mapping[str, Statement]

    def says(self, purpose: str) -> Statement:
        return self.statements.get(purpose, NOTHING)


@dataclass(frozen=True, slots=True)
class Question:
    """May this be used: by whom, where, when, having accepted which terms?"""

    purpose: str
    subject: Subject
    territory: str
    day: date
    licensee: str | None = None
    licensee_classes: frozenset[str] = frozenset()
    accepted_terms: frozenset[str] = field(default_factory=frozenset)  # hashes and URLs


def constrain(constraint: Constraint) -> Statement:
    return Statement(CONSTRAINED, constraint)


def permits(preferences: Sequence[Preference], question: Question) -> bool:
    """True when at least one record is about the subject and every one that is says yes. Silence, and conditions that nobody knows, are a no."""
    said = [one.says(question.purpose) for one in preferences if one.subject.overlaps(question.subject)]
    return bool(said) and all(_answer(statement, question) for statement in said)


def at_most(statement: Statement, other: Statement) -> bool:
    """The order: True when whatever `statement` permits, `other` permits too. A no, silence and unknown conditions are its bottom, a yes its top."""
    if not statement.permits_something or other.use == ALLOWED:
        return True
    if statement.use == ALLOWED or not other.permits_something:
        return False
    assert statement.constraint and other.constraint
    mine, outer = statement.constraint, other.constraint
    return (
        all(getattr(outer, name) in (None, getattr(mine, name)) for name in ("licensee", "terms_sha256", "terms_url"))
        and all(_within(getattr(mine, name), getattr(outer, name)) for name in ("licensee_classes", "territories"))
        and (outer.valid_from is None or (mine.valid_from is not None and mine.valid_from >= outer.valid_from))
        and (outer.valid_to is None or (mine.valid_to is not None and mine.valid_to <= outer.valid_to))
    )


def meet(statements: Iterable[Statement]) -> Statement:
    """The most permissive statement that is at most as permissive as each: all conditions together; a no where they can't be. Silence only where all are silent."""
    result: Statement | None = None
    for statement in statements:
        result = statement if result is None else _meet(result, statement)
    return NOTHING if result is None else result


def meet_overlapping(preferences: Sequence[Preference]) -> list[Preference]:
    """Each record with what every other record about the same thing says taken into it: then any of them may be read alone."""
    bearers: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(preferences):
        for key in _keys(one.subject):
            bearers.setdefault(key, []).append(number)
    found = []
    for one in preferences:
        text = _literal(one.subject.location or "")
        keys = [*_keys(one.subject), *(("begins", text[:end]) for end in range(len(text) + 1) if one.subject.location)]
        about = [preferences[number] for number in sorted({number for key in keys for number in bearers.get(key, ())})]
        found.append(Preference(one.subject, {purpose: meet(other.says(purpose) for other in about) for purpose in PURPOSES}))
    return found


def may_hold(pattern: str, other: str) -> bool:
    """True when a place that matches `other` may match `pattern`, which is not the longer one: the text before the first wildcard begins the other's."""
    return _literal(other).startswith(_literal(pattern))


def _keys(subject: Subject) -> list[tuple[str, str]]:
    """What two subjects about one thing have in common: a name, or for locations that one's text begins the other's."""
    begins = [("begins", _literal(subject.location))] if subject.location is not None else []
    return [*subject.names().items(), *begins] or [("", "")]


def _literal(pattern: str) -> str:
    return pattern.split("*", 1)[0].removesuffix("$")


def _meet(one: Statement, other: Statement) -> Statement:
    if one == other:
        return one
    if not (one.permits_something and other.permits_something):
        return NO
    if one.use == ALLOWED or other.use == ALLOWED:
        return other if one.use == ALLOWED else one
    assert one.constraint and other.constraint
    values: dict[str, object] = {}
    for name in ("licensee", "terms_sha256", "terms_url"):
        found = {value for value in (getattr(one.constraint, name), getattr(other.constraint, name)) if value is not None}
        if len(found) > 1:
            return NO
        values[name] = found.pop() if found else None
    for name in ("licensee_classes", "territories"):
        left, right = getattr(one.constraint, name), getattr(other.constraint, name)
        values[name] = tuple(value for value in left if value in right) if left and right else left or right
        if left and right and not values[name]:
            return NO
    begins = [day for day in (one.constraint.valid_from, other.constraint.valid_from) if day]
    ends = [day for day in (one.constraint.valid_to, other.constraint.valid_to) if day]
    first, last = max(begins, default=None), min(ends, default=None)
    if first and last and last < first:
        return NO
    return constrain(Constraint(**values, valid_from=first, valid_to=last))  # type: ignore[arg-type]


def _within(mine: Sequence[str], outer: Sequence[str]) -> bool:
    return not outer or (bool(mine) and set(mine) <= set(outer))


def _answer(statement: Statement, question: Question) -> bool:
    if statement.constraint is None or not statement.permits_something:
        return statement.use == ALLOWED
    limits = statement.constraint
    return (
        limits.licensee in (None, question.licensee)
        and (not limits.licensee_classes or bool(question.licensee_classes.intersection(limits.licensee_classes)))
        and (not limits.territories or question.territory in limits.territories)
        and (limits.valid_from is None or limits.valid_from <= question.day)
        and (limits.valid_to is None or question.day <= limits.valid_to)
        and all(terms is None or terms in question.accepted_terms for terms in (limits.terms_sha256, limits.terms_url))
    )
