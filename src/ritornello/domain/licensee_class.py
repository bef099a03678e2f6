"""Classes of licensees: what a rights holder grants before the licensee is known, and when a programme falls under it.

The rule is docs/formats/licensee-class.md. A class document's demands are checked one by one; whatever a programme does not plainly meet is an obstacle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ritornello.domain.consent import CLASS, Footing, Terms
from ritornello.domain.money import digits_of, format_units
from ritornello.domain.programme import Income, Programme


@dataclass(frozen=True, slots=True)
class LicenseeClass:
    """A class document. `sha256` is the hash of the file's bytes: the terms that class grants bind to."""

    class_id: str
    version: int
    title: str
    summary: str  # for rights holders, in plain words
    licensors: tuple[str, ...]
    licensees: tuple[str, ...]  # empty: any that is admitted
    purposes: tuple[str, ...]
    territory: str
    valid_from: date
    valid_to: date
    licences: tuple[str, ...]  # empty: any
    objection_days: int
    notice_days: int  # a programme's is at most this …
    tail_days: int  # … its tail at least this
    quorum: Mapping[str, int]  # lane → share (ppm) that must agree at least
    lanes: Mapping[str, int]  # lane → ppm of each pool at least
    rate_ppm: int  # of revenue, at least
    amounts: Mapping[str, int]  # currency → units a period at least
    max_error_ppm: int | None  # of attribution that divides money, at most
    unattributed: tuple[str, ...]  # rules that are allowed; empty: any
    sha256: str

    @property
    def scope(self) -> str:
        """What events name it by in place of a programme."""
        return CLASS + self.class_id

    def terms(self) -> Terms:
        """What it asks of consent, as if it were a programme: who has agreed to the class, and who is missing."""
        return Terms(self.scope, self.sha256, self.purposes, self.territory, self.quorum, self.notice_days, self.tail_days)


@dataclass(frozen=True, slots=True)
class Admission:
    """One version of a programme belongs to a class, said the operator, for a reason."""

    admission_id: str
    class_id: str
    class_sha256: str
    programme_id: str
    programme_sha256: str
    basis: str  # why
    valid_from: date
    valid_to: date | None  # last day, or open
    recorded_at_us: int
    ended_from: date | None = None  # first day on which it no longer counts …
    ended_at_us: int | None = None  # … and when that was recorded

    def in_force(self, day: date, known_at_us: int) -> bool:
        """On a day, as known at a moment."""
        ended = self.ended_from is not None and self.ended_at_us is not None and self.ended_at_us <= known_at_us and self.ended_from <= day
        return (
            self.recorded_at_us <= known_at_us and self.valid_from <= day and (self.valid_to is None or day <= self.valid_to) and not ended
        )

    def earliest(self, objection_days: int) -> date:
        """The first day on which it may count: rights holders have had so many days to object."""
        return datetime.fromtimestamp(self.recorded_at_us / 1_000_000, UTC).date() + timedelta(days=objection_days)


def find_shortfalls(found: LicenseeClass, programme: Programme) -> list[str]:
    """Every demand of a class document that a programme doesn't meet, in a sentence each; none: it meets the document."""
    return [
        *_compare_parties(found, programme),
        *_compare_licence(found, programme),
        *_compare_quorum(found, programme),
        *_compare_money(found, programme),
    ]


def find_footings(
    programme: Programme, documents: Mapping[str, LicenseeClass], admissions: Iterable[Admission], day: date, known_at_us: int
) -> tuple[Footing, ...]:
    """How a programme stands in each class that it names: with every obstacle, or none. `documents` by hash."""
    admitted = list(admissions)
    return tuple(
        Footing(class_id, sha256, tuple(_find_obstacles(programme, class_id, documents.get(sha256), admitted, day, known_at_us)))
        for class_id, sha256 in sorted(programme.classes.items())
    )


def _find_obstacles(
    programme: Programme, class_id: str, found: LicenseeClass | None, admissions: Sequence[Admission], day: date, known_at_us: int
) -> list[str]:
    if found is None or found.class_id != class_id:
        return [f"there is no document of the class {class_id} with the hash that the programme names"]
    obstacles = find_shortfalls(found, programme)
    if not found.valid_from <= day <= found.valid_to:
        obstacles.append(f"the class holds from {found.valid_from} to {found.valid_to}")
    named = (class_id, found.sha256, programme.programme_id, programme.sha256)
    own = [
        one for one in admissions if (one.class_id, one.class_sha256, one.programme_id, one.programme_sha256) == named
    ]  # another version of either needs its own
    if not any(one.in_force(day, known_at_us) and one.earliest(found.objection_days) <= one.valid_from for one in own):
        obstacles.append(f"this version of {programme.programme_id} is not admitted to the class on {day}")
    return obstacles


def _compare_parties(found: LicenseeClass, programme: Programme) -> list[str]:
    shortfalls = []
    if programme.licensor not in found.licensors:
        shortfalls.append(f"licensor is {programme.licensor!r}, and must be one of {_list(found.licensors)}")
    if found.licensees and programme.licensee not in found.licensees:
        shortfalls.append(f"licensee is {programme.licensee!r}, and must be one of {_list(found.licensees)}")
    return shortfalls


def _compare_licence(found: LicenseeClass, programme: Programme) -> list[str]:
    shortfalls = []
    if beyond := [purpose for purpose in programme.purposes if purpose not in found.purposes]:
        shortfalls.append(f"purposes has {', '.join(beyond)}, and may only have {', '.join(found.purposes)}")
    if found.territory not in {"WW", programme.territory}:
        shortfalls.append(f"territory is {programme.territory}, and must be {found.territory}")
    if not found.valid_from <= programme.valid_from <= programme.valid_to <= found.valid_to:
        shortfalls.append(
            f"its term is {programme.valid_from} to {programme.valid_to}, and must lie within {found.valid_from} to {found.valid_to}"
        )
    if found.licences and programme.licence not in found.licences:
        shortfalls.append(f"licence is {programme.licence!r}, and must be one of {_list(found.licences)}")
    if programme.notice_days > found.notice_days:
        shortfalls.append(f"notice_days is {programme.notice_days}, and may be at most {found.notice_days}")
    if programme.tail_days < found.tail_days:
        shortfalls.append(f"tail_days is {programme.tail_days}, and must be at least {found.tail_days}")
    return shortfalls


def _compare_quorum(found: LicenseeClass, programme: Programme) -> list[str]:
    return [
        f"quorum.{lane} asks {programme.quorum.get(lane, 0):,} ppm to agree, and must ask at least {share:,}"
        for lane, share in sorted(found.quorum.items())
        if programme.quorum.get(lane, 0) < share
    ]


def _compare_money(found: LicenseeClass, programme: Programme) -> list[str]:
    shortfalls = [
        f"lanes.{lane} of {income.name} is {income.lanes.get(lane, 0):,} ppm, and must be at least {ppm:,}"
        for income in programme.incomes
        for lane, ppm in sorted(found.lanes.items())
        if income.lanes.get(lane, 0) < ppm
    ]
    rate_ppm = sum(income.rate_ppm or 0 for income in programme.incomes if not income.products and not income.model_versions)
    if rate_ppm < found.rate_ppm:
        shortfalls.append(f"its rates of revenue total {rate_ppm:,} ppm, and must total at least {found.rate_ppm:,}")
    for currency, units in sorted(found.amounts.items()):
        own = sum(_sure_units(income) for income in programme.incomes if income.currency == currency)
        if own < units:
            digits = digits_of(currency)
            shortfalls.append(
                f"its amounts and minimums in {currency} total {format_units(own, digits)}, and must total at least {format_units(units, digits)}"
            )
    for income in programme.incomes:
        shortfalls += _compare_attribution(found, income)
    return shortfalls


def _compare_attribution(found: LicenseeClass, income: Income) -> list[str]:
    shortfalls: list[str] = []
    if income.max_error_ppm is None:
        return shortfalls
    if found.max_error_ppm is not None and income.max_error_ppm > found.max_error_ppm:
        shortfalls.append(f"max_error_ppm of {income.name} is {income.max_error_ppm:,}, and may be at most {found.max_error_ppm:,}")
    if found.unattributed and income.unattributed not in found.unattributed:
        shortfalls.append(f"unattributed of {income.name} is {income.unattributed!r}, and must be one of {_list(found.unattributed)}")
    return shortfalls


def _list(words: Iterable[str]) -> str:
    return ", ".join(repr(word) for word in words)


def _sure_units(income: Income) -> int:
    """What an income brings every period at least."""
    return (income.minimum_units or 0) + (income.amount_units or 0 if income.period_id is None else 0)
