"""Steps 1–3 of settlement.md: what came in, for which lane, divided on which basis."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ritornello_verify.apportion import apportion
from ritornello_verify.claims import WORLD
from ritornello_verify.period import UNATTRIBUTED, Period
from ritornello_verify.programme import ATTRIBUTION, EXPOSURE, MILLION, Income
from ritornello_verify.report import Malformed, show

ANY_MODEL = "*"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Step 1: money of one income, in ledger units; model version `*` when no revenue names one."""

    income: Income
    model_version: str
    currency: str
    territory: str
    units: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Step 3: the part of a receipt that one lane gets on one basis, in ledger units."""

    name: str
    receipt: Receipt
    lane: str
    basis: str
    reason: str
    units: int


@dataclass(frozen=True, slots=True)
class Use:
    """Uses × weight over the attributed outputs of one model version used in one territory: by recording, and by none."""

    recordings: dict[str, int]
    unattributed: int


Uses = dict[tuple[str, str], Use]
"""By model version and territory; there is none where no attributed output was used."""


def find_receipts(period: Period) -> list[Receipt]:
    """Step 1."""
    receipts: list[Receipt] = []
    for income in period.programme.incomes:
        found: list[Receipt] = []
        if income.amount_units and income.currency is not None:
            found.append(Receipt(income, ANY_MODEL, income.currency, WORLD, income.amount_units))
        if income.rate_ppm is not None:
            found += take_rate(period, income, income.rate_ppm)
        if income.minimum_units is not None and income.currency is not None:
            found = top_up(found, income, income.currency, income.minimum_units)
        receipts += found
    return receipts


def take_rate(period: Period, income: Income, rate_ppm: int) -> Iterator[Receipt]:
    """⌊R · rate_ppm / 1,000,000⌋ of each sum of net revenue, where that is more than nothing."""
    for receiver, revenue in period.revenue.items():
        where = f"{show(receiver.model_version)}, {receiver.currency}, {receiver.territory}"
        if revenue < 0:
            raise Malformed("period/revenue.jsonl", f"the sum of net_units of {where} is {revenue}, and may not be negative")
        units = revenue * rate_ppm // MILLION
        if units > 0:
            yield Receipt(income, receiver.model_version, receiver.currency, receiver.territory, units)


def top_up(receipts: list[Receipt], income: Income, currency: str, minimum_units: int) -> list[Receipt]:
    """Raise the receipts in one currency to the minimum, in proportion to themselves; without any, one receipt for it all."""
    raised = {f"{receipt.model_version}/{receipt.territory}": receipt for receipt in receipts if receipt.currency == currency}
    missing = minimum_units - sum(receipt.units for receipt in raised.values())
    if missing <= 0:
        return receipts
    if not raised:
        return [*receipts, Receipt(income, ANY_MODEL, currency, WORLD, missing)]
    added = apportion(missing, {key: receipt.units for key, receipt in raised.items()})
    topped = [
        Receipt(income, receipt.model_version, currency, receipt.territory, receipt.units + added[key]) for key, receipt in raised.items()
    ]
    return [*(receipt for receipt in receipts if receipt.currency != currency), *topped]


def sum_uses(period: Period) -> Uses:
    """Σ uses × weight_ppm of recordings (A, and w of step 4) and of `unattributed` (U)."""
    recordings: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    unattributed: dict[tuple[str, str], int] = defaultdict(int)
    for (output_id, territory), uses in period.usage.items():
        rows = period.attribution.get(output_id)
        model_version = period.outputs.get(output_id)
        if not rows or model_version is None:
            continue
        place = model_version, territory
        unattributed[place] += 0
        for recording_id, weight_ppm in rows:
            if recording_id == UNATTRIBUTED:
                unattributed[place] += uses * weight_ppm
            else:
                recordings[place][recording_id] += uses * weight_ppm
    return {place: Use(dict(recordings[place]), rest) for place, rest in unattributed.items()}


def divide_receipts(period: Period, receipts: list[Receipt], uses: Uses) -> list[Pool]:
    """Steps 2 and 3; pools ascending by name."""
    pools: list[Pool] = []
    for receipt in receipts:
        for lane, units in apportion(receipt.units, period.programme.lanes).items():
            pools += divide_lane(period, receipt, lane, units, uses)
    return sorted(pools, key=lambda pool: pool.name)


def divide_lane(period: Period, receipt: Receipt, lane: str, units: int, uses: Uses) -> Iterator[Pool]:
    """Step 3: the conditions in their order."""
    reason = find_reason(period, receipt, uses)
    if reason is not None:
        parts = [(EXPOSURE, reason, units)]
    else:
        use = uses[receipt.model_version, receipt.territory]
        weights = {ATTRIBUTION: sum(use.recordings.values()), UNATTRIBUTED: use.unattributed}
        if not sum(weights.values()):
            raise Malformed("period/attribution.jsonl", f"the used outputs of {show(receipt.model_version)} have no weight at all")
        divided = apportion(units, weights)
        rest = f"{UNATTRIBUTED}-{receipt.income.unattributed}"
        parts = [(ATTRIBUTION, "rule", divided[ATTRIBUTION]), (rest, UNATTRIBUTED, divided[UNATTRIBUTED])]
    for basis, why, part in parts:
        if part:
            name = f"{receipt.income.name}/{receipt.model_version}/{receipt.currency}/{receipt.territory}/{lane}/{basis}"
            yield Pool(name, receipt, lane, basis, why, part)


def find_reason(period: Period, receipt: Receipt, uses: Uses) -> str | None:
    """Why a receipt is divided by exposure; None when attribution divides it."""
    if receipt.income.divide_by == EXPOSURE:
        return "rule"
    if receipt.model_version == ANY_MODEL:
        return "no_model_version"
    error = period.errors.get(receipt.model_version)
    if error is None:
        return "no_measured_error"
    if error > receipt.income.max_error_ppm:
        return "error_above_limit"
    return None if (receipt.model_version, receipt.territory) in uses else "no_usage"
