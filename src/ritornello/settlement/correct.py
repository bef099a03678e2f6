"""Corrections: what a settled period comes to now, kept as it stands where nothing changed. docs/formats/settlement.md, Corrections."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ritornello.domain.money import apportion
from ritornello.domain.period import Period, StandingLine
from ritornello.settlement.allocate import Allocation, Line, allocate, name_line
from ritornello.settlement.pools import Pool

_Lines = Mapping[str, int]  # recording → something of one payee's line in one pool
_Payees = Mapping[str, _Lines]


@dataclass(frozen=True, slots=True)
class Delta:
    """A line before and after a correction; 0 on the side where it does not stand."""

    pool: str
    payee: str
    recording_id: str
    line_id: str
    before_numerator: int
    after_numerator: int
    before_units: int
    after_units: int

    @property
    def units(self) -> int:
        return self.after_units - self.before_units


@dataclass(frozen=True, slots=True)
class Amended:
    """A period as it stands after a correction, and what that changes."""

    allocation: Allocation
    kept: frozenset[str]  # pools that stand with the same units and denominator: amounts in them were kept where they could be
    deltas: Sequence[Delta]


def amend(period: Period, pools: Sequence[Pool], weights: Mapping[str, Mapping[str, int]]) -> Amended:
    """Divide every pool anew, keep what need not change, and find the differences to what stands."""
    allocation, kept = keep_standing(period, pools, allocate(period, pools, weights))
    return Amended(allocation, kept, find_deltas(period, allocation.lines))


def keep_standing(period: Period, pools: Sequence[Pool], allocation: Allocation) -> tuple[Allocation, frozenset[str]]:
    """The allocation with the amounts that need not change kept, and the names of the pools in which some were."""
    standing = _by_pool(period.previous_lines)
    before = {pool.pool: pool for pool in period.previous_pools}
    fresh = {name: list(group) for name, group in groupby(allocation.lines, key=lambda line: line.pool)}
    lines: list[Line] = []
    kept = set()
    for pool in pools:
        now = before.get(pool.name)
        if now is None or (now.units, now.denominator) != (pool.units, allocation.denominators[pool.name]):
            lines += fresh[pool.name]
            continue
        kept.add(pool.name)
        lines += _keep_pool(pool, fresh[pool.name], standing[pool.name])
    return replace(allocation, lines=lines), frozenset(kept)


def find_deltas(period: Period, lines: Sequence[Line]) -> list[Delta]:
    """Every line that differs from what stands, ascending by pool, payee and recording."""
    before = {(line.pool, line.payee, line.recording_id): line for line in period.previous_lines}
    after = {(line.pool, line.payee, line.recording_id): line for line in lines}
    found = []
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        numbers = (was.numerator if was else 0, now.numerator if now else 0, was.units if was else 0, now.units if now else 0)
        if was is None or now is None or numbers[0] != numbers[1] or numbers[2] != numbers[3]:
            found.append(Delta(*key, name_line(period.settlement_id, *key), *numbers))
    return found


def _keep_pool(pool: Pool, fresh: Sequence[Line], standing: Sequence[StandingLine]) -> list[Line]:
    """The pool's lines with the amounts of unchanged payees kept; the others share what is left."""
    was_numerators, was_units = _by_payee(standing, "numerator"), _by_payee(standing, "units")
    numerators = _by_payee(fresh, "numerator")
    totals = {payee: sum(lines.values()) for payee, lines in numerators.items()}
    amounts = {
        payee: sum(was_units[payee].values())
        for payee, total in totals.items()
        if payee in was_numerators and sum(was_numerators[payee].values()) == total
    }
    changed = {payee: total for payee, total in totals.items() if payee not in amounts}
    if changed:
        amounts |= apportion(pool.units - sum(amounts.values()), changed)
    if not _within_bound(pool.units, totals, amounts, len({*totals, *was_numerators})):
        amounts = apportion(pool.units, totals)
    units = {}
    for payee, lines in numerators.items():
        stays = payee in was_numerators and amounts[payee] == sum(was_units[payee].values()) and dict(lines) == dict(was_numerators[payee])
        units[payee] = was_units[payee] if stays else apportion(amounts[payee], lines)
    return [replace(line, units=units[line.payee][line.recording_id]) for line in fresh]


def _within_bound(pool_units: int, numerators: _Lines, amounts: _Lines, payees: int) -> bool:
    """Kept amounts drift from their exact value by less than 1 + the number of payees."""
    denominator = sum(numerators.values())
    return all(abs(amounts[payee] * denominator - pool_units * n) < (1 + payees) * denominator for payee, n in numerators.items())


def _by_pool(lines: Sequence[StandingLine]) -> Mapping[str, list[StandingLine]]:
    found: dict[str, list[StandingLine]] = defaultdict(list)
    for line in lines:
        found[line.pool].append(line)
    return found


def _by_payee(lines: Sequence[Line] | Sequence[StandingLine], field: str) -> _Payees:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for line in lines:
        found[line.payee][line.recording_id] = getattr(line, field)
    return found
