"""ISO 4217 currencies with their minor digits, and ledger units: 1/10,000 of the minor unit."""

import re

UNITS_PER_MINOR = 10_000
PLACES_BELOW_MINOR = 4
"""Decimal places of a ledger unit below the minor unit."""

NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
TWO_DIGITS = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE
CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR
LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL
"""
THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
FOUR_DIGITS = "CLF UYW"

MINOR_DIGITS = {
    code: digits for digits, codes in ((0, NO_DIGITS), (2, TWO_DIGITS), (3, THREE_DIGITS), (4, FOUR_DIGITS)) for code in codes.split()
}


def read_amount(text: str, currency: str) -> int:
    """A decimal amount such as `1200.00` in ledger units; ValueError when it has more digits than the currency's minor unit."""
    digits = MINOR_DIGITS[currency]
    return read_decimal(text, digits) * UNITS_PER_MINOR


def read_decimal(text: str, digits: int) -> int:
    """A decimal number of at most `digits` places, times 10^digits."""
    if not re.fullmatch(f"[0-9]{{1,30}}([.][0-9]{{1,{digits}}})?" if digits else "[0-9]{1,30}", text):
        raise ValueError(f"{text[:40]!r} is not a decimal number with at most {digits} places")
    whole, _, places = text.partition(".")
    return int(whole + places.ljust(digits, "0"))
