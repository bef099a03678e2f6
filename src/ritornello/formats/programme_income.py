"""`[[income]]` of a programme's terms: docs/formats/programme.md. Problems are noted, none is raised."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ritornello.domain import identifiers
from ritornello.domain.catalogue import LANES
from ritornello.domain.money import UNITS_PER_MINOR, minor_digits
from ritornello.domain.period import parse_period_id
from ritornello.domain.programme import (
    FALLBACKS,
    HEARD,
    LEVELS,
    RULES,
    UNATTRIBUTED_RULES,
    WHOLE_PPM,
    Income,
    reach_parity,
)
from ritornello.formats.toml_reader import Reader

_MOST_DAYS = 100_000
_SOURCES = {
    "amount": {"period", "model_version"},
    "rate": {"of", "minimum", "products", "model_versions"},
    "unit_rate": {"per", "unit", "minimum", "products", "model_versions"},
}
_OF_HEARD = {"unattributed", "max_error_ppm", "fallback", "min_signal_to_noise", "aggregate_by", "cap_ppm"}
_INCOME = {"name", "currency", "divide_by", "lanes", *_SOURCES, *(key for keys in _SOURCES.values() for key in keys), *_OF_HEARD}


def read_lanes(reader: Reader, table: Mapping[str, Any], place: str, parity: tuple[tuple[str, str], ...]) -> dict[str, int]:
    """Lane → ppm after parity; master alone where the table is none."""
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


def read_income(
    reader: Reader,
    table: Mapping[str, Any],
    place: str,
    lanes: Mapping[str, int],
    parity: tuple[tuple[str, str], ...],
    notice_days: int,
    day: date,
) -> Income:
    """One income; `lanes` are the programme's, currencies must be valid on `day`."""
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
    shares = lanes if own is None else read_lanes(reader, own, place + "lanes", parity)
    divide_by = reader.one_of(table, "divide_by", RULES, place)
    if divide_by == "works" and set(shares) != {"publishing"}:
        todo = "add lanes = { publishing = 1_000_000 } to this income"
        reader.problem(place + "divide_by", "works can divide an income of the publishing lane alone", todo)
    heard = _heard(reader, table, place, divide_by)
    minimum = reader.decimal(table["minimum"], digits, place + "minimum") if "minimum" in table else None
    return Income(
        read_name(reader, table, place),
        divide_by,
        currency,
        lanes=shares,
        minimum_units=None if minimum is None else minimum * UNITS_PER_MINOR,
        products=reader.texts(table, "products", place),
        model_versions=reader.texts(table, "model_versions", place),
        **_source(reader, table, place, digits, notice_days),
        **heard,
    )


def read_name(reader: Reader, table: Mapping[str, Any], place: str) -> str:
    """The name of an income or fee."""
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
    least = reader.decimal(table["min_signal_to_noise"], 3, place + "min_signal_to_noise") if "min_signal_to_noise" in table else None
    level = table.get("aggregate_by", LEVELS[0])
    levels = LEVELS if level == [*LEVELS] else (level,)
    if level not in (*LEVELS, [*LEVELS]):
        reader.problem(place + "aggregate_by", f"{level!r} is not known", 'use "recording", "catalogue" or ["recording", "catalogue"]')
    if len(levels) > 1 and least is None:
        what = "names two levels, but nothing says when the second is taken"
        reader.problem(place + "aggregate_by", what, 'add min_signal_to_noise = "2.0", or name one level')
    if "cap_ppm" in table and table.get("unattributed") == "attribution":
        what = 'cuts off what unattributed = "attribution" would give back'
        reader.problem(place + "cap_ppm", what, "let unattributed be exposure, count, seconds or reserve")
    return {
        "min_signal_to_noise_e3": least,
        "cap_ppm": reader.whole(table, "cap_ppm", place, 1, WHOLE_PPM) if "cap_ppm" in table else None,
        "aggregate_by": levels,
        "max_error_ppm": reader.whole(table, "max_error_ppm", place, 0, WHOLE_PPM),
        "fallback": reader.one_of(table, "fallback", FALLBACKS, place),
        "unattributed": reader.one_of(table, "unattributed", UNATTRIBUTED_RULES, place),
    }
