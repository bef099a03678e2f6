"""From what was reported to money that can be divided: step 1 of docs/formats/settlement.md."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.money import apportion, digits_of
from ritornello.domain.period import Period, Reported, RevenueLine
from ritornello.domain.programme import WHOLE_PPM, Fee, Income, Lineage, Programme

ANY_MODEL, WORLD = "*", "WW"
E6, E12 = 10**6, 10**12
_Cell = tuple[str, str, str]  # model version, territory, reported currency
_Place = tuple[str, str, str, str, bool]  # income, model version, currency, territory, whether upstream


@dataclass(frozen=True, slots=True)
class Part:
    """Money of one income, model version, currency and territory, before it is divided over lanes."""

    income: str
    model_version: str
    currency: str
    territory: str
    upstream: bool  # owed to what the model version was trained on by a model made from it
    units: int
    terms_version: int  # of the terms that it is divided by
    by_currency: tuple[tuple[str, int], ...] = ()  # own money: reported currency and units of each receipt it is made of


def collect_receipts(period: Period) -> list[Reported]:
    """Every receipt of every income, ascending by its key in `receipts.jsonl`.

    Raises BadInput where refunds exceed revenue (that is a correction, not a pool), where a rate is missing, or where ancestors ask for too much.
    """
    _refuse(period)
    names = sorted({income.name for programme in period.all_terms() for income in programme.incomes})
    receipts = [receipt for name in names for receipt in _of_income(period, name)]
    return sorted(receipts, key=lambda row: (row.income, row.model_version, row.territory, row.reported_currency))


def form_parts(period: Period, receipts: Iterable[Reported]) -> list[Part]:
    """What is left of the receipts after fees: each model version's own money, and what it owes upstream. Ascending; units above 0."""
    sums: dict[tuple[_Place, int], int] = defaultdict(int)
    own_units: dict[tuple[_Place, int], list[tuple[str, int]]] = defaultdict(list)
    for receipt in receipts:
        version = period.terms_of(receipt.model_version).version
        left = receipt.units - receipt.fee_units
        for parent, units in take_upstream(period, receipt.model_version, left).items():
            sums[(receipt.income, parent, receipt.currency, receipt.territory, True), version] += units
        own = (receipt.income, receipt.model_version, receipt.currency, receipt.territory, False)
        sums[own, version] += left - receipt.upstream_units
        own_units[own, version].append((receipt.reported_currency, left - receipt.upstream_units))
    return [
        Part(*place, units, version, tuple(own_units.get((place, version), ())))
        for (place, version), units in sorted(sums.items())
        if units
    ]


def take_fees(programme: Programme, income: str, units: int) -> dict[str, int]:
    """Fee → what it takes of a receipt."""
    return {fee.name: units * fee.rate_ppm // WHOLE_PPM for fee in _fees_of(programme, income)}


def take_upstream(period: Period, model_version: str, units: int) -> dict[str, int]:
    """Ancestor → what the lineage rule takes for it of a model version's money."""
    found: dict[str, int] = defaultdict(int)
    lineage = period.terms_of(model_version).lineage
    if lineage is not None:
        for parent, ppm in _links(period, lineage, model_version):
            found[parent] += units * ppm // WHOLE_PPM
    return dict(found)


def revenue_of(period: Period, income: Income) -> list[RevenueLine]:
    """The revenue rows that an income looks at."""
    return [
        line
        for line in period.revenue
        if (not income.products or line.product in income.products)
        and (not income.model_versions or line.model_version in income.model_versions)
        and (income.unit is None or line.unit == income.unit)
    ]


def paid_units(income: Income, line: RevenueLine) -> int:
    """Net or gross revenue of a row, as the income looks at it."""
    return line.net_units if income.of == "net" else line.gross_units or 0


def _of_income(period: Period, name: str) -> list[Reported]:
    """The receipts of all incomes of a name, each under the terms of its model version; the minimum is asked once, by the period's own."""
    reported: dict[_Cell, int] = {}
    for programme in period.all_terms():
        if (income := programme.find_income(name)) is not None:
            reported |= _reported(period, programme, income)
    converted = {cell: _convert(period, cell, units) for cell, units in reported.items()}
    added = _reach_minimum(period, period.programme.find_income(name), converted)
    receipts = []
    for cell in sorted({*converted, *added}):
        model_version, territory, currency = cell
        units = converted.get(cell, 0) + added.get(cell, 0)
        fee_units = sum(take_fees(period.terms_of(model_version), name, units).values())
        upstream = sum(take_upstream(period, model_version, units - fee_units).values())
        place = (name, model_version, territory, currency, reported.get(cell, 0), _into(period, cell))
        receipts.append(Reported(*place, added.get(cell, 0), units, fee_units, upstream))
    return [receipt for receipt in receipts if receipt.units]


def _reported(period: Period, programme: Programme, income: Income) -> dict[_Cell, int]:
    """(model version, territory, currency) → units above 0, of model versions that follow these terms."""
    if income.amount_units is not None:
        assert income.currency
        model_version = income.model_version or ANY_MODEL
        due = income.period_id in {None, period.period_id} and period.terms_of(model_version) is programme
        return {(model_version, WORLD, income.currency): income.amount_units} if due and income.amount_units else {}
    sums = _sums(period, programme, income)
    if income.unit_rate_units is not None:
        units = {cell: total * income.unit_rate_units // (E6 * income.per) for cell, total in sums.items()}
    else:
        assert income.rate_ppm is not None
        units = {cell: total * income.rate_ppm // WHOLE_PPM for cell, total in sums.items()}
    return {cell: part for cell, part in sorted(units.items()) if part > 0}


def _sums(period: Period, programme: Programme, income: Income) -> dict[_Cell, int]:
    """What the income is a part of, by cell: revenue in units, or a quantity × 1,000,000."""
    sums: dict[_Cell, int] = defaultdict(int)
    for line in revenue_of(period, income):
        if period.terms_of(line.model_version) is not programme:
            continue
        if income.unit_rate_units is not None:
            sums[line.model_version, line.territory, income.currency or ""] += line.quantity_e6 or 0
        else:
            sums[line.model_version, line.territory, line.currency] += paid_units(income, line)
    return dict(sums)


def _into(period: Period, cell: _Cell) -> str:
    """The currency that a receipt is divided in."""
    model_version, _, currency = cell
    return period.terms_of(model_version).convert_to or currency


def _convert(period: Period, cell: _Cell, units: int) -> int:
    currency, into = cell[2], _into(period, cell)
    if into == currency:
        return units
    scale_into, scale_from = (int(10 ** digits_of(code)) for code in (into, currency))
    return units * period.rates[currency, into].rate_e12 * scale_into // (E12 * scale_from)


def _reach_minimum(period: Period, income: Income | None, converted: Mapping[_Cell, int]) -> dict[_Cell, int]:
    """What the minimum adds to each receipt."""
    if income is None or income.minimum_units is None or income.currency is None:
        return {}
    same = {cell: units for cell, units in converted.items() if _into(period, cell) == income.currency}
    missing = income.minimum_units - sum(same.values())
    if missing <= 0:
        return {}
    weights = {"/".join(cell): units for cell, units in same.items() if units}
    if not weights:
        return {(ANY_MODEL, WORLD, income.currency): missing}
    extra = apportion(missing, weights)
    return {cell: extra["/".join(cell)] for cell, units in same.items() if units}


def _fees_of(programme: Programme, income: str) -> Sequence[Fee]:
    return [fee for fee in programme.fees if not fee.incomes or income in fee.incomes]


def _links(period: Period, lineage: Lineage, model_version: str) -> list[tuple[str, int]]:
    """(parent, ppm) of each link on the way up, each link once."""
    seen: set[str] = set()
    reached, found = [model_version], []
    while reached:
        child = reached.pop()
        if child in seen or child not in period.runs:
            continue
        seen.add(child)
        for parent in period.runs[child].parents:
            found.append((parent, lineage.links.get((parent, child), lineage.share_ppm)))
            if lineage.ancestors == "all":
                reached.append(parent)
    return [(parent, ppm) for parent, ppm in found if ppm]


def _refuse(period: Period) -> None:
    problems = []
    reported: set[_Cell] = set()
    for programme in period.all_terms():
        for income in programme.incomes:
            sums = _sums(period, programme, income) if income.amount_units is None else {}
            for (model_version, territory, currency), total in sorted(sums.items()):
                if total < 0:
                    what = f"{model_version} in {territory} totals less than zero in {currency} for {income.name}"
                    problems.append(Problem("revenue.jsonl", None, "net_units", what, "report refunds with the revenue they belong to"))
            if all(total >= 0 for total in sums.values()):
                reported |= set(_reported(period, programme, income))
    pairs = {(cell[2], _into(period, cell)) for cell in reported}
    for currency, into in sorted(pair for pair in pairs - set(period.rates) if pair[0] != pair[1]):
        problems.append(
            Problem("rates.jsonl", None, "currency", f"there is no rate from {currency} to {into}", "import one: ritornello rates")
        )
    for model_version in sorted({model_version for model_version, _, _ in reported}):
        problems += _refuse_lineage(period, period.terms_of(model_version).lineage, model_version)
    raise_if_any(problems)


def _refuse_lineage(period: Period, lineage: Lineage | None, model_version: str) -> list[Problem]:
    links = _links(period, lineage, model_version) if lineage else []
    problems = [
        Problem("runs.jsonl", None, "parents", f"{parent}, an ancestor of {model_version}, has no run here", "register its training run")
        for parent in sorted({parent for parent, _ in links} - set(period.runs))
    ]
    if sum(ppm for _, ppm in links) > WHOLE_PPM:
        what = f"the ancestors of {model_version} would get more than all of its money"
        problems.append(Problem("programme.toml", None, "lineage", what, "lower the shares of its links"))
    return problems
