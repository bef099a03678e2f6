"""Where a party is paid: typed accounts, what of them may be shown, and which one is good for a currency.

Whatever a bank needs (`AccountDetails`) is shown nowhere but in a payout file: its `repr` is masked, so that no traceback can tell it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

IBAN, US_BANK, BANK, PAYPAL, WISE, TIPALTI, PAYONEER, REFERENCE = KINDS = (
    "iban",
    "us_bank",
    "bank",
    "paypal",
    "wise",
    "tipalti",
    "payoneer",
    "reference",
)
SECRET_KINDS = frozenset({IBAN, US_BANK, BANK, PAYPAL})  # the others mean something only inside the operator's own account at the service
KIND_WORDS = {
    IBAN: "IBAN",
    US_BANK: "US account",
    BANK: "bank account",
    PAYPAL: "PayPal",
    WISE: "Wise recipient",
    TIPALTI: "Tipalti payee",
    PAYONEER: "Payoneer payee",
    REFERENCE: "reference",
}
_TELLING = re.compile(
    r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}"  # shaped like an IBAN
    r"|[0-9](?:[ -]?[0-9]){5,}"  # six digits and more
    r"|[^\s@,;:<>\"']+@[^\s@,;:<>\"']+"  # an e-mail address
)


@dataclass(frozen=True, slots=True, repr=False)
class AccountDetails:
    """What it takes to pay somebody."""

    kind: str
    number: str  # IBAN, account number, e-mail address, or what the service calls the payee
    holder: str | None = None  # the name of the account's holder, as the bank knows it
    bic: str | None = None
    routing: str | None = None  # ABA routing transit number
    account_type: str | None = None  # "checking" or "savings", for US accounts
    street: str | None = None
    post_code: str | None = None
    city: str | None = None
    country: str | None = None  # of the holder's address

    def __repr__(self) -> str:
        return f"<{self.masked}>"

    @property
    def masked(self) -> str:
        """What people may see: the kind and at most the last four characters, never more than half."""
        return f"{KIND_WORDS[self.kind]} {mask(self.number)}"


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """One account of a party as recorded: who said so and when; and when it stopped being used. The details lie elsewhere, sealed."""

    account_id: str
    party_id: str
    kind: str
    currency: str | None  # None: any
    masked: str
    commitment: str  # SHA-256 over a salt and the details: shows that sealed details are those that were recorded
    recorded_at_us: int
    recorded_by: str
    ended_at_us: int | None = None
    ended_by: str | None = None
    ended_why: str | None = None

    def known_at(self, at_us: int) -> bool:
        """Recorded by then and not yet ended."""
        return self.recorded_at_us <= at_us and (self.ended_at_us is None or self.ended_at_us > at_us)


def mask(text: str) -> str:
    """At most the last four characters, and never more than half of it.

    >>> mask("DE89370400440532013000"), mask("a@b.c"), mask("7")
    ('…3000', '….c', '…')
    """
    shown = min(4, len(text) // 2)
    return "…" + (text[-shown:] if shown else "")


def mask_within(text: str) -> str:
    """A sentence with everything masked that looks like an account number or an e-mail address.

    >>> mask_within("account DE89 3704 0044 0532 0130 00 is closed")
    'account …3000 is closed'
    """
    return _TELLING.sub(lambda found: mask(re.sub(r"[ -]", "", found[0])), text)


def looks_like_bank_data(text: str) -> bool:
    """Whether a text that should be a service's reference is rather an IBAN or an e-mail address."""
    return bool(re.fullmatch(r"[A-Za-z]{2}[0-9]{2}[A-Za-z0-9]{11,30}", re.sub(r"[\s-]", "", text))) or "@" in text


def account_for(accounts: Iterable[PayoutAccount], currency: str) -> PayoutAccount | None:
    """Of a party's accounts in use, the one for this currency, or else the one for any currency."""
    by_currency = {account.currency: account for account in accounts}
    return by_currency.get(currency) or by_currency.get(None)
