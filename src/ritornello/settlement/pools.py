"""From parts of receipts to pools: steps 2 and 3 of docs/formats/settlement.md."""

from collections.abc import Iterable
from dataclasses import dataclass

from ritornello.domain.money import apportion
from ritornello.domain.period import Period
from ritornello.domain.programme import HEARD, Income
from ritornello.settlement.estimate import Estimate, Signal
from ritornello.settlement.receipts import ANY_MODEL, Part


@dataclass(frozen=True, slots=True)
class Pool:
    """Money of one lane that is divided over recordings by one basis."""

    income: str
    model_version: str
    currency: str
    territory: str
    lane: str
    basis: str  # a rule of programme.md, or lineage-RULE, unattributed-RULE, reserve
    reason: str
    units: int
    terms_version: int
    label: str  # the income; with @VERSION where its terms are not the period's own
    signal: Signal | None = None  # where it decided whether attribution divides

    @property
    def name(self) -> str:
        return "/".join((self.label, self.model_version, self.currency, self.territory, self.lane, self.basis))

    @property
    def rule(self) -> str:
        """The basis without where its money comes from."""
        return self.basis.removeprefix("lineage-").removeprefix("unattributed-")


def form_pools(period: Period, parts: Iterable[Part], estimate: Estimate) -> list[Pool]:
    """Parts over lanes, lanes over bases. Ascending by name; units always positive."""
    pools = []
    for part in parts:
        income = income_of(period, part)
        label = part.income if part.terms_version == period.programme.version else f"{part.income}@{part.terms_version}"
        for lane, units in apportion(part.units, income.lanes).items():
            for basis, reason, divided, signal in _bases(period, income, part, units, estimate):
                if divided:
                    place = (part.income, part.model_version, part.currency, part.territory, lane, basis, reason)
                    pools.append(Pool(*place, divided, part.terms_version, label, signal))
    return sorted(pools, key=lambda pool: pool.name)


def income_of(period: Period, money: Part | Pool) -> Income:
    """The income that a part's or pool's money is of, under its own terms."""
    income = period.find_terms(money.terms_version).find_income(money.income)
    assert income is not None
    return income


def _bases(period: Period, income: Income, part: Part, units: int, estimate: Estimate) -> list[tuple[str, str, int, Signal | None]]:
    """(basis, reason, units, signal) of what divides a part in one lane."""
    if part.upstream:
        lineage = period.find_terms(part.terms_version).lineage
        assert lineage
        return [(f"lineage-{lineage.divide_by}", "lineage", units, None)]
    if income.divide_by not in HEARD:
        return [(income.divide_by, "rule", units, None)]
    reason, signal = _why_not_heard(period, income, part, estimate)
    if reason is not None:
        assert income.fallback
        return [(income.fallback, reason, units, signal)]
    if income.unattributed == "attribution":
        return [(income.divide_by, "rule", units, signal)]
    explained, unexplained = estimate.totals(income, part)
    parts = apportion(units, {"attribution": explained, "unattributed": unexplained})
    return [
        (income.divide_by, "rule", parts["attribution"], signal),
        (f"unattributed-{income.unattributed}", "unattributed", parts["unattributed"], signal),
    ]


def _why_not_heard(period: Period, income: Income, part: Part, estimate: Estimate) -> tuple[str | None, Signal | None]:
    """Why the fallback divides this money, or None when attribution may; and the signal if that was asked. The order of the questions is part of the rule."""
    if part.model_version == ANY_MODEL:
        return "no_model_version", None
    error_ppm = period.error_ppm.get(part.model_version)
    if error_ppm is None:
        return "no_measured_error", None
    assert income.max_error_ppm is not None
    if error_ppm > income.max_error_ppm:
        return "error_above_limit", None
    explained, unexplained = estimate.totals(income, part)
    if not explained + unexplained:
        return "no_usage", None
    if income.unattributed == "attribution" and not explained:
        return "nothing_heard", None
    if income.min_signal_to_noise_e3 is None:
        return None, None
    signal = estimate.compare(income, part)
    if signal is None:
        return "no_measured_noise", None
    return None if signal.is_enough else "signal_below_noise", signal
