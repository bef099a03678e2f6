"""The ledger as a Beancount file that its checker accepts at zero tolerance (docs/formats/accounting.md)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import accumulate

from ritornello.formats.journal import Account, Entry, Journal, account_name, day_of, format_amount


def render_beancount(journal: Journal) -> bytes:
    """The same journal gives the same bytes. Every account is opened on its first day and asserted on the day after the last batch."""
    return "\n".join(_lines(journal)).encode() + b"\n"


def _lines(journal: Journal) -> Iterator[str]:
    yield f"; up to batch {journal.last.seq} ({journal.last.batch_id}), SHA-256 {journal.sha256}"
    yield f'option "title" {_text(journal.title)}'
    yield 'option "tolerance_multiplier" "0"'
    for account in journal.accounts:
        yield from _open(account)
    for entry in journal.entries:
        yield from _transaction(entry)
    after, totals = day_of(journal.last) + timedelta(days=1), _with_levels_below(journal)
    for account in journal.accounts:
        for currency in account.balances:
            yield f"{after} balance {account.name} {format_amount(totals[account.name, currency], currency)} {currency}"


def _open(account: Account) -> Iterator[str]:
    yield f"{account.first_day} open {account.name} {','.join(account.balances)}"
    yield f"  account: {_text(account.own)}"


def _transaction(entry: Entry) -> Iterator[str]:
    yield f"{entry.day} {'!' if entry.pending else '*'} {_text(entry.transfer_id)} ^{entry.header.batch_id}"
    yield f"  kind: {_text(entry.header.kind)}"
    yield f"  batch: {entry.header.seq}"
    yield f"  recorded_at_us: {entry.header.recorded_at_us}"
    for posting in entry.postings:
        yield f"  {account_name(posting.account)} {format_amount(posting.amount_units, posting.currency)} {posting.currency}"


def _with_levels_below(journal: Journal) -> dict[tuple[str, str], int]:
    """(name, currency) → balance with all accounts below: that is what Beancount compares with."""
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for account in journal.accounts:
        for name in accumulate(account.name.split(":"), "{}:{}".format):
            for currency, units in account.balances.items():
                totals[name, currency] += units
    return totals


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
