"""Corrections (settlement.md): what need not change is kept, and the rest is told as differences."""

from collections.abc import Mapping
from dataclasses import dataclass

from ritornello_verify.apportion import apportion
from ritornello_verify.standing import StandingLine, StandingPool

Numerators = dict[str, dict[str, int]]
"""Payee → recording → weight × share."""
NO_LINE = StandingLine(0, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """A pool's name and currency, and the version of the terms it is under."""

    pool: str
    currency: str
    terms_version: int


@dataclass(frozen=True, slots=True)
class Delta:
    """What a correction changes in one line; what is not there is 0."""

    place: Place
    payee: str
    recording_id: str
    before: StandingLine
    after: StandingLine

    def find_units(self) -> int:
        return self.after.units - self.before.units

    def find_basis(self) -> str:
        return self.place.pool.rpartition("/")[2]


def stands(units: int, denominator: int, standing: StandingPool | None) -> bool:
    """Whether a pool stands with the same amount and the same denominator."""
    return standing is not None and (standing.units, standing.denominator) == (units, denominator)


def count_payees(payees: Mapping[str, object], standing: StandingPool | None) -> int:
    """A pool's payees, before and now together."""
    return len(payees.keys() | standing.lines.keys()) if standing else len(payees)


def keep_payees(units: int, denominator: int, totals: dict[str, int], standing: StandingPool) -> dict[str, int] | None:
    """Amounts where payees with the same numerator keep theirs and the others share the rest; None when all are apportioned anew."""
    if not stands(units, denominator, standing):
        return None
    amounts = {
        payee: standing.find_units(payee)
        for payee, numerator in totals.items()
        if payee in standing.lines and standing.find_numerator(payee) == numerator
    }
    others = {payee: numerator for payee, numerator in totals.items() if payee not in amounts}
    left = units - sum(amounts.values())
    if others:
        if left < 0:
            return None
        amounts |= apportion(left, others)
    elif left:
        return None
    limit = denominator * (1 + count_payees(totals, standing))
    if any(abs(amount * denominator - units * totals[payee]) >= limit for payee, amount in amounts.items()):
        return None
    return amounts


def keeps_lines(payee: str, units: int, numerators: dict[str, int], standing: StandingPool) -> bool:
    """Whether a payee's amount and the numerators of all its lines are the same."""
    before = {recording_id: line.numerator for recording_id, line in standing.lines.get(payee, {}).items()}
    return before == numerators and standing.find_units(payee) == units


def find_deltas(place: Place, lines: dict[tuple[str, str], StandingLine], standing: StandingPool | None) -> list[Delta]:
    """`lines`: (payee, recording) → as it is now. In any order."""
    before = {
        (payee, recording_id): line for payee, own in (standing.lines if standing else {}).items() for recording_id, line in own.items()
    }
    return [
        Delta(place, *key, before.get(key, NO_LINE), lines.get(key, NO_LINE))
        for key in lines.keys() | before.keys()
        if lines.get(key) != before.get(key)
    ]
