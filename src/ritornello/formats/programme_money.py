"""The part of a programme's terms that is about money: docs/formats/programme.md. Problems are noted, none is raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ritornello.domain import identifiers
from ritornello.domain.catalogue import LANES
from ritornello.domain.money import UNITS_PER_MINOR, minor_digits
from ritornello.domain.period import parse_period_id
from ritornello.domain.programme import (
    FALLBACKS,
    HEARD,
    LINEAGE_RULES,
    RULES,
    UNATTRIBUTED_RULES,
    WHOLE_PPM,
    Fee,
    HeldRule,
    Income,
    Lineage,
    Reserve,
    reach_parity,
)
from ritornello.formats.toml_reader import Reader

KEYS = {"lanes", "parity", "income", "payout", "tiers", "lineage", "conversion", "fee", "reserve", "held"}
_SOURCES = {
    "amount": {"period", "model_version"},
    "rate": {"of", "minimum", "products", "model_versions"},
    "unit_rate": {"per", "unit", "minimum", "products", "model_versions"},
}
_OF_HEARD = {"unattributed", "max_error_ppm", "fallback"}
_INCOME = {"name", "currency", "divide_by", "lanes", *_SOURCES, *(key for keys in _SOURCES.values() for key in keys), *_OF_HEARD}
_MOST_DAYS = 100_000


@dataclass(frozen=True, slots=True)
class MoneyTerms:
    """What a programme says about money, as `Programme` takes it."""

    lanes: Mapping[str, int]
    incomes: tuple[Income, ...]
    thresholds: Mapping[str, int]
    payout_fees: Mapping[str, int]
    tiers_e6: Mapping[str, int]
    lineage: Lineage | None
    convert_to: str | None
    fees: tuple[Fee, ...]
    reserve: Reserve | None
    held: HeldRule | None


def read_money(reader: Reader, table: Mapping[str, Any], notice_days: int, day: date) -> MoneyTerms:
    """Lanes, incomes, fees and payouts of a programme's table; currencies must be valid on `day`."""
    parity = _parity(reader, table)
    lanes = _lanes(reader, reader.get(table, "lanes", dict, "", {"master": WHOLE_PPM}), "lanes", parity)
    tiers = _tiers(reader, table)
    convert_to = _conversion(reader, table, day)
    incomes = tuple(
        _income(reader, row, f"income[{number}].", lanes, parity, notice_days, day) for number, row in _tables(reader, table, "income")
    )
    if not table.get("income"):
        reader.problem("income", "is missing or empty", "add at least one [[income]]")
    fees = tuple(_fee(reader, row, f"fee[{number}].", incomes) for number, row in _tables(reader, table, "fee"))
    for kind, names in (("income", [income.name for income in incomes]), ("fee", [fee.name for fee in fees])):
        for name in sorted({name for name in names if names.count(name) > 1}):
            reader.problem(kind, f"two are named {name!r}", "name each differently")
    _check_together(reader, incomes, fees, tiers, convert_to)
    payout = reader.get(table, "payout", dict, "", {}) if "payout" in table else {}
    reader.unknown(payout, {"thresholds", "fees"}, "payout.")
    return MoneyTerms(
        lanes,
        incomes,
        _by_currency(reader, payout, "thresholds", 0, day),
        _by_currency(reader, payout, "fees", 4, day),
        tiers,
        _lineage(reader, table),
        convert_to,
        fees,
        _reserve(reader, table),
        _held(reader, table),
    )


def _check_together(
    reader: Reader, incomes: tuple[Income, ...], fees: tuple[Fee, ...], tiers: Mapping[str, int], convert_to: str | None
) -> None:
    """What no single table shows."""
    for number, income in enumerate(incomes, 1):
        place = f"income[{number}]."
        if income.divide_by == "points" and not tiers:
            reader.problem(place + "divide_by", "points need tiers", 'add [tiers], such as plain = "1"')
        if convert_to and income.minimum_units is not None and income.currency != convert_to:
            reader.problem(place + "currency", f"the minimum is compared after conversion to {convert_to}", f"give it in {convert_to}")
        if sum(fee.rate_ppm for fee in fees if not fee.incomes or income.name in fee.incomes) > WHOLE_PPM:
            reader.problem("fee", f"the fees of {income.name} are more than all of it", "lower them")


def _tables(reader: Reader, table: Mapping[str, Any], key: str) -> list[tuple[int, Mapping[str, Any]]]:
    rows = reader.get(table, key, list, "", []) if key in table else []
    if not all(isinstance(row, dict) for row in rows):
        reader.problem(key, "is not a list of tables", f"write [[{key}]] before each")
    return [(number, row) for number, row in enumerate(rows, 1) if isinstance(row, dict)]


def _parity(reader: Reader, table: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    rules = []
    for text in reader.texts(table, "parity", ""):
        first, sign, second = (part.strip() for part in text.partition(">="))
        if not sign or first not in LANES or second not in LANES or first == second:
            reader.problem("parity", f"{text!r} is no rule", f'write "publishing>=master"; lanes are {", ".join(LANES)}')
        else:
            rules.append((first, second))
    return tuple(rules)


def _lanes(reader: Reader, table: Mapping[str, Any], place: str, parity: tuple[tuple[str, str], ...]) -> dict[str, int]:
    reader.unknown(table, set(LANES), place + ".")
    lanes = {lane: reader.get(table, lane, int, place + ".", 0) for lane in table if lane in LANES}
    if any(ppm <= 0 for ppm in lanes.values()) or sum(lanes.values()) != WHOLE_PPM:
        what = f"total {sum(lanes.values()):,} ppm"
        reader.problem(place, what, "let the lanes be positive and total 1,000,000 ppm; leave out a lane that gets nothing")
        return {"master": WHOLE_PPM}
    try:
        lanes = reach_parity(lanes, parity)
    except ValueError as error:
        reader.problem("parity", str(error), "drop one of the rules")
    return dict(sorted(lanes.items()))


def _income(
    reader: Reader,
    table: Mapping[str, Any],
    place: str,
    lanes: Mapping[str, int],
    parity: tuple[tuple[str, str], ...],
    notice_days: int,
    day: date,
) -> Income:
    reader.unknown(table, _INCOME, place)
    sources = [key for key in _SOURCES if key in table]
    if len(sources) != 1:
        reader.problem(place + "amount", "an income has exactly one of amount, rate and unit_rate", "give exactly one of the three")
    for key in sorted({key for keys in _SOURCES.values() for key in keys} & set(table)):
        if len(sources) == 1 and key not in _SOURCES[sources[0]]:
            where = " or ".join(source for source, keys in _SOURCES.items() if key in keys)
            reader.problem(place + key, f"belongs to {where}, not to {sources[0]}", "remove it")
    currency, digits = _currency(reader, table, place, day)
    own = reader.get(table, "lanes", dict, place, {}) if "lanes" in table else None
    shares = lanes if own is None else _lanes(reader, own, place + "lanes", parity)
    divide_by = reader.one_of(table, "divide_by", RULES, place)
    if divide_by == "works" and set(shares) != {"publishing"}:
        todo = "add lanes = { publishing = 1_000_000 } to this income"
        reader.problem(place + "divide_by", "works can divide an income of the publishing lane alone", todo)
    heard = _heard(reader, table, place, divide_by)
    minimum = reader.decimal(table["minimum"], digits, place + "minimum") if "minimum" in table else None
    return Income(
        _name(reader, table, place),
        divide_by,
        currency,
        lanes=shares,
        minimum_units=None if minimum is None else minimum * UNITS_PER_MINOR,
        products=reader.texts(table, "products", place),
        model_versions=reader.texts(table, "model_versions", place),
        **_source(reader, table, place, digits, notice_days),
        **heard,
    )


def _name(reader: Reader, table: Mapping[str, Any], place: str) -> str:
    name = str(reader.get(table, "name", str, place, "x"))
    if not name or not name.isascii() or not name.replace("_", "").isalnum() or name != name.lower():
        reader.problem(place + "name", f"{name!r} is not made of a–z, 0–9 and _", "rename it")
    return name


def _currency(reader: Reader, table: Mapping[str, Any], place: str, day: date) -> tuple[str | None, int]:
    """The income's currency, if it needs one, and its minor digits."""
    if not {"currency", "amount", "unit_rate", "minimum"} & set(table):
        return None, 2
    currency = str(reader.get(table, "currency", str, place, "EUR"))
    return currency, reader.parsed(currency, lambda text: minor_digits(text, day), place + "currency", "correct the code", 2)


def _source(reader: Reader, table: Mapping[str, Any], place: str, digits: int, notice_days: int) -> dict[str, Any]:
    """The fields of `Income` that say where the money comes from."""
    if "amount" in table:
        amount = reader.decimal(table["amount"], digits, place + "amount")
        if "period" in table:
            todo = "write 2026-10, 2026-Q4 or 2026"
            reader.parsed(table["period"], lambda text: parse_period_id(text) and text, place + "period", todo, "")
        model = table.get("model_version")
        if model is not None:
            reader.parsed(model, identifiers.parse_own, place + "model_version", "write a model version's name", "")
        return {"amount_units": (amount or 0) * UNITS_PER_MINOR, "period_id": table.get("period"), "model_version": model}
    if "rate" in table:
        rate = reader.decimal(table["rate"], 6, place + "rate")
        if rate is not None and rate > WHOLE_PPM:
            reader.problem(place + "rate", f"{table['rate']!r} is more than 1", 'write 30 % as "0.30"')
        return {"rate_ppm": rate or 0, "of": reader.one_of(table, "of", ("net", "gross"), place) if "of" in table else "net"}
    if "unit_rate" in table:
        return {
            "unit_rate_units": _unit_rate(reader, table["unit_rate"], place + "unit_rate", digits, notice_days),
            "per": reader.whole(table, "per", place, 1, 10**9) if "per" in table else 1,
            "unit": str(reader.get(table, "unit", str, place, "")),
        }
    return {"rate_ppm": 0}


def _unit_rate(reader: Reader, value: Any, place: str, digits: int, notice_days: int) -> int:
    """Units of money per unit; of a notice ladder, the step that `notice_days` has reached."""
    if not isinstance(value, dict):
        return reader.decimal(value, digits + 4, place) or 0
    steps = {}
    for days, text in value.items():
        if not days.isdecimal() or int(days) > _MOST_DAYS:
            reader.problem(f"{place}.{days}", "is no number of days", "write days of notice, such as 30")
            continue
        steps[int(days)] = reader.decimal(text, digits + 4, f"{place}.{days}") or 0
    if 0 not in steps or len(steps) != len(value):
        reader.problem(place, "a notice ladder has a step 0, and each number of days once", 'add 0 = "…"')
        return 0
    return steps[max(days for days in steps if days <= notice_days)]


def _heard(reader: Reader, table: Mapping[str, Any], place: str, divide_by: str) -> dict[str, Any]:
    """The fields of `Income` for rules that need to know what outputs were made of."""
    if divide_by not in HEARD:
        for key in sorted(_OF_HEARD & set(table)):
            reader.problem(place + key, 'belongs to divide_by = "attribution" or "user_centric"', "remove it")
        return {}
    if divide_by == "user_centric" and "rate" not in table:
        reader.problem(place + "divide_by", "user_centric follows what users paid, so it needs a rate", "give a rate, or divide otherwise")
    if "amount" in table:
        what = "a fixed amount belongs to no territory's use, so attribution can't divide it"
        reader.problem(place + "divide_by", what, 'use "exposure", "count" or "seconds"')
    return {
        "max_error_ppm": reader.whole(table, "max_error_ppm", place, 0, WHOLE_PPM),
        "fallback": reader.one_of(table, "fallback", FALLBACKS, place),
        "unattributed": reader.one_of(table, "unattributed", UNATTRIBUTED_RULES, place),
    }


def _fee(reader: Reader, table: Mapping[str, Any], place: str, incomes: tuple[Income, ...]) -> Fee:
    reader.unknown(table, {"name", "rate", "incomes"}, place)
    names = reader.texts(table, "incomes", place)
    for name in sorted(set(names) - {income.name for income in incomes}):
        reader.problem(place + "incomes", f"{name!r} is no income of this programme", "name an income, or leave the key out for all")
    name = _name(reader, table, place)
    if name == "payout":
        reader.problem(place + "name", "'payout' is a reserved word", "rename it; what a payout costs is payout.fees")
    return Fee(name, _rate(reader, table, place), names)


def _rate(reader: Reader, table: Mapping[str, Any], place: str) -> int:
    """A rate from 0 to 1, in ppm."""
    rate = reader.decimal(reader.get(table, "rate", str, place, "0"), 6, place + "rate") or 0
    if rate > WHOLE_PPM:
        reader.problem(place + "rate", f"{table['rate']!r} is more than 1", 'write 10 % as "0.10"')
    return rate


def _reserve(reader: Reader, table: Mapping[str, Any]) -> Reserve | None:
    if "reserve" not in table:
        return None
    reserve = reader.get(table, "reserve", dict, "", {})
    reader.unknown(reserve, {"rate", "release_after_days"}, "reserve.")
    return Reserve(_rate(reader, reserve, "reserve."), reader.whole(reserve, "release_after_days", "reserve.", 1, _MOST_DAYS))


def _held(reader: Reader, table: Mapping[str, Any]) -> HeldRule | None:
    if "held" not in table:
        return None
    held = reader.get(table, "held", dict, "", {})
    reader.unknown(held, {"release_after_days", "reserve"}, "held.")
    rule = reader.one_of(held, "reserve", LINEAGE_RULES, "held.") if "reserve" in held else None
    return HeldRule(reader.whole(held, "release_after_days", "held.", 1, _MOST_DAYS), rule)


def _lineage(reader: Reader, table: Mapping[str, Any]) -> Lineage | None:
    if "lineage" not in table:
        return None
    lineage = reader.get(table, "lineage", dict, "", {})
    reader.unknown(lineage, {"ancestors", "share_ppm", "links", "divide_by"}, "lineage.")
    links = {}
    for number, link in _tables(reader, lineage, "links"):
        place = f"lineage.links[{number}]."
        reader.unknown(link, {"parent", "child", "share_ppm"}, place)
        pair = str(reader.get(link, "parent", str, place, "")), str(reader.get(link, "child", str, place, ""))
        if pair in links or pair[0] == pair[1]:
            reader.problem(place + "parent", f"{pair[0]} to {pair[1]} stands twice or is no link", "name each link once")
        links[pair] = reader.whole(link, "share_ppm", place, 0, WHOLE_PPM)
    return Lineage(
        reader.one_of(lineage, "ancestors", ("direct", "all"), "lineage."),
        reader.whole(lineage, "share_ppm", "lineage.", 0, WHOLE_PPM) if "share_ppm" in lineage else 0,
        links,
        reader.one_of(lineage, "divide_by", LINEAGE_RULES, "lineage."),
    )


def _tiers(reader: Reader, table: Mapping[str, Any]) -> dict[str, int]:
    tiers = reader.get(table, "tiers", dict, "", {}) if "tiers" in table else {}
    found = {name: reader.decimal(text, 6, f"tiers.{name}") or 0 for name, text in sorted(tiers.items())}
    for name, weight in found.items():
        if not 0 < weight <= 10**12:
            reader.problem(f"tiers.{name}", "is not above 0 and at most 1,000,000", "correct the weight")
    return found


def _conversion(reader: Reader, table: Mapping[str, Any], day: date) -> str | None:
    if "conversion" not in table:
        return None
    conversion = reader.get(table, "conversion", dict, "", {})
    reader.unknown(conversion, {"currency"}, "conversion.")
    currency = str(reader.get(conversion, "currency", str, "conversion.", "EUR"))
    reader.parsed(currency, lambda text: minor_digits(text, day), "conversion.currency", "correct the code", 2)
    return currency


def _by_currency(reader: Reader, table: Mapping[str, Any], key: str, more_digits: int, day: date) -> dict[str, int]:
    """Currency → units; amounts may have `more_digits` beyond the currency's minor digits."""
    amounts = reader.get(table, key, dict, "payout.", {}) if key in table else {}
    found = {}
    for currency, text in sorted(amounts.items()):
        place = f"payout.{key}.{currency}"
        digits = reader.parsed(currency, lambda code: minor_digits(code, day), place, "correct the code", None)
        if digits is not None:
            found[currency] = (reader.decimal(text, digits + more_digits, place) or 0) * 10 ** (4 - more_digits)
    return found
