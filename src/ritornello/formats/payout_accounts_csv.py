"""The operator's spreadsheet of payout accounts. Columns: docs/formats/spreadsheets.md.

No message repeats what a cell holds: what looks like an account number anywhere in a problem is masked.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ritornello.domain import identifiers
from ritornello.domain.money import is_known
from ritornello.domain.payout_account import (
    BANK,
    IBAN,
    KINDS,
    PAYONEER,
    PAYPAL,
    REFERENCE,
    TIPALTI,
    US_BANK,
    WISE,
    AccountDetails,
    looks_like_bank_data,
    mask_within,
)
from ritornello.formats.bank_identifiers import parse_bic, parse_iban, parse_routing
from ritornello.formats.sheet import Cells, Sheet, read_sheet

OPTIONAL = ["holder", "bic", "routing", "account_type", "currency", "street", "post_code", "city", "country"]
ACCOUNT_TYPES = ("checking", "savings")
_NEEDED = {
    IBAN: ("holder", "country"),
    US_BANK: ("holder", "routing", "country"),
    BANK: ("holder", "bic", "city", "country"),
    WISE: ("holder",),
    PAYPAL: (),
    TIPALTI: (),
    PAYONEER: (),
    REFERENCE: (),
}
_EMAIL = re.compile(r"[^\s@,;:<>\"'()]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One row: the account that a party wants to be paid to, in one currency or in any."""

    row: int
    party_id: str
    currency: str | None
    details: AccountDetails


def read_payout_accounts(path: Path) -> tuple[list[AccountRow], Sheet]:
    """The rows that are sound, and the sheet with every problem, masked."""
    sheet = read_sheet(path, ["party_id", "kind", "number"], OPTIONAL)
    rows: list[AccountRow] = []
    first: dict[tuple[str, str | None], int] = {}
    for cells in sheet.rows:
        row = _read_row(cells)
        if row is None:
            continue
        key = (row.party_id, row.currency)
        if key in first:
            cells.problem("party_id", f"row {first[key]} names an account for the same party and currency", "keep one, or fill in currency")
            continue
        first[key] = row.row
        rows.append(row)
    sheet.problems[:] = [
        replace(problem, field=problem.field and mask_within(problem.field), what=mask_within(problem.what)) for problem in sheet.problems
    ]
    return rows, sheet


def _read_row(cells: Cells) -> AccountRow | None:
    before = len(cells.sheet.problems)
    party_id = cells.required("party_id", identifiers.parse_own)
    kind = cells.choice("kind", KINDS)
    currency = cells.optional("currency", _parse_currency)
    country = cells.optional("country", identifiers.parse_country)
    if kind is None:
        return None
    for column in _NEEDED[kind]:
        if not cells.text(column):
            cells.problem(column, f"is empty, but an account of kind {kind} needs it", f"fill in {column}")
    details = AccountDetails(
        kind=kind,
        number=cells.required("number", _NUMBERS[kind]) or "",
        holder=cells.text("holder", limit=140),
        bic=cells.optional("bic", parse_bic),
        routing=cells.optional("routing", parse_routing),
        account_type=cells.choice("account_type", ACCOUNT_TYPES, default="checking") if kind == US_BANK else None,
        street=cells.text("street", limit=70),
        post_code=cells.text("post_code", limit=16),
        city=cells.text("city", limit=35),
        country=country,
    )
    if kind == US_BANK and currency not in {None, "USD"}:
        cells.problem("currency", "is not USD, but US accounts are paid in USD", "write USD or leave it empty")
    if len(cells.sheet.problems) > before or party_id is None:
        return None
    return AccountRow(cells.number, party_id, "USD" if kind == US_BANK else currency, details)


def _parse_currency(text: str) -> str:
    if not is_known(text.upper()):
        raise ValueError("is not an ISO 4217 currency such as EUR")
    return text.upper()


def _parse_us_account(text: str) -> str:
    number = re.sub(r"[\s-]", "", text).upper()
    if not re.fullmatch(r"[0-9A-Z]{4,17}", number):
        raise ValueError("is not a US account number (4 to 17 digits)")
    return number


def _parse_other_account(text: str) -> str:
    number = re.sub(r"[\s-]", "", text).upper()
    if not re.fullmatch(r"[0-9A-Z]{4,34}", number):
        raise ValueError("is not an account number (4 to 34 letters and digits)")
    return number


def _parse_paypal(text: str) -> str:
    if not (_EMAIL.fullmatch(text) and len(text) <= 127) and not re.fullmatch(r"[A-Z0-9]{13}", text):
        raise ValueError("is neither an e-mail address nor a PayPal payer ID (13 letters and digits)")
    return text


def _parse_wise(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4,12}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise ValueError("is not a Wise recipientId (a number, or a UUID)")
    return text


def _parse_payee_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise ValueError("is not a payee ID of 1–64 letters, digits, '.', '_' and '-'")
    return text


def parse_reference(text: str) -> str:
    """Any reference that a payout service knows. Bank data isn't one: it has kinds of its own, which are encrypted."""
    if len(text) > 64:
        raise ValueError("is longer than 64 characters")
    if looks_like_bank_data(text):
        raise ValueError("looks like an IBAN or e-mail address, not a reference: import it with `ritornello payout accounts import`")
    return text


_NUMBERS: dict[str, Callable[[str], str]] = {
    IBAN: parse_iban,
    US_BANK: _parse_us_account,
    BANK: _parse_other_account,
    PAYPAL: _parse_paypal,
    WISE: _parse_wise,
    TIPALTI: _parse_payee_id,
    PAYONEER: _parse_payee_id,
    REFERENCE: parse_reference,
}
