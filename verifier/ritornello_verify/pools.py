"""Steps 2 and 3 of settlement.md: parts over lanes, and each on its basis."""

from collections.abc import Iterator
from dataclasses import dataclass

from ritornello_verify.apportion import apportion
from ritornello_verify.heard import Ear, Heard
from ritornello_verify.incomes import ANY_MODEL, ATTRIBUTION, HEARD
from ritornello_verify.period import UNATTRIBUTED, Period
from ritornello_verify.receipts import Part
from ritornello_verify.report import Malformed, show

LINEAGE = "lineage"


@dataclass(frozen=True, slots=True)
class Pool:
    """The part of a part that one lane gets on one basis, in ledger units."""

    name: str
    part: Part
    lane: str
    basis: str
    reason: str
    units: int

    def find_rule(self) -> str:
        """The rule its recordings weigh by: `exposure` of `lineage-exposure`."""
        return self.basis.rpartition("-")[2]


def find_pools(period: Period, parts: list[Part], ear: Ear) -> list[Pool]:
    """Ascending by name."""
    pools: list[Pool] = []
    for part in parts:
        for lane, units in apportion(part.units, part.income.lanes).items():
            pools += divide_lane(period, part, lane, units, ear)
    return sorted(pools, key=lambda pool: pool.name)


def divide_lane(period: Period, part: Part, lane: str, units: int, ear: Ear) -> Iterator[Pool]:
    for basis, reason, own in find_bases(period, part, units, ear):
        if own:
            name = "/".join((name_income(period, part), part.model_version, part.currency, part.territory, lane, basis))
            yield Pool(name, part, lane, basis, reason, own)


def name_income(period: Period, part: Part) -> str:
    """The income, with the version of terms that are not the period's own."""
    version = part.terms.version
    return part.income.name if version == period.programme.version else f"{part.income.name}@{version}"


def find_bases(period: Period, part: Part, units: int, ear: Ear) -> list[tuple[str, str, int]]:
    """Step 3: basis, reason, units."""
    income, lineage = part.income, part.terms.lineage
    if part.is_upstream and lineage is not None:
        return [(f"{LINEAGE}-{lineage.divide_by}", LINEAGE, units)]
    if income.divide_by not in HEARD:
        return [(income.divide_by, "rule", units)]
    heard = None if part.model_version == ANY_MODEL else ear.listen(part)
    reason = find_reason(period, part, heard)
    if reason is not None or heard is None:
        return [(income.fallback, reason or "", units)]
    if income.unattributed == ATTRIBUTION:
        return [(income.divide_by, "rule", units)]
    weights = {ATTRIBUTION: heard.sum_recordings(), UNATTRIBUTED: heard.unattributed}
    if not sum(weights.values()):
        raise Malformed("period/attribution.jsonl", f"the used outputs of {show(part.model_version)} have no weight at all")
    divided = apportion(units, weights)
    return [
        (income.divide_by, "rule", divided[ATTRIBUTION]),
        (f"{UNATTRIBUTED}-{income.unattributed}", UNATTRIBUTED, divided[UNATTRIBUTED]),
    ]


def find_reason(period: Period, part: Part, heard: Heard | None) -> str | None:
    """Why the fallback divides; None when what was heard does."""
    if part.model_version == ANY_MODEL:
        return "no_model_version"
    error = period.errors.get(part.model_version)
    if error is None:
        return "no_measured_error"
    if error > part.income.max_error_ppm:
        return "error_above_limit"
    if heard is None:
        return "no_usage"
    return "nothing_heard" if not heard.sum_recordings() and part.income.unattributed == ATTRIBUTION else None
