"""Steps 2 and 3 of settlement.md: parts over lanes, and each on its basis."""

from collections.abc import Iterator
from dataclasses import dataclass

from ritornello_verify.apportion import apportion
from ritornello_verify.estimate import Signal
from ritornello_verify.heard import Heard
from ritornello_verify.incomes import ANY_MODEL, ATTRIBUTION, HEARD
from ritornello_verify.period import UNATTRIBUTED, Period
from ritornello_verify.receipts import Part
from ritornello_verify.report import Malformed, show
from ritornello_verify.weights import Scales

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
    signal: Signal | None = None

    def find_rule(self) -> str:
        """The rule its recordings weigh by: `exposure` of `lineage-exposure`."""
        return self.basis.rpartition("-")[2]


def find_pools(period: Period, parts: list[Part], scales: Scales) -> list[Pool]:
    """Ascending by name."""
    pools: list[Pool] = []
    for part in parts:
        for lane, units in apportion(part.units, part.income.lanes).items():
            pools += divide_lane(period, part, lane, units, scales)
    return sorted(pools, key=lambda pool: pool.name)


def divide_lane(period: Period, part: Part, lane: str, units: int, scales: Scales) -> Iterator[Pool]:
    for basis, reason, own, signal in find_bases(period, part, units, scales):
        if own:
            name = "/".join((name_income(period, part), part.model_version, part.currency, part.territory, lane, basis))
            yield Pool(name, part, lane, basis, reason, own, signal)


def name_income(period: Period, part: Part) -> str:
    """The income, with the version of terms that are not the period's own."""
    version = part.terms.version
    return part.income.name if version == period.programme.version else f"{part.income.name}@{version}"


def find_bases(period: Period, part: Part, units: int, scales: Scales) -> list[tuple[str, str, int, Signal | None]]:
    """Step 3: basis, reason, units, and what attribution was compared by."""
    income, lineage = part.income, part.terms.lineage
    if part.is_upstream and lineage is not None:
        return [(f"{LINEAGE}-{lineage.divide_by}", LINEAGE, units, None)]
    if income.divide_by not in HEARD:
        return [(income.divide_by, "rule", units, None)]
    heard = None if part.model_version == ANY_MODEL else scales.listen(part)
    reason, signal = find_reason(period, part, heard), None
    if reason is None and income.least_signal_e3 is not None:
        signal = scales.compare(part)
        reason = "no_measured_noise" if signal is None else "signal_below_noise" if signal.is_too_small() else None
    if reason is not None or heard is None:
        return [(income.fallback, reason or "", units, signal)]
    if income.unattributed == ATTRIBUTION:
        return [(income.divide_by, "rule", units, signal)]
    weights = {ATTRIBUTION: heard.sum_recordings(), UNATTRIBUTED: heard.unattributed}
    if not sum(weights.values()):
        raise Malformed("period/attribution.jsonl", f"the used outputs of {show(part.model_version)} have no weight at all")
    divided = apportion(units, weights)
    return [
        (income.divide_by, "rule", divided[ATTRIBUTION], signal),
        (f"{UNATTRIBUTED}-{income.unattributed}", UNATTRIBUTED, divided[UNATTRIBUTED], signal),
    ]


def find_reason(period: Period, part: Part, heard: Heard | None) -> str | None:
    """Why the fallback divides, noise aside; None when what was heard does."""
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
