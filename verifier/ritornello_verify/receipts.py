"""Step 1 of settlement.md: what came in, converted, raised to the minimum, less the operator's fees and what ancestors get."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ritornello_verify.apportion import apportion
from ritornello_verify.claims import WORLD
from ritornello_verify.currency import MINOR_DIGITS
from ritornello_verify.forms import MILLION
from ritornello_verify.incomes import ANY_MODEL, Income
from ritornello_verify.lineage import find_upstream
from ritornello_verify.period import Period, Revenue
from ritornello_verify.programme import Programme
from ritornello_verify.report import Malformed, show

REVENUE = "period/revenue.jsonl"
RATE_WHOLE = 10**12

Source = tuple[str, str, str]
"""Model version, territory, currency."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money of one income, in ledger units of the reported currency and, after conversion, of `currency`; `terms` are those it is under.

    `units` include what the minimum added. `fees`: name → what it takes; `upstream`: ancestor → what it gets."""

    income: Income
    model_version: str
    territory: str
    reported_currency: str
    reported_units: int
    currency: str
    units: int
    terms: Programme
    added_units: int = 0
    fees: dict[str, int] = field(default_factory=dict)
    upstream: dict[str, int] = field(default_factory=dict)

    def find_fee_units(self) -> int:
        return sum(self.fees.values())

    def find_upstream_units(self) -> int:
        return sum(self.upstream.values())

    def find_own_units(self) -> int:
        return self.units - self.find_fee_units() - self.find_upstream_units()


@dataclass(frozen=True, slots=True)
class Part:
    """What is left of receipts for the model version itself, or what comes to it from descendants, in ledger units.

    `sources`: the reported currency of each receipt and its part of what is the model version's own."""

    income: Income
    model_version: str
    currency: str
    territory: str
    is_upstream: bool
    units: int
    terms: Programme
    sources: tuple[tuple[str, int], ...] = ()


def find_receipts(period: Period) -> list[Receipt]:
    """Step 1, ascending by key."""
    receipts: list[Receipt] = []
    found: dict[str, list[Receipt]] = defaultdict(list)
    for terms in period.list_terms():
        for income in terms.incomes:
            converted = [convert(period, terms, income, source, units) for source, units in report(period, terms, income) if units > 0]
            found[income.name] += [receipt for receipt in converted if receipt.units]
    for own in period.programme.incomes:
        found[own.name] = top_up(found[own.name], own, period.programme)
    for of_name in found.values():
        for receipt in of_name:
            taken = replace(receipt, fees=receipt.terms.find_fees(receipt.income.name, receipt.units))
            left = taken.units - taken.find_fee_units()
            receipts.append(replace(taken, upstream=find_upstream(period, receipt.model_version, left)))
    return sorted(receipts, key=lambda receipt: (receipt.income.name, receipt.model_version, receipt.territory, receipt.reported_currency))


def report(period: Period, terms: Programme, income: Income) -> Iterator[tuple[Source, int]]:
    """What was reported under these terms, in units of the currency it was reported in."""
    if income.amount_units is not None:
        if income.period_id in (None, period.header.period_id) and period.find_terms(income.model_version) is terms:
            yield (income.model_version, WORLD, income.currency or ""), income.amount_units
    elif income.rate_ppm is not None:
        for source, revenue in sum_money(period, terms, income).items():
            yield source, revenue * income.rate_ppm // MILLION
    elif income.unit_rate_units is not None:
        for source, quantity in sum_quantity(period, terms, income).items():
            yield source, quantity * income.unit_rate_units // (MILLION * income.per)


def sum_money(period: Period, terms: Programme, income: Income) -> dict[Source, int]:
    """R: net or gross revenue that the income lets in."""
    return sum_rows(period, terms, income, lambda row: take_money(row, income), lambda row: row.currency)


def sum_quantity(period: Period, terms: Programme, income: Income) -> dict[Source, int]:
    """Q: the quantity of the income's unit, × 1,000,000."""
    return sum_rows(
        period, terms, income, lambda row: row.quantity_e6 if row.unit == income.unit else None, lambda row: income.currency or ""
    )


def sum_rows(
    period: Period, terms: Programme, income: Income, take: Callable[[Revenue], int | None], name: Callable[[Revenue], str]
) -> dict[Source, int]:
    sums: dict[Source, int] = defaultdict(int)
    for row in period.revenue:
        is_under = period.find_terms(row.model_version) is terms
        value = take(row) if is_under and income.lets_in(row.product, row.model_version) else None
        if value is not None:
            sums[row.model_version, row.territory, name(row)] += value
    for source, total in sums.items():
        if total < 0:
            raise Malformed(REVENUE, f"the sum for income {show(income.name)} of {show(source)} is {total}, and may not be negative")
    return sums


def take_money(row: Revenue, income: Income) -> int | None:
    return row.gross_units if income.of_gross else row.net_units


def convert(period: Period, terms: Programme, income: Income, source: Source, units: int) -> Receipt:
    """Once, at the period's rate, rounded down."""
    model_version, territory, reported = source
    into = terms.conversion
    if into is None or into == reported:
        return Receipt(income, model_version, territory, reported, units, reported, units, terms)
    if (reported, into) not in period.rates:
        raise Malformed("period/rates.jsonl", f"has no rate of {reported} in {into}")
    converted = units * period.rates[reported, into] * 10 ** MINOR_DIGITS[into] // (RATE_WHOLE * 10 ** MINOR_DIGITS[reported])
    return Receipt(income, model_version, territory, reported, units, into, converted, terms)


def top_up(receipts: list[Receipt], income: Income, terms: Programme) -> list[Receipt]:
    """Raise the receipts in the income's currency to the minimum, in proportion to themselves; without any, one receipt for it all.

    `income` and `terms` are the period's own, the receipts those of the name under whatever terms."""
    raised = {f"{one.model_version}/{one.territory}/{one.reported_currency}": one for one in receipts if one.currency == income.currency}
    missing = (income.minimum_units or 0) - sum(receipt.units for receipt in raised.values())
    if missing <= 0 or income.currency is None:
        return receipts
    if not raised:
        return [*receipts, Receipt(income, ANY_MODEL, WORLD, income.currency, 0, income.currency, missing, terms, missing)]
    added = apportion(missing, {key: receipt.units for key, receipt in raised.items()})
    topped = [replace(receipt, units=receipt.units + added[key], added_units=added[key]) for key, receipt in raised.items()]
    return [*(receipt for receipt in receipts if receipt.currency != income.currency), *topped]


def find_parts(receipts: list[Receipt]) -> list[Part]:
    """What is left, and what ancestors get, added up; none of nothing."""
    kinds = {(receipt.income.name, receipt.terms.version): (receipt.income, receipt.terms) for receipt in receipts}
    totals: dict[tuple[tuple[str, int], str, str, str, bool], int] = defaultdict(int)
    sources: dict[tuple[tuple[str, int], str, str, str], list[tuple[str, int]]] = defaultdict(list)
    for receipt in receipts:
        kind, where = (receipt.income.name, receipt.terms.version), (receipt.currency, receipt.territory)
        totals[kind, receipt.model_version, *where, False] += receipt.find_own_units()
        sources[kind, receipt.model_version, *where].append((receipt.reported_currency, receipt.find_own_units()))
        for ancestor, units in receipt.upstream.items():
            totals[kind, ancestor, *where, True] += units
    return [
        Part(
            kinds[kind][0],
            model_version,
            currency,
            territory,
            is_upstream,
            units,
            kinds[kind][1],
            () if is_upstream else tuple(sources[kind, model_version, currency, territory]),
        )
        for (kind, model_version, currency, territory, is_upstream), units in sorted(totals.items())
        if units
    ]


def restore_receipts(period: Period) -> list[Receipt]:
    """What stands of the receipts that a correction corrects. Each fee's part follows from the programme, their sum is in the row."""
    receipts = []
    for row in period.standing.receipts if period.standing else []:
        name, units, fee_units = row["income"], int(row["units"]), int(row["fee_units"])
        terms = period.find_terms(row["model_version"])
        incomes = {income.name: income for income in terms.incomes}
        fees = terms.find_fees(name, units)
        if name not in incomes or sum(fees.values()) != fee_units:
            what = f"fee_units of income {show(name)} is {fee_units}" if name in incomes else f"income {show(name)} is not in its terms"
            raise Malformed("period/previous_receipts.jsonl", f"{what}, which does not follow from its terms")
        receipts.append(
            Receipt(
                income=incomes[name],
                model_version=row["model_version"],
                territory=row["territory"],
                reported_currency=row["reported_currency"],
                reported_units=int(row["reported_units"]),
                currency=row["currency"],
                units=units,
                terms=terms,
                added_units=int(row["added_units"]),
                fees=fees,
            )
        )
    return receipts
