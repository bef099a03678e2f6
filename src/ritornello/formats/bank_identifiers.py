"""IBAN, BIC and US routing numbers. No message repeats what was given: it may be somebody's account."""

import re
import warnings

import schwifty
from schwifty.exceptions import InvalidChecksumDigits, InvalidLength, SchwiftyException
from stdnum.exceptions import ValidationError
from stdnum.us import rtn


def parse_iban(text: str) -> str:
    """IBAN (ISO 13616): length and form of its country, check digits, and the country's own check digits where it has any."""
    try:
        return str(_read(text, validate=True).compact)
    except InvalidLength:
        raise ValueError("is not an IBAN: it hasn't the length of its country's") from None
    except InvalidChecksumDigits:
        raise ValueError("is not an IBAN: its check digits are wrong, so a character is mistyped") from None
    except SchwiftyException:
        raise ValueError("is not an IBAN (two letters, two check digits, then bank and account)") from None


def parse_bic(text: str) -> str:
    """BIC (ISO 9362), 8 or 11 characters."""
    try:
        return str(schwifty.BIC(text).compact)
    except SchwiftyException:
        raise ValueError("is not a BIC (8 or 11 characters: bank, country, place, branch)") from None


def parse_routing(text: str) -> str:
    """ABA routing transit number: nine digits, 3·(d₁+d₄+d₇) + 7·(d₂+d₅+d₈) + (d₃+d₆+d₉) divisible by 10."""
    try:
        return str(rtn.validate(re.sub(r"[\s-]", "", text)))
    except ValidationError:
        raise ValueError("is not a US routing number (nine digits, the last one a check digit)") from None


def in_sepa(iban: str) -> bool:
    """Whether the account's country is in the geographical scope of SEPA (EPC409-09)."""
    return bool(_read(iban).in_sepa_zone)


def bic_of(iban: str) -> str | None:
    """The BIC of the IBAN's bank, as far as public registers tell."""
    bic = _read(iban).bic
    return str(bic) if bic else None


def _read(iban: str, *, validate: bool = False) -> schwifty.IBAN:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # countries whose own check digits nobody has published
        return schwifty.IBAN(iban, validate_bban=validate)
