"""The ledger as a journal for hledger, with the same account names as for Beancount (docs/formats/accounting.md)."""

from collections.abc import Iterator
from datetime import timedelta

from ritornello.formats.journal import Entry, Journal, account_name, day_of, format_amount


def render_hledger(journal: Journal) -> bytes:
    """The same journal gives the same bytes. The last transaction moves nothing: it asserts every account's balance."""
    return "\n".join(_lines(journal)).encode() + b"\n"


def _lines(journal: Journal) -> Iterator[str]:
    yield f"; {journal.title}"
    yield f"; up to batch {journal.last.seq} ({journal.last.batch_id}), SHA-256 {journal.sha256}"
    yield "decimal-mark ."
    for currency in sorted({currency for account in journal.accounts for currency in account.balances}):
        yield f"commodity {format_amount(0, currency)} {currency}"  # hledger balances to as many decimals as this shows
    for account in journal.accounts:
        yield f"account {account.name}  ; account: {account.own}"
    for entry in journal.entries:
        yield from _transaction(entry)
    yield ""
    yield f"{day_of(journal.last) + timedelta(days=1)} balances"
    for account in journal.accounts:
        for currency, units in account.balances.items():
            yield f"  {account.name}  {format_amount(0, currency)} {currency} = {format_amount(units, currency)} {currency}"


def _transaction(entry: Entry) -> Iterator[str]:
    header = entry.header
    yield ""
    yield f"{entry.day} {'!' if entry.pending else '*'} ({header.batch_id}) {entry.transfer_id.replace(';', ',')}  ; kind: {header.kind}, batch: {header.seq}"
    for posting in entry.postings:
        yield f"  {account_name(posting.account)}  {format_amount(posting.amount_units, posting.currency)} {posting.currency}"
