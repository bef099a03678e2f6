"""What stands of the settlement that a correction corrects (period-folder.md, previous_…)."""

from collections import defaultdict
from dataclasses import dataclass, field

from ritornello_verify.bundle import Bundle
from ritornello_verify.reading import Values
from ritornello_verify.report import Malformed, show

RECEIPTS = "period/previous_receipts.jsonl"
POOLS = "period/previous_pools.jsonl"
ALLOCATIONS = "period/previous_allocations.jsonl"


@dataclass(frozen=True, slots=True)
class StandingLine:
    numerator: int
    units: int


@dataclass(frozen=True, slots=True)
class StandingPool:
    """`lines`: payee → recording → line."""

    income: str
    currency: str
    units: int
    denominator: int
    terms_version: int
    lines: dict[str, dict[str, StandingLine]]

    def find_numerator(self, payee: str) -> int:
        return sum(line.numerator for line in self.lines.get(payee, {}).values())

    def find_units(self, payee: str) -> int:
        return sum(line.units for line in self.lines.get(payee, {}).values())


@dataclass(frozen=True, slots=True)
class Standing:
    """`receipts`: rows with the columns of receipts.jsonl."""

    receipts: list[Values] = field(default_factory=list)
    pools: dict[str, StandingPool] = field(default_factory=dict)


def load_standing(bundle: Bundle, is_correction: bool) -> Standing | None:
    """None of a settlement that corrects nothing, whose three tables must be empty."""
    lines: dict[str, dict[str, dict[str, StandingLine]]] = defaultdict(lambda: defaultdict(dict))
    for row in bundle.read_rows(ALLOCATIONS):
        line = StandingLine(int(row.values["numerator"]), int(row.values["amount_units"]))
        lines[row.values["pool"]][row.values["payee"]][row.values["recording_id"]] = line
    pools = {
        row.values["pool"]: StandingPool(
            income=row.values["income"],
            currency=row.values["currency"],
            units=int(row.values["amount_units"]),
            denominator=int(row.values["denominator"]),
            terms_version=row.values["terms_version"],
            lines=dict(lines.pop(row.values["pool"], {})),
        )
        for row in bundle.read_rows(POOLS)
    }
    if lines:
        raise Malformed(ALLOCATIONS, f"pool {show(min(lines))} is not in previous_pools.jsonl")
    receipts = [row.values for row in bundle.read_rows(RECEIPTS)]
    if is_correction:
        return Standing(receipts, pools)
    if receipts or pools:
        raise Malformed(RECEIPTS if receipts else POOLS, "has rows, but period.json corrects nothing")
    return None
