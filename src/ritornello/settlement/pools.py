"""From revenue to pools: steps 1–3 of docs/formats/settlement.md."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.money import apportion
from ritornello.domain.period import UNATTRIBUTED, Period
from ritornello.domain.programme import WHOLE_PPM, Income

ANY_MODEL, WORLD = "*", "WW"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money of one income, model version, currency and territory, before it is divided over lanes."""

    income: str
    model_version: str
    currency: str
    territory: str
    units: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Money of one lane that is divided over recordings by one basis."""

    income: str
    model_version: str
    currency: str
    territory: str
    lane: str
    basis: str  # attribution, exposure, unattributed-exposure, unattributed-reserve
    reason: str
    units: int

    @property
    def name(self) -> str:
        return "/".join((self.income, self.model_version, self.currency, self.territory, self.lane, self.basis))


AttributedUse = Mapping[tuple[str, str], tuple[int, int]]  # (model version, territory) → use × weight of recordings, and of nothing


def measure_use(period: Period) -> dict[tuple[str, str], tuple[int, int]]:
    """Per model version and territory: Σ uses × ppm that recordings explain, and that none explains, over attributed outputs."""
    unexplained = {weight.output_id: weight.weight_ppm for weight in period.attribution if weight.recording_id == UNATTRIBUTED}
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for usage in period.usage:
        if usage.output_id in unexplained:
            cell = sums[period.outputs[usage.output_id], usage.territory]
            cell[0] += usage.uses * (WHOLE_PPM - unexplained[usage.output_id])
            cell[1] += usage.uses * unexplained[usage.output_id]
    return {key: (attributed, unattributed) for key, (attributed, unattributed) in sums.items()}


def collect_receipts(period: Period) -> list[Receipt]:
    """Step 1. Raises BadInput where refunds exceed revenue: that is a correction, not a pool."""
    net: dict[tuple[str, str, str], int] = defaultdict(int)
    for line in period.revenue:
        net[line.model_version, line.currency, line.territory] += line.net_units
    raise_if_any(
        [
            Problem(
                "revenue.jsonl",
                None,
                "net_units",
                f"{model_version} in {territory} totals less than zero in {currency}",
                "report refunds with the revenue they belong to",
            )
            for (model_version, currency, territory), total in sorted(net.items())
            if total < 0
        ]
    )
    return [receipt for income in period.programme.incomes for receipt in _of_income(income, net)]


def form_pools(period: Period, receipts: Iterable[Receipt], use: AttributedUse) -> list[Pool]:
    """Steps 2 and 3: receipts over lanes, lanes over bases. Sorted by name; units always positive."""
    incomes = {income.name: income for income in period.programme.incomes}
    pools = []
    for receipt in receipts:
        for lane, units in apportion(receipt.units, period.programme.lanes).items():
            for basis, reason, part in _bases(incomes[receipt.income], receipt, units, period, use):
                if part:
                    pools.append(
                        Pool(receipt.income, receipt.model_version, receipt.currency, receipt.territory, lane, basis, reason, part)
                    )
    return sorted(pools, key=lambda pool: pool.name)


def _of_income(income: Income, net: Mapping[tuple[str, str, str], int]) -> list[Receipt]:
    if income.amount_units is not None:
        assert income.currency
        return [Receipt(income.name, ANY_MODEL, income.currency, WORLD, income.amount_units)] if income.amount_units else []
    assert income.rate_ppm is not None
    units = {key: total * income.rate_ppm // WHOLE_PPM for key, total in sorted(net.items())}
    receipts = [Receipt(income.name, *key, part) for key, part in units.items() if part]
    if income.minimum_units is None or income.currency is None:
        return receipts
    same = [receipt for receipt in receipts if receipt.currency == income.currency]
    missing = income.minimum_units - sum(receipt.units for receipt in same)
    if missing <= 0:
        return receipts
    if not same:
        return [*receipts, Receipt(income.name, ANY_MODEL, income.currency, WORLD, missing)]
    extra = apportion(missing, {f"{receipt.model_version}/{receipt.territory}": receipt.units for receipt in same})
    return [
        Receipt(r.income, r.model_version, r.currency, r.territory, r.units + extra.get(f"{r.model_version}/{r.territory}", 0))
        if r.currency == income.currency
        else r
        for r in receipts
    ]


def _bases(income: Income, receipt: Receipt, units: int, period: Period, use: AttributedUse) -> list[tuple[str, str, int]]:
    reason = _why_not_attribution(income, receipt, period, use)
    if reason is not None:
        return [("exposure", reason, units)]
    attributed, unattributed = use[receipt.model_version, receipt.territory]
    parts = apportion(units, {"attribution": attributed, "unattributed": unattributed})
    return [("attribution", "rule", parts["attribution"]), (f"unattributed-{income.unattributed}", "unattributed", parts["unattributed"])]


def _why_not_attribution(income: Income, receipt: Receipt, period: Period, use: AttributedUse) -> str | None:
    """Why this money is divided by exposure, or None when attribution may divide it. The order of the questions is part of the rule."""
    if income.divide_by == "exposure":
        return "rule"
    if receipt.model_version == ANY_MODEL:
        return "no_model_version"
    error_ppm = period.error_ppm.get(receipt.model_version)
    if error_ppm is None:
        return "no_measured_error"
    assert income.max_error_ppm is not None
    if error_ppm > income.max_error_ppm:
        return "error_above_limit"
    if (receipt.model_version, receipt.territory) not in use:
        return "no_usage"
    return None
