"""What banks answer, and what an operator says by hand: each statement finds its payout, once and never by guessing (docs/payouts.md)."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ritornello.domain.errors import Refused
from ritornello.domain.money import UNITS_PER_MINOR, digits_of
from ritornello.domain.payout import CONFIRMED, FAILED, IN_FLIGHT, can_become
from ritornello.domain.payout_account import mask_within
from ritornello.formats.bank_reports import report as said
from ritornello.formats.bank_reports.read import read_bank_report
from ritornello.formats.bank_reports.report import Amount, Item
from ritornello.formats.payouts.pain001 import block_id
from ritornello.formats.payouts.payment import format_minor
from ritornello.service import payouts
from ritornello.service.context import Context
from ritornello.service.payout_book import LOOK, CannotMatch, Entries, PayoutBook
from ritornello.service.payouts import Payout
from ritornello.store import payouts as store
from ritornello.store.payouts import OpenItem


@dataclass(slots=True)
class Reading:
    """What a bank's file led to. `again`: it was read before, and nothing was done."""

    file: str
    kind: str
    again: bool = False
    others: int = 0  # entries about something else
    entries: Entries = field(default_factory=Entries)
    open_items: list[OpenItem] = field(default_factory=list)


def read(context: Context, path: Path) -> Reading:
    """Take in a bank's file, all of it or nothing. Raises BadInput with every problem of the file."""
    report, data = read_bank_report(path)
    sha256, name = hashlib.sha256(data).hexdigest(), mask_within(path.name)
    reading = Reading(name, report.kind, others=report.others)
    if store.is_read(context.connection, sha256):
        reading.again = True
        return reading
    store.add_report(context.connection, sha256, name, report.kind, len(report.items) + report.others, context.now_us())
    book = PayoutBook(context, sha256, name)
    for item in report.items:
        try:
            found = _payouts_of(book, item)
        except CannotMatch as error:
            reading.open_items.append(_open_item(sha256, len(reading.open_items) + 1, item, error))
            continue
        for payout in found:
            try:
                book.enter(payout, item)
            except CannotMatch as error:
                about = replace(item, end_to_end_id=payout.end_to_end_id)
                reading.open_items.append(_open_item(sha256, len(reading.open_items) + 1, about, error))
    book.post()
    reading.entries = book.entries
    store.add_open_items(context.connection, reading.open_items)
    return reading


def confirm(context: Context, payout_ids: Iterable[str], by: str, batch_id: str | None = None) -> list[Payout]:
    """Record by hand that payouts arrived (these, or all of a payout file that are on their way), where no bank's file says so.

    Raises Refused when one can't become that.
    """
    if batch_id is not None:
        settlement_id = payouts.find_batch(context, batch_id).settlement_id
        on_their_way = [p for p in PayoutBook(context, None, by).in_file(settlement_id, batch_id) if p.state in IN_FLIGHT]
        payout_ids = [*payout_ids, *(payout.payout_id for payout in on_their_way)]
    return _by_hand(context, payout_ids, Item("", said.BOOKED), CONFIRMED, by)


def fail(context: Context, payout_ids: Iterable[str], why: str, by: str) -> list[Payout]:
    """Record by hand that payouts failed or won't be made: the money goes back to the balance. Raises Refused when one can't."""
    return _by_hand(context, payout_ids, Item("", said.RETURNED, information=why), FAILED, by)


def list_open_items(context: Context) -> list[OpenItem]:
    return store.read_open_items(context.connection)


def resolve(context: Context, item_id: str, resolution: str, by: str) -> None:
    """Take an item off the list; what had to be done about it was done by other commands."""
    if item_id not in {item.item_id for item in store.read_open_items(context.connection)}:
        raise Refused("unknown_item", f"there is no open item {item_id!r}", "see: ritornello payout open-items")
    store.resolve_item(context.connection, item_id, resolution, by, context.now_us())


def _by_hand(context: Context, payout_ids: Iterable[str], item: Item, kind: str, by: str) -> list[Payout]:
    book = PayoutBook(context, None, by)
    for payout_id in payout_ids:
        payout = book.find(payout_id.split("/")[0], payout_id)
        if payout is None:
            raise Refused("unknown_payout", f"there is no payout {payout_id!r}", "see: ritornello payout show SETTLEMENT")
        if not can_become(payout.state, kind):
            raise Refused(
                "not_possible", f"{payout_id} is {payout.state} and can't become {kind}", "see: ritornello payout show SETTLEMENT"
            )
        book.enter(payout, item)
    book.post()
    return book.entries.changed


def _payouts_of(book: PayoutBook, item: Item) -> list[Payout]:
    """The payouts that a statement is about: one by its identification, or those of a block or file. Raises CannotMatch."""
    if item.says == said.UNCLEAR:
        raise CannotMatch(item.why_unclear or "it is not clear what the bank means", LOOK)
    if item.end_to_end_id is not None:
        found = store.find_sent(book.context.connection, item.end_to_end_id)
        payout = book.find(*found) if found else None
        if payout is None:
            raise CannotMatch("no payout of ours has this identification", "find out whose it is; then `payout resolve`")
        return [payout]
    return _payouts_of_block(book, item)


def _payouts_of_block(book: PayoutBook, item: Item) -> list[Payout]:
    """The payouts of a file or of one block of it that haven't failed; a booking must be of just their sum."""
    of_block = item.block_id.rpartition("-")[0] if item.block_id else None
    batches = [
        batch for name in (item.message_id, of_block) if name for batch in store.read_batches(book.context.connection, message_id=name)
    ]
    if not batches:
        raise CannotMatch("no payout file of ours has this identification", "find out whose it is; then `payout resolve`")
    batch = batches[0]
    found = []
    for payout in book.in_file(batch.settlement_id, batch.batch_id):
        sent = payout.sent
        block = block_id(batch.message_id, sent.block) if sent and sent.block else None
        if payout.state != FAILED and item.block_id in {None, block}:
            found.append(payout)
    if item.says == said.BOOKED:
        _check_sum(found, item)
    return found


def _check_sum(found: Iterable[Payout], item: Item) -> None:
    totals: dict[str, list[int]] = defaultdict(list)
    for payout in found:
        totals[payout.currency].append(payout.amount_units)
    (currency, units), *more = totals.items() or [("", [])]
    if more or item.count not in {None, len(units)} or Amount(sum(units) // UNITS_PER_MINOR, currency) not in item.amounts:
        raise CannotMatch("the bank booked several payouts at once, and not in the sum or number of those that haven't failed", LOOK)


def _open_item(sha256: str, number: int, item: Item, error: CannotMatch) -> OpenItem:
    first = item.amounts[0] if item.amounts else None
    return OpenItem(
        f"{sha256[:12]}-{number}",
        sha256,
        item.place,
        " ".join(part for part in (item.says, item.reason_code, item.information) if part),
        item.end_to_end_id or item.block_id or item.message_id,
        format_minor(first.minor, digits_of(first.currency)) if first else None,
        first.currency if first else None,
        error.why,
        error.todo,
    )
