"""Who pays, from TOML: docs/formats/payout-files.md. All problems at once; account numbers are never repeated."""

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ritornello.domain import identifiers
from ritornello.domain.errors import Problem, raise_if_any
from ritornello.domain.money import is_known
from ritornello.domain.payout_account import mask_within
from ritornello.formats.bank_identifiers import bic_of, parse_bic, parse_iban, parse_routing
from ritornello.formats.payouts.latin import latin
from ritornello.formats.payouts.payment import Debtor, DebtorAccount, Originator

FORMAT = "ritornello-debtor-1"
CHARGES = ("SHAR", "DEBT", "CRED")
_TOP = {"format", "name", "identification", "street", "post_code", "city", "country", "charges", "account", "nacha", "wise"}
_ACCOUNT, _NACHA, _WISE = (
    {"currency", "iban", "number", "bic"},
    {"routing", "bank_name", "origin", "company_id", "company_name"},
    {"currency"},
)
T = TypeVar("T")


def read_debtor(name: str, data: bytes) -> Debtor:
    """The payer in a file's bytes; `name` is the file's name for messages. Raises BadInput with every problem."""
    reader = _Reader(name)
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise_if_any([Problem(name, None, None, mask_within(f"is not valid TOML: {error}"), "correct the file")])
        raise AssertionError from error
    reader.unknown(table, _TOP, "")
    if table.get("format") != FORMAT:
        reader.problem("format", f"is not {FORMAT!r}", f'write format = "{FORMAT}"')
    debtor = Debtor(
        name=reader.need(table, "name", "", _parse_name) or "",
        country=reader.need(table, "country", "", identifiers.parse_country) or "",
        identification=reader.may(table, "identification", "", _text_of(35)),
        street=reader.may(table, "street", "", _text_of(70)),
        post_code=reader.may(table, "post_code", "", _text_of(16)),
        city=reader.may(table, "city", "", _text_of(35)),
        charges=reader.may(table, "charges", "", _parse_charges) or "SHAR",
        accounts=_accounts(reader, table.get("account", [])),
        originator=_originator(reader, table.get("nacha")),
        wise_currency=reader.need(reader.table(table["wise"], "wise", _WISE), "currency", "wise.", _parse_currency)
        if "wise" in table
        else None,
    )
    raise_if_any(reader.problems)
    return debtor


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def problem(self, place: str, what: str, todo: str) -> None:
        self.problems.append(Problem(self.file, None, mask_within(place), mask_within(what), todo))

    def unknown(self, table: Mapping[str, Any], known: set[str], place: str) -> None:
        for key in sorted(set(table) - known):
            self.problem(place + key, "is not a key of this format", f"remove or correct it; known are {', '.join(sorted(known))}")

    def table(self, value: Any, place: str, known: set[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self.problem(place, "is not a table", f"write [{place}]")
            return {}
        self.unknown(value, known, f"{place}.")
        return value

    def need(self, table: Mapping[str, Any], key: str, place: str, parse: Callable[[str], T]) -> T | None:
        if not table.get(key):
            self.problem(place + key, "is missing", f"add {key}")
            return None
        return self.may(table, key, place, parse)

    def may(self, table: Mapping[str, Any], key: str, place: str, parse: Callable[[str], T]) -> T | None:
        value = table.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.problem(place + key, "is not text", f'write {key} = "…"')
            return None
        try:
            return parse(value.strip())
        except ValueError as error:
            self.problem(place + key, str(error), "correct it")
            return None


def _accounts(reader: _Reader, rows: Any) -> tuple[DebtorAccount, ...]:
    if not isinstance(rows, list):
        reader.problem("account", "is not a list of tables", "write [[account]]")
        return ()
    accounts: list[DebtorAccount] = []
    for number, row in enumerate(rows, 1):
        place = f"account {number}"
        row = reader.table(row, place, _ACCOUNT)
        currency = reader.need(row, "currency", f"{place}.", _parse_currency)
        iban = reader.may(row, "iban", f"{place}.", parse_iban)
        other = reader.may(row, "number", f"{place}.", _text_of(34))
        bic = reader.may(row, "bic", f"{place}.", parse_bic)
        if ("iban" in row) == ("number" in row):
            reader.problem(place, "has not exactly one of iban and number", "write the one your bank gave you")
        if any(account.currency == currency for account in accounts):
            reader.problem(f"{place}.currency", f"{currency} has an account already", "keep the one that payouts are made from")
        accounts.append(DebtorAccount(currency or "", iban, other, bic or (bic_of(iban) if iban else None)))
    return tuple(accounts)


def _originator(reader: _Reader, value: Any) -> Originator | None:
    if value is None:
        return None
    table, place = reader.table(value, "nacha", _NACHA), "nacha."
    return Originator(
        routing=reader.need(table, "routing", place, parse_routing) or "",
        bank_name=reader.need(table, "bank_name", place, _text_of(23)) or "",
        origin=reader.need(table, "origin", place, _parse_ten) or "",
        company_id=reader.need(table, "company_id", place, _parse_ten) or "",
        company_name=reader.need(table, "company_name", place, _text_of(16)) or "",
    )


def _parse_name(text: str) -> str:
    if not latin(text, 70):
        raise ValueError("has no character that a bank takes")
    return _text_of(140)(text)


def _parse_currency(text: str) -> str:
    if not is_known(text):
        raise ValueError(f"{text!r} is not an ISO 4217 currency such as EUR")
    return text


def _parse_charges(text: str) -> str:
    if text not in CHARGES:
        raise ValueError(f"{text!r} is not one of {', '.join(CHARGES)}")
    return text


def _parse_ten(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Z]{9,10}", text):
        raise ValueError("is not the nine or ten digits (or capital letters) that the bank assigned")
    return text


def _text_of(limit: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text or len(text) > limit or any(ord(character) < 32 for character in text):
            raise ValueError(f"is empty, longer than {limit} characters, or has control characters in it")
        return text

    return parse
