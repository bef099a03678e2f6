"""What goes into a payout file, whatever its format: who pays, from where, when, and each payment."""

from dataclasses import dataclass
from datetime import date, datetime

from ritornello.domain.payout_account import AccountDetails


@dataclass(frozen=True, slots=True)
class Payment:
    """One payout to one account."""

    payout_id: str
    party_id: str
    party_kind: str  # "person" or "organisation"
    currency: str
    amount_minor: int  # in the currency's minor units
    digits: int  # of the minor unit
    details: AccountDetails
    end_to_end_id: str
    remittance: str  # what the payee reads beside the amount

    @property
    def short_id(self) -> str:
        """The first 15 characters of the end-to-end identification, for formats without room for more."""
        return self.end_to_end_id[:15]

    @property
    def amount(self) -> str:
        """A plain decimal number with all digits of the minor unit."""
        return format_minor(self.amount_minor, self.digits)


@dataclass(frozen=True, slots=True, repr=False)
class DebtorAccount:
    """An account that payouts are made from."""

    currency: str
    iban: str | None
    number: str | None  # where there is no IBAN
    bic: str | None


@dataclass(frozen=True, slots=True)
class Originator:
    """What a NACHA file says of the payer and its bank (the ODFI)."""

    routing: str  # of the bank: nine digits
    bank_name: str
    origin: str  # immediate origin: ten characters, as the bank assigned it
    company_id: str  # ten characters
    company_name: str


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who pays: debtor.toml (docs/formats/payout-files.md)."""

    name: str
    country: str
    identification: str | None = None  # that the bank knows the payer by
    street: str | None = None
    post_code: str | None = None
    city: str | None = None
    charges: str = "SHAR"  # ISO 20022 ChargeBearerType1Code, outside SEPA
    accounts: tuple[DebtorAccount, ...] = ()
    originator: Originator | None = None
    wise_currency: str | None = None  # of the Wise balance that pays

    def account_for(self, currency: str) -> DebtorAccount | None:
        return next((account for account in self.accounts if account.currency == currency), None)


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What makes a file the same file when it is written again."""

    message_id: str
    created_at: datetime  # UTC
    execute_on: date
    day_sequence: int  # which file of this format on that day, from 0
    debtor: Debtor


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a payment can't go into a file, and what to do."""

    what: str
    todo: str


def format_minor(amount_minor: int, digits: int) -> str:
    """
    >>> format_minor(1234567, 2), format_minor(5, 2), format_minor(1001, 0)
    ('12345.67', '0.05', '1001')
    """
    whole, fraction = divmod(amount_minor, 10**digits)
    return f"{whole}.{fraction:0{digits}d}" if digits else str(whole)
