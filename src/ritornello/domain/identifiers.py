"""The field's identifiers: normalise what people type, refuse what cannot be right.

Each `parse_…` takes text and returns the canonical form without separators, or raises ValueError with a sentence that says what is wrong.
Sources: ISRC ISO 3901 (no check digit); ISWC ISO 15707; IPI name number (CISAC, modulus 101); ISNI ISO 27729; EAN-13/UPC-A GS1; DPID DDEX.
"""

import re

from stdnum import ean, isni
from stdnum.exceptions import ValidationError

_OWN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_DPID = re.compile(r"PADPIDA[0-9]{10}[A-Z0-9]")


def parse_own(text: str) -> str:
    """An identifier of the operator's own: 1–64 of letters, digits, `.`, `_`, `-`. Safe as a file name and in a ledger account."""
    if not _OWN.fullmatch(text):
        raise ValueError(f"{text!r} is not an identifier of 1–64 letters, digits, '.', '_' or '-', starting with a letter or digit")
    return text


def parse_isrc(text: str) -> str:
    """ISRC, 12 characters: country or registrant prefix, registrant, year, designation."""
    isrc = _bare(text).removeprefix("ISRC")
    if not _ISRC.fullmatch(isrc):
        raise ValueError(f"{text!r} is not an ISRC (two letters, three letters or digits, seven digits)")
    return isrc


def parse_iscc(text: str) -> str:
    """An ISCC (ISO 24138) written `ISCC:…`, in base 32: checked for its form alone."""
    code = text.strip().upper()
    if not re.fullmatch(r"ISCC:[A-Z2-7]{10,104}", code):
        raise ValueError(f"{text!r} is not an ISCC such as ISCC:KACYPXW445FTYNJ3")
    return code


def parse_iswc(text: str) -> str:
    """ISWC, `T` + 9 digits + check digit (10 − (1 + Σ i·dᵢ) mod 10) mod 10."""
    iswc = _bare(text).removeprefix("ISWC")
    if not re.fullmatch(r"T[0-9]{10}", iswc):
        raise ValueError(f"{text!r} is not an ISWC (T and ten digits)")
    digits = [int(digit) for digit in iswc[1:]]
    expected = (10 - (1 + sum(i * digit for i, digit in enumerate(digits[:9], 1))) % 10) % 10
    if digits[9] != expected:
        raise ValueError(f"ISWC {text!r} has check digit {digits[9]}, computed {expected}: a digit is mistyped")
    return iswc


def parse_ipi(text: str) -> str:
    """IPI name number, 11 digits of which the last two are check digits: (101 − Σ (11−i)·dᵢ mod 101) mod 100 over the first nine, i from 1."""
    ipi = _bare(text)
    if not re.fullmatch(r"[0-9]{9,11}", ipi):
        raise ValueError(f"{text!r} is not an IPI name number (eleven digits)")
    ipi = ipi.zfill(11)
    remainder = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), ipi, strict=False)) % 101
    expected = (101 - remainder) % 101 % 100
    if int(ipi[9:]) != expected:
        raise ValueError(f"IPI name number {text!r} has check digits {ipi[9:]}, computed {expected:02d}: a digit is mistyped")
    return ipi


def parse_isni(text: str) -> str:
    """ISNI, 16 characters, ISO 7064 MOD 11-2."""
    return _checked(isni.validate, text, "ISNI")


def parse_barcode(text: str) -> str:
    """UPC-A (12 digits) or EAN-13 of a release; a UPC written as an EAN, with zeros in front, is the same UPC."""
    digits = _bare(text)
    if digits.isdigit() and ean.is_valid(digits.zfill(12)) and not ean.is_valid(digits):
        raise ValueError(
            f"{text!r} is not a valid UPC/EAN, but {digits.zfill(12)} is: the spreadsheet dropped zeros in front; format the column as text"
        )
    barcode = _checked(ean.validate, digits, "UPC/EAN")
    return barcode if len(barcode) == 8 else barcode.lstrip("0").zfill(12)


def parse_dpid(text: str) -> str:
    """DDEX party identifier, PADPIDA + 10 digits + check character (form only)."""
    dpid = _bare(text)
    if not _DPID.fullmatch(dpid):
        raise ValueError(f"{text!r} is not a DPID (PADPIDA, ten digits, one character)")
    return dpid


def parse_country(text: str) -> str:
    """ISO 3166-1 alpha-2 country, checked against the list in force (UN member and dependent territories)."""
    country = text.strip().upper()
    if country not in COUNTRIES:
        raise ValueError(f"{text!r} is not an ISO 3166-1 country code such as DE or SE")
    return country


def parse_territory(text: str) -> str:
    """`WW` for the whole world, or a country."""
    return "WW" if text.strip().upper() in {"WW", "WORLD", "WORLDWIDE"} else parse_country(text)


def _bare(text: str) -> str:
    return re.sub(r"[\s.:_/-]", "", text).upper()


def _checked(validate: "object", text: str, name: str) -> str:
    try:
        return str(validate(text))  # type: ignore[operator]
    except ValidationError as error:
        raise ValueError(f"{text!r} is not a valid {name}: {error}") from None


COUNTRIES = frozenset(
    """AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH
    CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN
    GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI
    LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM
    PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD
    TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW""".split()
)
