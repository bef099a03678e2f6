"""Steps 4–6 of settlement.md: the weights of a pool's recordings, their split sets, and the lines."""

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from ritornello_verify.apportion import apportion
from ritornello_verify.claims import SplitSet, split
from ritornello_verify.kinds import WHOLE_SHARE
from ritornello_verify.period import Period
from ritornello_verify.programme import ATTRIBUTION, RESERVE
from ritornello_verify.receipts import ANY_MODEL, Pool, Uses
from ritornello_verify.report import Malformed, show

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
    uses: Uses
    sets: dict[SetKey, SplitSet] = field(default_factory=dict)

    def allocate(self, pool: Pool) -> Allocation:
        """Step 6: first among payees, then each payee's amount among their recordings."""
        if pool.basis.endswith(f"-{RESERVE}"):
            return Allocation(pool, WHOLE_SHARE, 0, [Line(HELD_RESERVE, "", 1, WHOLE_SHARE, pool.units)])
        weights = self.weigh(pool)
        numerators: dict[str, dict[str, int]] = defaultdict(dict)
        shares: dict[tuple[str, str], int] = {}
        for recording_id, weight in weights.items():
            for share in self.find_set(recording_id, pool).shares:
                if share.share_e8:
                    numerators[share.payee][recording_id] = weight * share.share_e8
                    shares[share.payee, recording_id] = share.share_e8
        amounts = apportion(pool.units, {payee: sum(own.values()) for payee, own in numerators.items()})
        lines: list[Line] = []
        for payee in sorted(numerators):
            parts = apportion(amounts[payee], numerators[payee])
            lines += [
                Line(payee, recording_id, weights[recording_id], shares[payee, recording_id], parts[recording_id])
                for recording_id in sorted(parts)
            ]
        return Allocation(pool, sum(weights.values()) * WHOLE_SHARE, len(weights), lines)

    def weigh(self, pool: Pool) -> dict[str, int]:
        """Step 4: recordings with a weight above nothing."""
        model_version = pool.receipt.model_version
        if pool.basis == ATTRIBUTION:
            weights = self.uses[model_version, pool.receipt.territory].recordings
        elif model_version == ANY_MODEL:
            weights = defaultdict(int)
            for recordings in self.period.exposure.values():
                for recording_id, milliseconds in recordings.items():
                    weights[recording_id] += milliseconds
        else:
            weights = self.period.exposure.get(model_version, {})
        found = {recording_id: weight for recording_id, weight in weights.items() if weight > 0}
        if not found:
            raise Malformed(
                "period/exposure.jsonl", f"pool {show(pool.name)} has no recording with a weight, so the folder must be refused"
            )
        return found

    def find_set(self, recording_id: str, pool: Pool) -> SplitSet:
        """Step 5."""
        key = recording_id, pool.lane, pool.receipt.territory
        if key not in self.sets:
            header = self.period.header
            claims = self.period.claims.select(recording_id, pool.lane, header.known_at_us, header.last_day)
            self.sets[key] = split(claims, pool.receipt.territory)
        return self.sets[key]


def make_line_id(settlement_id: str, pool: str, payee: str, recording_id: str) -> str:
    """Step 6: the first 16 hex digits of a SHA-256."""
    return sha256("\n".join((settlement_id, pool, payee, recording_id)).encode()).hexdigest()[:16]
