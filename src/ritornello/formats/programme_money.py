"""The part of a programme's terms that is about money: docs/formats/programme.md. Problems are noted, none is raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ritornello.domain.catalogue import LANES
from ritornello.domain.money import minor_digits
from ritornello.domain.programme import (
    LINEAGE_RULES,
    WHOLE_PPM,
    Fee,
    HeldRule,
    Income,
    Lineage,
    Reserve,
)
from ritornello.formats.programme_income import read_income, read_lanes, read_name
from ritornello.formats.toml_reader import Reader

KEYS = {"lanes", "parity", "income", "payout", "tiers", "lineage", "conversion", "fee", "reserve", "held"}
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
    lanes = read_lanes(reader, reader.get(table, "lanes", dict, "", {"master": WHOLE_PPM}), "lanes", parity)
    tiers = _tiers(reader, table)
    convert_to = _conversion(reader, table, day)
    incomes = tuple(
        read_income(reader, row, f"income[{number}].", lanes, parity, notice_days, day) for number, row in _tables(reader, table, "income")
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


def _fee(reader: Reader, table: Mapping[str, Any], place: str, incomes: tuple[Income, ...]) -> Fee:
    reader.unknown(table, {"name", "rate", "incomes"}, place)
    names = reader.texts(table, "incomes", place)
    for name in sorted(set(names) - {income.name for income in incomes}):
        reader.problem(place + "incomes", f"{name!r} is no income of this programme", "name an income, or leave the key out for all")
    name = read_name(reader, table, place)
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
