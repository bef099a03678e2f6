"""The ledger as others' plain-text accounting programs take it: account names, amounts, and transfers as entries (docs/formats/accounting.md)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from itertools import groupby

from ritornello.domain.ledger import CHART, Header, Posting
from ritornello.domain.money import digits_of

ROOTS = {"asset": "Assets", "liability": "Liabilities"}
_NO_CAPITAL = "0-00"  # stands before what does not begin with a small letter or a digit; its code is no character of a name
_PLAIN = re.compile(r"[A-Za-z0-9]")
_ESCAPE = re.compile(r"-(-|[0-9A-F]{2})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer with its postings and the batch it is part of."""

    header: Header
    transfer_id: str
    postings: tuple[Posting, ...]

    @property
    def day(self) -> date:
        """The day (UTC) on which it was recorded."""
        return day_of(self.header)

    @property
    def pending(self) -> bool:
        return any(posting.state == "pending" for posting in self.postings)


@dataclass(frozen=True, slots=True)
class Account:
    """An account that has postings: its own name, its name there, its first day, and its balance (debit positive) by currency, zero too."""

    own: str
    name: str
    first_day: date
    balances: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Journal:
    """Everything that an export holds. `last` is the newest batch in it."""

    title: str
    accounts: tuple[Account, ...]
    entries: tuple[Entry, ...]
    last: Header
    sha256: str  # of the newest batch


def make_journal(
    title: str, headers: Iterable[tuple[Header, str]], rows: Iterable[tuple[int, Posting]], owed: Mapping[tuple[str, str], int]
) -> Journal | None:
    """From (header, hash) and (batch number, posting), both in the ledger's order, and from what is owed to each account; None of nothing."""
    by_seq = {header.seq: (header, sha256) for header, sha256 in headers}
    if not by_seq:
        return None
    entries = tuple(_entries({seq: header for seq, (header, _) in by_seq.items()}, rows))
    first_days: dict[str, date] = {}
    currencies: dict[str, set[str]] = {}
    for entry in entries:
        for posting in entry.postings:
            first_days.setdefault(posting.account, entry.day)
            currencies.setdefault(posting.account, set()).add(posting.currency)
    accounts = tuple(
        Account(own, account_name(own), first_days[own], {currency: -owed.get((own, currency), 0) for currency in sorted(currencies[own])})
        for own in sorted(currencies)
    )
    return Journal(title, accounts, entries, *by_seq[max(by_seq)])


@cache
def account_name(own: str) -> str:
    """The account's name in Beancount's alphabet; no two accounts share one. A slash becomes a level of the name.

    >>> account_name("party:ana-1"), account_name("pool:share/M/EUR")
    ('Liabilities:Party:Ana--1', 'Liabilities:Pool:Share:0-00M:0-00EUR')
    """
    name, _, rest = own.partition(":")
    return ":".join((ROOTS[CHART[name].kind], name.capitalize(), *(_encode(part) for part in rest.split("/"))))


def own_name(name: str) -> str:
    """The way back."""
    _, kind, *parts = name.split(":")
    return f"{kind.lower()}:{'/'.join(_decode(part) for part in parts)}"


def format_amount(units: int, currency: str) -> str:
    """With every decimal that the ledger has, so that a program that looks at the written digits sees them all."""
    digits = digits_of(currency) + 4
    whole, fraction = divmod(abs(units), 10**digits)
    return f"{'-' if units < 0 else ''}{whole}.{fraction:0{digits}d}"


def day_of(header: Header) -> date:
    return datetime.fromtimestamp(header.recorded_at_us / 1_000_000, UTC).date()


def _entries(headers: Mapping[int, Header], rows: Iterable[tuple[int, Posting]]) -> Iterator[Entry]:
    for (seq, transfer_id), group in groupby(rows, key=lambda row: (row[0], row[1].transfer_id)):
        yield Entry(headers[seq], transfer_id, tuple(posting for _, posting in group))


def _encode(part: str) -> str:
    text = "".join(each if _PLAIN.fullmatch(each) else "--" if each == "-" else f"-{ord(each):02X}" for each in part)
    if part[:1].islower():
        return text[0].upper() + text[1:]
    return text if part[:1].isdecimal() else _NO_CAPITAL + text


def _decode(text: str) -> str:
    bare = text.removeprefix(_NO_CAPITAL)
    part = _ESCAPE.sub(lambda match: "-" if match[1] == "-" else chr(int(match[1], 16)), bare)
    return part if bare != text or not text[:1].isupper() else part[0].lower() + part[1:]
