"""NACHA (ACH) credits: PPD to persons, CCD to organisations, in US dollars. Records of 94 characters, in blocks of ten.

Layout: Nacha Operating Rules, appendix on ACH record formats, as banks publish it. Domestic payments only: money that comes from or goes
to a bank abroad needs IAT entries, which this doesn't write. The file has credits only; a bank that wants the offsetting debit adds it.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from ritornello.domain.payout_account import US_BANK
from ritornello.formats.payouts.latin import latin
from ritornello.formats.payouts.payment import Debtor, FileHeader, Obstacle, Originator, Payment

RECORD, BLOCK = 94, 10
MODIFIERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"  # tell the files of one day apart
_MOST = 9_999_999_999  # cents of one entry
_CREDITS_ONLY = "220"
_CODES = {"checking": "22", "savings": "32"}


def obstacle(payment: Payment, debtor: Debtor) -> Obstacle | None:
    """Why the payment can't go into such a file; None when it can."""
    if payment.details.kind != US_BANK:
        return Obstacle(f"is paid through another door ({payment.details.masked})", "write a file of the format for that kind of account")
    if payment.currency != "USD":
        return Obstacle(f"is in {payment.currency}, and ACH moves dollars", "record an account for that currency")
    if debtor.originator is None:
        return Obstacle("the debtor file has no [nacha]", "add it, with what your bank gave you")
    if payment.amount_minor > _MOST:
        return Obstacle("is more than one ACH entry holds", "pay it by hand")
    if not latin(payment.details.holder or "", 22):
        return Obstacle("the holder's name has no character that a bank takes", "record the account with the name in Latin letters")
    return None


def render(header: FileHeader, batch_id: str, payments: Sequence[Payment]) -> bytes:
    """The file's bytes: one batch for persons, one for organisations; entries by payout."""
    payer = header.debtor.originator
    assert payer is not None and header.day_sequence < len(MODIFIERS)
    records, hashes, entries, cents, trace = [_file_header(header, payer)], 0, 0, 0, 0
    ordered = sorted(payments, key=lambda payment: (_entry_class(payment), payment.payout_id))
    batches = [(name, list(group)) for name, group in groupby(ordered, key=_entry_class)]
    for number, (entry_class, group) in enumerate(batches, 1):
        records.append(_batch_header(header, payer, entry_class, number))
        for payment in group:
            trace += 1
            records.append(_entry(payment, payer, trace))
        routed, total = sum(int(payment.details.routing[:8]) for payment in group if payment.details.routing), _total(group)
        records.append(_batch_control(payer, number, len(group), routed, total))
        hashes, entries, cents = hashes + routed, entries + len(group), cents + total
    blocks = -(-(len(records) + 1) // BLOCK)
    records.append(
        "9"
        + _number(len(batches), 6)
        + _number(blocks, 6)
        + _number(entries, 8)
        + _hash(hashes)
        + _number(0, 12)
        + _number(cents, 12)
        + " " * 39
    )
    records += ["9" * RECORD] * (blocks * BLOCK - len(records))
    assert all(len(record) == RECORD for record in records)
    return "".join(f"{record}\n" for record in records).encode("ascii")


def _file_header(header: FileHeader, payer: Originator) -> str:
    return (
        "101"
        f" {payer.routing}"
        + payer.origin.rjust(10)
        + f"{header.created_at:%y%m%d%H%M}"
        + MODIFIERS[header.day_sequence]
        + "094101"
        + _left(payer.bank_name, 23)
        + _left(payer.company_name, 23)
        + _left(header.message_id[:8], 8)
    )


def _batch_header(header: FileHeader, payer: Originator, entry_class: str, number: int) -> str:
    return (
        "5"
        + _CREDITS_ONLY
        + _left(payer.company_name, 16)
        + " " * 20
        + payer.company_id.ljust(10)
        + entry_class
        + _left("ROYALTIES", 10)
        + " " * 6
        + f"{header.execute_on:%y%m%d}"
        + "   1"
        + payer.routing[:8]
        + _number(number, 7)
    )


def _entry(payment: Payment, payer: Originator, trace: int) -> str:
    details = payment.details
    assert details.routing is not None and details.account_type is not None
    return (
        "6"
        + _CODES[details.account_type]
        + details.routing
        + details.number.ljust(17)
        + _number(payment.amount_minor, 10)
        + _left(payment.short_id, 15)
        + _left(details.holder or "", 22)
        + "  0"
        + payer.routing[:8]
        + _number(trace, 7)
    )


def _batch_control(payer: Originator, number: int, entries: int, routed: int, cents: int) -> str:
    return (
        "8"
        + _CREDITS_ONLY
        + _number(entries, 6)
        + _hash(routed)
        + _number(0, 12)
        + _number(cents, 12)
        + payer.company_id.ljust(10)
        + " " * 25
        + payer.routing[:8]
        + _number(number, 7)
    )


def _entry_class(payment: Payment) -> str:
    return "PPD" if payment.party_kind == "person" else "CCD"


def _total(payments: Sequence[Payment]) -> int:
    return sum(payment.amount_minor for payment in payments)


def _hash(routed: int) -> str:
    """The last ten digits of the sum of the receiving banks' first eight."""
    return f"{routed % 10**10:010d}"


def _number(value: int, width: int) -> str:
    text = str(value).zfill(width)
    assert len(text) == width, "a number is too large for its field"
    return text


def _left(text: str, width: int) -> str:
    return latin(text, width).ljust(width)


def split_records(text: str) -> Iterator[tuple[int, str]]:
    """(line number, record) of a file whose lines are records, or that has no line ends at all."""
    lines = text.splitlines() if "\n" in text or "\r" in text else [text[at : at + RECORD] for at in range(0, len(text), RECORD)]
    yield from enumerate(lines, 1)
