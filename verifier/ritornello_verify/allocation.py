"""Steps 5 and 6 of settlement.md: the split sets of a pool's recordings, and the lines."""

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from ritornello_verify.apportion import apportion
from ritornello_verify.claims import SplitSet, split
from ritornello_verify.correction import Numerators, keep_payees, keeps_lines
from ritornello_verify.incomes import RESERVE
from ritornello_verify.kinds import WHOLE_SHARE
from ritornello_verify.period import Period
from ritornello_verify.pools import Pool
from ritornello_verify.standing import StandingPool
from ritornello_verify.weights import Scales

HELD_RESERVE = "held:reserve"

SetKey = tuple[str, str, str]
"""Recording, lane, territory."""


@dataclass(frozen=True, slots=True)
class Line:
    """One payee's part of one recording's part of a pool, in ledger units."""

    payee: str
    recording_id: str
    weight: int
    share_e8: int
    units: int

    def find_numerator(self) -> int:
        return self.weight * self.share_e8


@dataclass(frozen=True, slots=True)
class Allocation:
    """A pool divided: lines ascending by payee and recording."""

    pool: Pool
    denominator: int
    recordings: int
    lines: list[Line]

    def sum_payees(self) -> dict[str, int]:
        """Payee → units, ascending by payee."""
        totals: dict[str, int] = {}
        for line in self.lines:
            totals[line.payee] = totals.get(line.payee, 0) + line.units
        return totals


@dataclass
class Allocator:
    """Divides pools, keeping each split set once."""

    period: Period
    scales: Scales
    sets: dict[SetKey, SplitSet] = field(default_factory=dict)

    def allocate(self, pool: Pool) -> Allocation:
        """Step 6: first among payees, then each payee's amount among their recordings."""
        release = self.period.programme.release if self.period.is_released() else None
        if pool.find_rule() != RESERVE:
            weights = self.scales.weigh(pool.name, pool.find_rule(), pool.part)
        else:
            found = self.scales.weigh_training(release.reserve, pool.part) if release and release.reserve else {}
            weights = {name: weight for name, weight in found.items() if weight}
            if not weights:
                return self.hold(pool)
        if release is not None:
            weights = {name: weight for name, weight in weights.items() if self.judge(name, pool).status != "unclaimed"} or weights
        numerators: Numerators = defaultdict(dict)
        shares: dict[tuple[str, str], int] = {}
        for recording_id, weight in weights.items():
            for share in self.find_set(recording_id, pool).shares:
                if share.share_e8:
                    numerators[share.payee][recording_id] = weight * share.share_e8
                    shares[share.payee, recording_id] = share.share_e8
        denominator = sum(weights.values()) * WHOLE_SHARE
        standing = self.find_standing(pool.name)
        amounts = divide_payees(pool, denominator, numerators, standing)
        lines: list[Line] = []
        for payee in sorted(numerators):
            parts = divide_recordings(payee, amounts[payee], numerators[payee], standing)
            lines += [
                Line(payee, recording_id, weights[recording_id], shares[payee, recording_id], parts[recording_id])
                for recording_id in sorted(parts)
            ]
        return Allocation(pool, denominator, len(weights), lines)

    def hold(self, pool: Pool) -> Allocation:
        return Allocation(pool, WHOLE_SHARE, 0, [Line(HELD_RESERVE, "", 1, WHOLE_SHARE, pool.units)])

    def find_standing(self, name: str) -> StandingPool | None:
        """What stands of a pool; None when nothing does, or nothing is corrected."""
        return None if self.period.standing is None else self.period.standing.pools.get(name)

    def find_set(self, recording_id: str, pool: Pool) -> SplitSet:
        """Step 5."""
        key = recording_id, pool.lane, pool.part.territory
        if key not in self.sets:
            self.sets[key] = self.judge(recording_id, pool)
        return self.sets[key]

    def judge(self, recording_id: str, pool: Pool) -> SplitSet:
        """A split set, whether the pool uses it or not."""
        claims = self.period.claims
        own = claims.select(recording_id, pool.lane, self.period.find_known(), self.period.header.last_day)
        return split(own, pool.part.territory, claims.disputed, self.period.is_released())


def divide_payees(pool: Pool, denominator: int, numerators: Numerators, standing: StandingPool | None) -> dict[str, int]:
    totals = {payee: sum(own.values()) for payee, own in numerators.items()}
    kept = None if standing is None else keep_payees(pool.units, denominator, totals, standing)
    return apportion(pool.units, totals) if kept is None else kept


def divide_recordings(payee: str, units: int, numerators: dict[str, int], standing: StandingPool | None) -> dict[str, int]:
    if standing is not None and keeps_lines(payee, units, numerators, standing):
        return {recording_id: line.units for recording_id, line in standing.lines[payee].items()}
    return apportion(units, numerators)


def make_line_id(settlement_id: str, pool: str, payee: str, recording_id: str) -> str:
    """Step 6: the first 16 hex digits of a SHA-256."""
    return sha256("\n".join((settlement_id, pool, payee, recording_id)).encode()).hexdigest()[:16]
