"""The programme's terms (programme.md), as far as money and consent depend on them."""

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn

from ritornello_verify.currency import UNITS_PER_MINOR
from ritornello_verify.forms import (
    LANES,
    MILLION,
    Check,
    check_members,
    choose,
    is_count,
    is_currency,
    is_lanes,
    is_name,
    is_positive,
    is_ppm,
    is_table,
    is_tables,
    is_text,
    is_texts,
    is_texts_by_name,
    read_millionths,
    read_money,
    read_price,
    read_rate,
    refuse,
)
from ritornello_verify.incomes import COUNT, EXPOSURE, POINTS, SECONDS, Income, read_income

MOST_DAYS = 100_000
PAYOUT_FEE = "payout"
"""The account of what payouts cost, so no fee's name."""
PARITY_FORM = re.compile("([^>=]+)>=([^>=]+)")


@dataclass(frozen=True, slots=True)
class Lineage:
    """What flows from a model's money to its ancestors: each link's part in parts per million, and how it is divided."""

    only_parents: bool
    share_ppm: int
    links: dict[tuple[str, str], int]
    divide_by: str

    def find_share(self, parent: str, child: str) -> int:
        return self.links.get((parent, child), self.share_ppm)


@dataclass(frozen=True, slots=True)
class Fee:
    """An operator's fee: its part of receipts in parts per million; `incomes` None takes of all."""

    name: str
    rate_ppm: int
    incomes: frozenset[str] | None

    def find_units(self, income: str, units: int) -> int:
        """Step 1: what it takes of a receipt."""
        return units * self.rate_ppm // MILLION if self.incomes is None or income in self.incomes else 0


@dataclass(frozen=True, slots=True)
class Withholding:
    """`[reserve]`: the part of earnings that is withheld, in parts per million, and for how many days."""

    rate_ppm: int
    release_after_days: int


@dataclass(frozen=True, slots=True)
class Release:
    """`[held]`: for how many days money waits, and the rule that reserves are divided by then; None: they stay."""

    after_days: int
    reserve: str | None


@dataclass(frozen=True, slots=True)
class Licensing:
    """Who licenses to whom, with which notice and tail. `classes`: class of licensees → hash of its document."""

    licensor: str = ""
    licensee: str = ""
    notice_days: int = 0
    tail_days: int = 0
    classes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Programme:
    """`quorum`: lane → the share that must agree in parts per million, None for everyone. `tiers`: weight × 1,000,000.
    `thresholds` and `payout_fees` in units, of named currencies."""

    programme_id: str
    purposes: tuple[str, ...]
    licence: str
    territory: str
    quorum: dict[str, int | None]
    incomes: tuple[Income, ...]
    thresholds: dict[str, int] = field(default_factory=dict)
    payout_fees: dict[str, int] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=dict)
    lineage: Lineage | None = None
    conversion: str | None = None
    fees: tuple[Fee, ...] = ()
    withholding: Withholding | None = None
    licensing: Licensing = field(default_factory=Licensing)
    valid_from: str = "0001-01-01"
    valid_to: str = "9999-12-31"
    version: int = 1
    release: Release | None = None

    def find_threshold(self, currency: str) -> int:
        """At least one minor unit."""
        return max(self.thresholds.get(currency, UNITS_PER_MINOR), UNITS_PER_MINOR)

    def find_fees(self, income: str, units: int) -> dict[str, int]:
        """What each fee takes of a receipt of this income, in ledger units."""
        found = {fee.name: fee.find_units(income, units) for fee in self.fees}
        return {name: taken for name, taken in found.items() if taken}


def is_rule(value: object) -> bool:
    """`"everyone"`, or `{ share_ppm = … }`."""
    if type(value) is dict:
        share = value.get("share_ppm")
        return value.keys() == {"share_ppm"} and type(share) is int and 0 < share <= MILLION
    return value == "everyone"


def is_hash(value: object) -> bool:
    return type(value) is str and re.fullmatch("[0-9a-f]{64}", value) is not None


TERMS: dict[str, Check] = {
    "format": lambda value: value == "ritornello-programme-1",
    "programme_id": is_text,
    "version": is_count,
    "title": is_text,
    "licensor": is_text,
    "licensee": is_text,
    "purposes": is_texts,
    "licence": is_text,
    "valid_from": lambda value: type(value) is date,
    "valid_to": lambda value: type(value) is date,
    "notice_days": is_count,
    "tail_days": is_count,
    "territory": lambda value: type(value) is str and re.fullmatch("[A-Z]{2}", value) is not None,
    "quorum": lambda value: is_texts(value) or (type(value) is dict and all(map(is_rule, value.values()))),
    "lanes": is_lanes,
    "parity": is_texts,
    "tiers": is_texts_by_name,
    "income": is_tables,
    "lineage": is_table,
    "conversion": is_table,
    "fee": is_tables,
    "reserve": is_table,
    "held": is_table,
    "payout": is_table,
    "min_count_shown": lambda value: is_count(value) and value <= MOST_DAYS,
    "classes": lambda value: type(value) is dict and all(map(is_hash, value.values())),
}
OPTIONAL_TERMS = {"classes", "min_count_shown", "payout", "territory", "parity", "tiers", "lineage", "conversion", "fee", "reserve", "held"}
LINEAGE: dict[str, Check] = {
    "ancestors": choose("all", "direct"),
    "share_ppm": is_ppm,
    "links": is_tables,
    "divide_by": choose(EXPOSURE, COUNT, SECONDS),
}
LINK: dict[str, Check] = {"parent": is_text, "child": is_text, "share_ppm": is_ppm}
FEE: dict[str, Check] = {"name": is_name, "rate": is_text, "incomes": is_texts}
WITHHOLDING: dict[str, Check] = {"rate": is_text, "release_after_days": lambda value: is_positive(value) and value <= MOST_DAYS}
HELD: dict[str, Check] = {
    "release_after_days": lambda value: is_positive(value) and value <= MOST_DAYS,
    "reserve": choose(EXPOSURE, COUNT, SECONDS),
}
PAYOUT: dict[str, Check] = {"thresholds": is_table, "fees": is_table}


def read_programme(data: bytes) -> Programme:
    try:
        terms = tomllib.loads(data.decode("utf-8"), parse_float=refuse_float)
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        refuse(f"cannot be read as TOML: {error}")
    check_members(terms, TERMS, "", TERMS.keys() - OPTIONAL_TERMS)
    incomes = read_incomes(terms)
    conversion = read_conversion(terms.get("conversion"), incomes)
    tiers = {name: read_millionths(weight, f"tier {name}: ") for name, weight in terms.get("tiers", {}).items()}
    if not tiers and any(income.divide_by == POINTS for income in incomes):
        refuse("points need tiers")
    payout = terms.get("payout", {})
    check_members(payout, PAYOUT, "payout: ", ())
    return Programme(
        programme_id=terms["programme_id"],
        purposes=tuple(terms["purposes"]),
        licence=terms["licence"],
        territory=terms.get("territory", "WW"),
        quorum=read_quorum(terms["quorum"]),
        incomes=incomes,
        thresholds={
            currency: read_money(amount, currency, f"threshold {currency}: ") for currency, amount in payout.get("thresholds", {}).items()
        },
        payout_fees={
            currency: read_price(amount, currency, f"payout fee {currency}: ") for currency, amount in payout.get("fees", {}).items()
        },
        tiers=tiers,
        lineage=read_lineage(terms["lineage"]) if "lineage" in terms else None,
        conversion=conversion,
        fees=read_fees(terms.get("fee", []), {income.name for income in incomes}),
        withholding=read_withholding(terms["reserve"]) if "reserve" in terms else None,
        licensing=Licensing(
            licensor=terms["licensor"],
            licensee=terms["licensee"],
            notice_days=terms["notice_days"],
            tail_days=terms["tail_days"],
            classes=dict(terms.get("classes", {})),
        ),
        valid_from=terms["valid_from"].isoformat(),
        valid_to=terms["valid_to"].isoformat(),
        version=terms["version"],
        release=read_release(terms["held"]) if "held" in terms else None,
    )


def read_quorum(terms: list[str] | dict[str, Any]) -> dict[str, int | None]:
    if isinstance(terms, list):
        return dict.fromkeys(terms)
    return {lane: None if rule == "everyone" else rule["share_ppm"] for lane, rule in terms.items()}


def read_incomes(terms: dict[str, Any]) -> tuple[Income, ...]:
    parity = [read_parity(rule) for rule in terms.get("parity", [])]
    common = level(terms["lanes"], parity, "lanes: ")
    incomes = []
    for number, item in enumerate(terms["income"], 1):
        where = f"income {number}: "
        own = item.get("lanes", terms["lanes"])
        if not is_lanes(own):
            refuse(f"{where}lanes is no table of parts per million that total {MILLION}")
        lanes = level(own, parity, where) if "lanes" in item else common
        incomes.append(read_income(item, lanes, terms["notice_days"], where))
    if len({income.name for income in incomes}) != len(incomes):
        refuse("two incomes have the same name")
    return tuple(incomes)


def read_parity(rule: str) -> tuple[str, str]:
    match = PARITY_FORM.fullmatch(rule)
    lanes = [] if match is None else [match[1].strip(), match[2].strip()]
    if len(set(lanes)) != 2 or not LANES.issuperset(lanes):
        refuse(f"parity: {rule[:40]!r} is not of the form lane>=lane")
    return lanes[0], lanes[1]


def level(lanes: dict[str, int], parity: list[tuple[str, str]], where: str) -> dict[str, int]:
    """Lanes after parity: where the first would get less than the second, both get half of what they have together."""
    rules = [rule for rule in parity if lanes.keys() >= set(rule)]
    levelled = dict(lanes)
    for _ in rules:
        for first, second in rules:
            one, other = levelled[first], levelled[second]
            if one < other:
                levelled[second] = (one + other) // 2
                levelled[first] = one + other - levelled[second]
    if any(levelled[first] < levelled[second] for first, second in rules):
        refuse(f"{where}parity cannot be reached")
    return levelled


def read_lineage(terms: dict[str, Any]) -> Lineage:
    check_members(terms, LINEAGE, "lineage: ", {"ancestors", "divide_by"})
    links: dict[tuple[str, str], int] = {}
    for number, link in enumerate(terms.get("links", []), 1):
        check_members(link, LINK, f"lineage: link {number}: ", LINK)
        if (link["parent"], link["child"]) in links:
            refuse(f"lineage: link {number} is there twice")
        links[link["parent"], link["child"]] = link["share_ppm"]
    return Lineage(terms["ancestors"] == "direct", terms.get("share_ppm", 0), links, terms["divide_by"])


def read_conversion(terms: dict[str, Any] | None, incomes: tuple[Income, ...]) -> str | None:
    if terms is None:
        return None
    check_members(terms, {"currency": is_currency}, "conversion: ", {"currency"})
    for income in incomes:
        if income.minimum_units is not None and income.currency != terms["currency"]:
            refuse(f"income {income.name}: the minimum is not in the currency that receipts are converted to")
    return str(terms["currency"])


def read_fees(items: list[dict[str, Any]], incomes: set[str]) -> tuple[Fee, ...]:
    fees = []
    for number, item in enumerate(items, 1):
        where = f"fee {number}: "
        check_members(item, FEE, where, {"name", "rate"})
        unknown = sorted(set(item.get("incomes", [])) - incomes)
        if unknown:
            refuse(f"{where}{unknown[0][:40]!r} is no income")
        fees.append(Fee(item["name"], read_rate(item["rate"], f"{where}rate "), frozenset(item["incomes"]) if "incomes" in item else None))
    if len({PAYOUT_FEE, *(fee.name for fee in fees)}) != len(fees) + 1:
        refuse("two fees have the same name, or that of what payouts cost")
    for income in incomes:
        if sum(fee.find_units(income, MILLION) for fee in fees) > MILLION:
            refuse(f"the fees of income {income} are more than all of it")
    return tuple(fees)


def read_withholding(terms: dict[str, Any]) -> Withholding:
    check_members(terms, WITHHOLDING, "reserve: ", WITHHOLDING)
    return Withholding(read_rate(terms["rate"], "reserve: rate "), terms["release_after_days"])


def read_release(terms: dict[str, Any]) -> Release:
    check_members(terms, HELD, "held: ", {"release_after_days"})
    return Release(terms["release_after_days"], terms.get("reserve"))


def refuse_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is a floating-point number")
