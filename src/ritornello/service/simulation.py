"""What one period would pay under several programmes, side by side; nothing is posted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from ritornello.domain.errors import BadInput, Problem, raise_if_any
from ritornello.domain.period import Period
from ritornello.domain.programme import HEARD
from ritornello.formats.period_folder import read_period
from ritornello.service.programmes import read_file
from ritornello.settlement.settle import Settlement, settle


def simulate_folder(folder: Path, terms: Sequence[Path]) -> dict[str, Any]:
    """Settle a period folder as it is, and wholly under each file of `terms`. Raises BadInput with the problems of all of them."""
    period, _ = read_period(folder)
    periods = [("programme.toml", period)]
    problems: list[Problem] = []
    for path in terms:
        try:
            periods.append((path.name, replace(period, programme=read_file(path)[0], other_terms={})))
        except BadInput as error:
            problems += error.problems
    raise_if_any(problems)
    names = _name_apart([name for name, _ in periods])
    settled = [(name, one, _settle(name, one)) for name, (_, one) in zip(names, periods, strict=True)]
    compared = compare([(name, _earned(result)) for name, _, result in settled])
    return {**compared, "attribution": [row for name, one, result in settled for row in count_decisions(name, one, result.tables["pools"])]}


def compare(columns: Sequence[tuple[str, dict[tuple[str, str], int]]]) -> dict[str, Any]:
    """Programmes side by side: per currency its total, held part, median and Gini coefficient of parties; per party what each pays.

    `columns`: (programme, (account, currency) → units earned). The first is what the others are compared with.
    """
    accounts = sorted({account for _, earned in columns for account in earned})
    summaries = []
    for name, earned in columns:
        for currency in sorted({currency for _, currency in accounts}):
            parties = [units for (account, code), units in earned.items() if code == currency and account.startswith("party:")]
            held = sum(units for (account, code), units in earned.items() if code == currency and account.startswith("held:"))
            if parties or held:
                summaries.append(
                    {
                        "programme": name,
                        "currency": currency,
                        "parties": len(parties),
                        "total_units": str(sum(parties) + held),
                        "held_units": str(held),
                        "median_units": str(int(median(parties))) if parties else "0",
                        "gini": f"{float(measure_gini(parties)):.4f}",
                    }
                )
    first = columns[0][1]
    rows = [
        {
            "account": account,
            "currency": currency,
            "units": {name: str(earned.get((account, currency), 0)) for name, earned in columns},
            "gains_units": {
                name: str(earned.get((account, currency), 0) - first.get((account, currency), 0)) for name, earned in columns[1:]
            },
        }
        for account, currency in accounts
    ]
    return {"programmes": [name for name, _ in columns], "summaries": summaries, "accounts": rows}


def count_decisions(programme: str, period: Period, pools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How often attribution decided, and how often the fallback did: per income that attribution may divide, currency and reason
    (`rule`: attribution decided), the number of parts (model versions × territories) and their money. `pools`: rows of pools.jsonl.
    """
    parts: dict[tuple[str, str, str], set[tuple[str, ...]]] = defaultdict(set)
    units: dict[tuple[str, str, str], int] = defaultdict(int)
    for pool in pools:
        income = period.find_terms(pool["terms_version"]).find_income(pool["income"])
        if income is not None and income.divide_by in HEARD and pool["reason"] != "lineage":
            key = pool["income"], pool["currency"], "rule" if pool["reason"] == "unattributed" else pool["reason"]
            parts[key].add((str(pool["terms_version"]), pool["model_version"], pool["territory"]))
            units[key] += int(pool["amount_units"])
    return [
        dict(zip(("income", "currency", "reason"), key, strict=True))
        | {"programme": programme, "parts": len(parts[key]), "units": str(units[key])}
        for key in sorted(parts)
    ]


def measure_gini(amounts: Sequence[int]) -> Fraction:
    """The Gini coefficient: 0 where all get the same, towards 1 where one gets all (Gini 1912; mean difference form)."""
    ordered, total = sorted(amounts), sum(amounts)
    if not total:
        return Fraction(0)
    weighted = sum((2 * place - len(ordered) - 1) * units for place, units in enumerate(ordered, 1))
    return Fraction(weighted, len(ordered) * total)


def _settle(name: str, period: Period) -> Settlement:
    try:
        return settle(period)
    except BadInput as error:
        raise BadInput([replace(problem, what=f"under {name}: {problem.what}") for problem in error.problems]) from None


def _earned(result: Settlement) -> dict[tuple[str, str], int]:
    """(account, currency) → units that a period earns it."""
    earned: dict[tuple[str, str], int] = defaultdict(int)
    for row in result.tables["balances"]:
        if int(row["earned_units"]):
            earned[row["account"], row["currency"]] += int(row["earned_units"])
    return dict(earned)


def _name_apart(names: Sequence[str]) -> list[str]:
    """Names with a number behind those that repeat."""
    return [name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})" for place, name in enumerate(names)]
