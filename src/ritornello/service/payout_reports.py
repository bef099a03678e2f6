"""What banks answer becomes events of payouts and postings of the ledger: once, and never by guessing (docs/payouts.md).

A confirmation posts `paid:CUR` to `bank:CUR`. Money that comes back goes to the party's balance again, where the next settlement
finds it. An account that the bank calls closed, wrong or blocked is ended, so that nobody is paid there again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ritornello.domain.errors import Refused
from ritornello.domain.ledger import Batch, Posting
from ritornello.domain.money import UNITS_PER_MINOR, digits_of, format_units
from ritornello.domain.payout import ACCEPTED, CONFIRMED, FAILED, IN_FLIGHT, SENT, PayoutEvent, can_become
from ritornello.domain.payout_account import mask_within
from ritornello.formats.bank_reports import reasons
from ritornello.formats.bank_reports import report as said
from ritornello.formats.bank_reports.read import read_bank_report
from ritornello.formats.bank_reports.report import Amount, Item
from ritornello.formats.payouts.pain001 import block_id
from ritornello.formats.payouts.payment import format_minor
from ritornello.service import payees, payouts, settlement_files
from ritornello.service.context import Context
from ritornello.service.payouts import Payout
from ritornello.store import ledger
from ritornello.store import payouts as store
from ritornello.store.payouts import OpenItem

_BECOMES = {said.ACCEPTED: ACCEPTED, said.REJECTED: FAILED, said.BOOKED: CONFIRMED, said.RETURNED: FAILED}


@dataclass(slots=True)
class Reading:
    """What a bank's file led to. `again`: it was read before, and nothing was done."""

    file: str
    kind: str
    again: bool = False
    changed: list[Payout] = field(default_factory=list)  # with the event that changed them as the last
    known: int = 0  # statements that say what was known already
    others: int = 0  # entries about something else
    open_items: list[OpenItem] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)  # parties whose account was ended


class _CannotMatch(Exception):
    """A statement of the bank that would need guessing: why, and what to do."""

    def __init__(self, why: str, todo: str) -> None:
        self.why, self.todo = why, todo
        super().__init__(why)


def read(context: Context, path: Path) -> Reading:
    """Take in a bank's file, all of it or nothing. Raises BadInput with every problem of the file."""
    report, data = read_bank_report(path)
    sha256, name = hashlib.sha256(data).hexdigest(), mask_within(path.name)
    reading = Reading(name, report.kind, others=report.others)
    if store.is_read(context.connection, sha256):
        reading.again = True
        return reading
    store.add_report(context.connection, sha256, name, report.kind, len(report.items) + report.others, context.now_us())
    book = _Book(context, sha256, name)
    for item in report.items:
        try:
            found = _payouts_of(book, item)
        except _CannotMatch as error:
            reading.open_items.append(_open_item(sha256, len(reading.open_items) + 1, item, error))
            continue
        for payout in found:
            try:
                book.enter(payout, item, reading)
            except _CannotMatch as error:
                about = replace(item, end_to_end_id=payout.end_to_end_id)
                reading.open_items.append(_open_item(sha256, len(reading.open_items) + 1, about, error))
    book.post()
    store.add_open_items(context.connection, reading.open_items)
    return reading


def confirm(context: Context, payout_ids: Iterable[str], by: str, batch_id: str | None = None) -> list[Payout]:
    """Record by hand that payouts arrived (these, or all of a payout file that are on their way), where no bank's file says so.

    Raises Refused when one can't become that.
    """
    if batch_id is not None:
        settlement_id = payouts.find_batch(context, batch_id).settlement_id
        on_their_way = [p for p in _Book(context, None, by).in_file(settlement_id, batch_id) if p.state in IN_FLIGHT]
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
    book, reading = _Book(context, None, by), Reading("", "")
    for payout_id in payout_ids:
        payout = book.find(payout_id.split("/")[0], payout_id)
        if payout is None:
            raise Refused("unknown_payout", f"there is no payout {payout_id!r}", "see: ritornello payout show SETTLEMENT")
        if not can_become(payout.state, kind):
            raise Refused(
                "not_possible", f"{payout_id} is {payout.state} and can't become {kind}", "see: ritornello payout show SETTLEMENT"
            )
        book.enter(payout, item, reading)
    book.post()
    return reading.changed


class _Book:
    """Payouts as they stand while statements are entered one after the other, and what has to be posted for them."""

    def __init__(self, context: Context, sha256: str | None, by: str) -> None:
        self.context, self.sha256, self.by = context, sha256, by
        self.payouts: dict[str, dict[str, Payout]] = {}  # settlement → payout
        self.events: dict[str, list[tuple[PayoutEvent, str]]] = defaultdict(list)
        self.postings: dict[tuple[str, str], list[Posting]] = defaultdict(list)  # (settlement, kind of batch)
        self.name = sha256[:12] if sha256 else f"hand-{context.random_bytes(6).hex()}"

    def find(self, settlement_id: str, payout_id: str) -> Payout | None:
        return self._of(settlement_id).get(payout_id)

    def in_file(self, settlement_id: str, batch_id: str) -> list[Payout]:
        return [p for p in self._of(settlement_id).values() if (sent := sent_event(p)) is not None and sent.batch_id == batch_id]

    def enter(self, payout: Payout, item: Item, reading: Reading) -> None:
        """Record what the bank says about a payout, unless that is known. Raises _CannotMatch when it contradicts what is known."""
        kind = _BECOMES[item.says]
        self._check_amount(payout, item)
        if self._is_known(payout, item, kind):
            reading.known += 1
            return
        if not can_become(payout.state, kind) or (item.says == said.REJECTED and payout.state == CONFIRMED):
            raise _CannotMatch(f"the bank says {item.says}, but the payout is {payout.state}", _TODO[payout.state])
        sent, reason = sent_event(payout), reasons.explain(item.reason_code)
        event = PayoutEvent(
            payout.payout_id,
            kind,
            sent.batch_id if sent else None,
            sent.block if sent else None,
            sent.account_id if sent else None,
            item.reason_code,
            self._words(item, reason) if kind == FAILED else None,
            self.sha256,
            self.context.now_us(),
            self.by,
        )
        self._plan_posting(payout, kind)
        self.events[payout.settlement_id].append((event, payout.end_to_end_id))
        changed = replace(payout, events=(*payout.events, event))
        self.payouts[payout.settlement_id][payout.payout_id] = changed
        reading.changed.append(changed)
        if kind == FAILED and reason.stops and event.account_id and payees.stop(self.context, event.account_id, self.by, reason.words):
            reading.stopped.append(payout.party_id)

    def post(self) -> None:
        """Append the events, and post one batch for each settlement and kind: confirmations before returns."""
        connection, now = self.context.connection, self.context.now_us()
        for settlement_id, events in self.events.items():
            store.add_events(connection, settlement_id, events)
        for (settlement_id, kind), postings in sorted(self.postings.items()):
            programme_id = settlement_files.find(self.context, settlement_id).programme_id
            batch = Batch(self._batch_id(settlement_id, kind), kind, programme_id, settlement_id)
            ledger.post_batch(connection, batch, postings, now)

    def _of(self, settlement_id: str) -> dict[str, Payout]:
        if settlement_id not in self.payouts:
            try:
                found = payouts.list_payouts(self.context, settlement_id)
            except Refused:
                found = []
            self.payouts[settlement_id] = {payout.payout_id: payout for payout in found}
        return self.payouts[settlement_id]

    def _plan_posting(self, payout: Payout, kind: str) -> None:
        if kind == ACCEPTED:
            return
        name, currency, units = ("confirmation" if kind == CONFIRMED else "return"), payout.currency, payout.amount_units
        debit = f"bank:{currency}" if payout.state == CONFIRMED else f"paid:{currency}"
        credit = f"bank:{currency}" if kind == CONFIRMED else f"party:{payout.party_id}"
        step = "confirm" if kind == CONFIRMED else "return"
        transfer = f"{self._batch_id(payout.settlement_id, name)}/{step}/{payout.party_id}/{currency}"
        self.postings[payout.settlement_id, name] += [
            Posting(transfer, debit, currency, units, "posted"),
            Posting(transfer, credit, currency, -units, "posted"),
        ]

    def _batch_id(self, settlement_id: str, kind: str) -> str:
        return f"{settlement_id}-{kind}-{self.name}"

    def _check_amount(self, payout: Payout, item: Item) -> None:
        if not item.amounts or item.end_to_end_id is None:
            return
        amount = next((found for found in item.amounts if found.currency == payout.currency), None)
        if amount is None:
            currencies = ", ".join(sorted({found.currency for found in item.amounts}))
            raise _CannotMatch(f"the bank speaks of {currencies}, but the payout is in {payout.currency}", _LOOK)
        if amount.minor * UNITS_PER_MINOR != payout.amount_units:
            given, wanted = (format_units(units, payout.digits) for units in (amount.minor * UNITS_PER_MINOR, payout.amount_units))
            raise _CannotMatch(f"the bank speaks of {given} {payout.currency}, but the payout is {wanted}", _LOOK)

    def _is_known(self, payout: Payout, item: Item, kind: str) -> bool:
        """Reached already, or overtaken by what was reported since."""
        if kind == ACCEPTED:
            return payout.state in {ACCEPTED, CONFIRMED, FAILED}
        if payout.state == FAILED:
            return item.says == said.REJECTED or self._came_back(payout)
        return payout.state == kind

    def _came_back(self, payout: Payout) -> bool:
        """Failed by a return, not by a rejection before anything moved nor by hand."""
        sha256 = payout.last.report_sha256 if payout.last else None
        return sha256 is not None and not store.report_kind(self.context.connection, sha256).startswith("pain.002")

    def _words(self, item: Item, reason: reasons.Reason) -> str | None:
        if self.sha256 is None:
            return item.information
        return f"{reason.words}{f' ({item.information})' if item.information else ''} → {reason.todo}"


_LOOK = "compare with the bank's statement; then `ritornello payout confirm` or `payout fail`, and `payout resolve`"
_TODO = defaultdict(
    lambda: _LOOK,
    {
        "waiting": "its file was cancelled, but the bank has it: `ritornello payout confirm` or `payout fail`, then `payout resolve`",
        FAILED: "the money is on the party's balance already; if it left all the same, it has to be called back",
    },
)


def sent_event(payout: Payout) -> PayoutEvent | None:
    """The last time the payout was put into a file."""
    return next((event for event in reversed(payout.events) if event.kind == SENT), None)


def _payouts_of(book: _Book, item: Item) -> list[Payout]:
    """The payouts that a statement is about: one by its identification, or those of a block or file. Raises _CannotMatch."""
    if item.says == said.UNCLEAR:
        raise _CannotMatch(item.why_unclear or "it is not clear what the bank means", _LOOK)
    if item.end_to_end_id is not None:
        found = store.find_sent(book.context.connection, item.end_to_end_id)
        payout = book.find(*found) if found else None
        if payout is None:
            raise _CannotMatch("no payout of ours has this identification", "find out whose it is; then `payout resolve`")
        return [payout]
    return _payouts_of_block(book, item)


def _payouts_of_block(book: _Book, item: Item) -> list[Payout]:
    """The payouts of a file or of one block of it that haven't failed; a booking must be of just their sum."""
    of_block = item.block_id.rpartition("-")[0] if item.block_id else None
    batches = [
        batch for name in (item.message_id, of_block) if name for batch in store.read_batches(book.context.connection, message_id=name)
    ]
    if not batches:
        raise _CannotMatch("no payout file of ours has this identification", "find out whose it is; then `payout resolve`")
    batch = batches[0]
    found = []
    for payout in book.in_file(batch.settlement_id, batch.batch_id):
        sent = sent_event(payout)
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
        raise _CannotMatch("the bank booked several payouts at once, and not in the sum or number of those that haven't failed", _LOOK)


def _open_item(sha256: str, number: int, item: Item, error: _CannotMatch) -> OpenItem:
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
