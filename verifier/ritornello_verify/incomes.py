"""`[[income]]` of the programme (programme.md): where money comes from, and how it is divided."""

from dataclasses import dataclass
from typing import Any

from ritornello_verify.forms import (
    MILLION,
    Check,
    check_members,
    choose,
    is_currency,
    is_lanes,
    is_name,
    is_positive,
    is_ppm,
    is_text,
    is_texts,
    is_texts_by_name,
    read_money,
    read_price,
    read_rate,
    read_thousandths,
    refuse,
)

EXPOSURE, COUNT, WORKS, SECONDS, POINTS, RESERVE = "exposure", "count", "works", "seconds", "points", "reserve"
ATTRIBUTION, USER_CENTRIC = "attribution", "user_centric"
HEARD = (ATTRIBUTION, USER_CENTRIC)
"""Rules that divide by what was heard in outputs."""
FALLBACKS = (EXPOSURE, COUNT, SECONDS, RESERVE)
ANY_MODEL = "*"
PUBLISHING_ALONE = {"publishing": MILLION}


@dataclass(frozen=True, slots=True)
class Income:
    """One `[[income]]` with one source: `amount_units`; or `rate_ppm` of net or gross revenue; or `unit_rate_units` for `per` of a `unit`.

    Amounts in ledger units, `lanes` in parts per million after parity. `products` and `model_versions` None lets in all."""

    name: str
    divide_by: str
    lanes: dict[str, int]
    currency: str | None = None
    amount_units: int | None = None
    period_id: str | None = None
    model_version: str = ANY_MODEL
    rate_ppm: int | None = None
    of_gross: bool = False
    unit_rate_units: int | None = None
    unit: str | None = None
    per: int = 1
    minimum_units: int | None = None
    products: frozenset[str] | None = None
    model_versions: frozenset[str] | None = None
    unattributed: str = EXPOSURE
    fallback: str = EXPOSURE
    max_error_ppm: int = 0
    levels: tuple[bool, ...] = (False,)  # whether by catalogue, in the order they are tried
    cap_ppm: int | None = None
    least_signal_e3: int | None = None

    def lets_in(self, product: str, model_version: str) -> bool:
        """Whether revenue of this product and model version is this income's."""
        return (self.products is None or product in self.products) and (self.model_versions is None or model_version in self.model_versions)


CHECKS: dict[str, Check] = {
    "name": is_name,
    "amount": is_text,
    "rate": is_text,
    "unit_rate": lambda value: is_text(value) or is_texts_by_name(value),
    "currency": is_currency,
    "divide_by": choose(EXPOSURE, COUNT, WORKS, SECONDS, POINTS, *HEARD),
    "lanes": is_lanes,
    "period": is_text,
    "model_version": is_text,
    "of": choose("net", "gross"),
    "unit": is_text,
    "per": is_positive,
    "minimum": is_text,
    "products": is_texts,
    "model_versions": is_texts,
    "unattributed": choose(*FALLBACKS, ATTRIBUTION),
    "fallback": choose(*FALLBACKS),
    "max_error_ppm": is_ppm,
    "aggregate_by": lambda value: value in ("recording", "catalogue", ["recording", "catalogue"]),
    "cap_ppm": lambda value: is_ppm(value) and value > 0,
    "min_signal_to_noise": is_text,
}
SOURCES: dict[str, tuple[set[str], set[str]]] = {
    "amount": ({"currency"}, {"period", "model_version"}),
    "rate": (set(), {"of", "minimum", "products", "model_versions", "currency"}),
    "unit_rate": ({"unit", "currency"}, {"per", "minimum", "products", "model_versions"}),
}
"""Source → keys it needs, and keys that only it (or another with it) may have."""
NEEDED_OF_HEARD = {"unattributed", "fallback", "max_error_ppm"}
OF_HEARD = {*NEEDED_OF_HEARD, "aggregate_by", "cap_ppm", "min_signal_to_noise"}
LEVELS = {"recording": (False,), "catalogue": (True,), "['recording', 'catalogue']": (False, True)}
OF_SOURCES = {"currency", "period", "model_version", "of", "minimum", "products", "model_versions", "unit", "per"}


def read_income(item: dict[str, Any], lanes: dict[str, int], notice_days: int, where: str) -> Income:
    """`lanes` are the programme's, after parity, or those of the income's own."""
    source = find_source(item, where)
    own, also = SOURCES[source]
    needed = {"name", "divide_by", *own}
    if "minimum" in item:
        needed.add("currency")
    if item.get("divide_by") in HEARD:
        needed |= NEEDED_OF_HEARD
    check_members(item, CHECKS, where, needed)
    for name in sorted(OF_SOURCES & item.keys() - own - also):
        refuse(f"{where}{name} goes with another source than {source}")
    check_rule(item, lanes, where)
    currency = item.get("currency")
    return Income(
        name=item["name"],
        divide_by=item["divide_by"],
        lanes=lanes,
        currency=currency,
        amount_units=read_money(item["amount"], currency, f"{where}amount ") if source == "amount" else None,
        period_id=item.get("period"),
        model_version=item.get("model_version", ANY_MODEL),
        rate_ppm=read_rate(item["rate"], f"{where}rate ") if source == "rate" else None,
        of_gross=item.get("of") == "gross",
        unit_rate_units=read_unit_rate(item["unit_rate"], currency, notice_days, where) if source == "unit_rate" else None,
        unit=item.get("unit"),
        per=item.get("per", 1),
        minimum_units=read_money(item["minimum"], currency, f"{where}minimum ") if "minimum" in item else None,
        products=frozenset(item["products"]) if "products" in item else None,
        model_versions=frozenset(item["model_versions"]) if "model_versions" in item else None,
        unattributed=item.get("unattributed", EXPOSURE),
        fallback=item.get("fallback", EXPOSURE),
        max_error_ppm=item.get("max_error_ppm", 0),
        levels=LEVELS[str(item.get("aggregate_by", "recording"))],
        cap_ppm=item.get("cap_ppm"),
        least_signal_e3=read_thousandths(item["min_signal_to_noise"], where) if "min_signal_to_noise" in item else None,
    )


def find_source(item: dict[str, Any], where: str) -> str:
    sources = [name for name in SOURCES if name in item]
    if len(sources) != 1:
        refuse(f"{where}needs exactly one of amount, rate and unit_rate")
    return sources[0]


def check_rule(item: dict[str, Any], lanes: dict[str, int], where: str) -> None:
    """What a rule asks of the rest of the income."""
    if item["divide_by"] in HEARD:
        if "amount" in item or (item["divide_by"] == USER_CENTRIC and "rate" not in item):
            refuse(f"{where}{item['divide_by']} cannot divide this source")
        if type(item.get("aggregate_by")) is list and "min_signal_to_noise" not in item:
            refuse(f"{where}two levels need a min_signal_to_noise")
        if "cap_ppm" in item and item["unattributed"] == ATTRIBUTION:
            refuse(f"{where}what a cap cuts off cannot go back to attribution")
    elif OF_HEARD & item.keys():
        refuse(f"{where}{min(OF_HEARD & item.keys())} goes with attribution and user_centric alone")
    if item["divide_by"] == WORKS and {lane: ppm for lane, ppm in lanes.items() if ppm} != PUBLISHING_ALONE:
        refuse(f"{where}works needs lanes of publishing alone")


def read_unit_rate(value: str | dict[str, str], currency: object, notice_days: int, where: str) -> int:
    """The price, or the step of the notice ladder with the largest number of days that is not above `notice_days`."""
    if isinstance(value, str):
        return read_price(value, currency, f"{where}unit_rate ")
    if "0" not in value or not all(days.isascii() and days.isdigit() for days in value):
        refuse(f"{where}unit_rate is no ladder of days with a step 0")
    prices = {int(days): read_price(price, currency, f"{where}unit_rate {days} ") for days, price in value.items()}
    return prices[max(days for days in prices if days <= notice_days)]
