"""Money as integers: currencies, the ledger unit, and division that loses nothing.

The ledger unit is 1/10,000 of a currency's minor unit (docs/decisions/0003), so EUR 1 = 1,000,000 units and JPY 1 = 10,000 units.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import TypeVar

UNITS_PER_MINOR = 10_000
_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")


Key = TypeVar("Key", str, int)


def apportion(total: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    """Divide `total` over keys in proportion to integer weights, by largest remainder (Hamilton's method).

    Equal remainders are served in ascending key order, so the result does not depend on the mapping's order. Parts sum to `total`.

    >>> apportion(10, {"a": 1, "b": 1, "c": 1})
    {'a': 4, 'b': 3, 'c': 3}
    """
    whole = sum(weights.values())
    assert total >= 0 and whole > 0 and all(weight >= 0 for weight in weights.values()), "apportion needs a total >= 0 and weights >= 0"
    parts = {key: total * weight // whole for key, weight in weights.items()}
    left = total - sum(parts.values())
    by_remainder = sorted(sorted(weights), key=lambda key: -(total * weights[key] % whole))
    for key in by_remainder[:left]:
        parts[key] += 1
    assert sum(parts.values()) == total
    return parts


def digits_of(currency: str) -> int:
    """How many decimal digits the minor unit of a currency has that was accepted before."""
    return _DIGITS.get(currency, 2)


def is_known(currency: str) -> bool:
    """True for every currency this table has ever known: balances outlive their currency."""
    return currency in _CURRENCIES or currency in _WITHDRAWN


def minor_digits(currency: str, day: date) -> int:
    """How many decimal digits the currency's minor unit has (ISO 4217). Raises ValueError for a currency that is unknown or not valid on the day."""
    if currency in _WITHDRAWN:
        last = _WITHDRAWN[currency]
        if day > last:
            raise ValueError(f"currency {currency} ended on {last}")
    elif currency not in _CURRENCIES:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code such as EUR")
    since = _INTRODUCED.get(currency)
    if since and day < since:
        raise ValueError(f"currency {currency} began on {since}")
    return digits_of(currency)


def parse_decimal(text: str, digits: int) -> int:
    """`text` × 10^digits as an exact integer. Raises ValueError when it is no plain decimal number or has more digits than that."""
    match = _DECIMAL.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a plain decimal number such as 1234.56 (no thousands separators, no currency sign)")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if len(fraction) > digits:
        raise ValueError(f"{text!r} has more than {digits} digits after the decimal point")
    if len(whole) > 12:
        raise ValueError(f"{text!r} is too large: at most twelve digits before the point")
    value = int(whole + fraction.ljust(digits, "0"))
    return -value if sign else value


def parse_units(text: str, digits: int) -> int:
    """An amount of a currency with `digits` minor digits, in ledger units."""
    return parse_decimal(text, digits + 4)


def format_units(units: int, digits: int) -> str:
    """Ledger units as an exact decimal number, with the minor digits at least: `3.33`, `0.0001`.

    >>> format_units(3_330_000, 2), format_units(-100, 2), format_units(20_000, 0)
    ('3.33', '-0.0001', '2')
    """
    scale = digits + 4
    whole, fraction = divmod(abs(units), 10**scale)
    text = f"{fraction:0{scale}d}".rstrip("0").ljust(digits, "0")
    return f"{'-' if units < 0 else ''}{whole}{'.' + text if text else ''}"


# ISO 4217, list one (active). Funds codes, metals and test codes are left out: nobody is paid in them.
_CURRENCIES = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE
    CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
    KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
    NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
    TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG""".split()
)
_DIGITS = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
# Recently withdrawn codes that old reports still carry, with their last day.
_WITHDRAWN = {
    "ANG": date(2025, 3, 31),
    "BGN": date(2025, 12, 31),
    "HRK": date(2022, 12, 31),
    "LTL": date(2014, 12, 31),
    "LVL": date(2013, 12, 31),
    "SLL": date(2023, 12, 31),
    "ZWL": date(2024, 8, 31),
}
_INTRODUCED = {"XCG": date(2025, 3, 31), "ZWG": date(2024, 4, 8), "SLE": date(2022, 4, 1), "VED": date(2021, 10, 1)}
