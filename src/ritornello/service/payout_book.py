"""What happens to payouts, entered one statement after the other: events, the ledger's postings, and accounts that end.

A confirmation posts `paid:CUR` to `bank:CUR`. Money that comes back goes to the party's balance again, where the next settlement
finds it. An account that the bank calls closed, wrong or blocked is ended, so that nobody is paid there again.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ritornello.domain.errors import Refused
from ritornello.domain.ledger import Batch, Posting
from ritornello.domain.money import UNITS_PER_MINOR, format_units
from ritornello.domain.payout import ACCEPTED, CONFIRMED, FAILED, WAITING, PayoutEvent, can_become
from ritornello.formats.bank_reports import reasons
from ritornello.formats.bank_reports import report as said
from ritornello.formats.bank_reports.report import Item
from ritornello.service import payees, payouts, settlement_files
from ritornello.service.context import Context
from ritornello.service.payouts import Payout
from ritornello.store import ledger
from ritornello.store import payouts as store

_BECOMES = {said.ACCEPTED: ACCEPTED, said.REJECTED: FAILED, said.BOOKED: CONFIRMED, said.RETURNED: FAILED}
LOOK = "compare with the bank's statement; then `ritornello payout confirm` or `payout fail`, and `payout resolve`"
_TODO = {
    WAITING: "its file was cancelled, but the bank has it: `ritornello payout confirm` or `payout fail`, then `payout resolve`",
    FAILED: "the money is on the party's balance already; if it left all the same, it has to be called back",
}


class CannotMatch(Exception):
    """A statement of the bank that would need guessing: why, and what to do."""

    def __init__(self, why: str, todo: str) -> None:
        self.why, self.todo = why, todo
        super().__init__(why)


@dataclass(slots=True)
class Entries:
    """What entering led to."""

    changed: list[Payout] = field(default_factory=list)  # each with the event that changed it as the last
    known: int = 0  # statements that say what was known already
    stopped: list[str] = field(default_factory=list)  # parties whose account was ended


class PayoutBook:
    """Payouts as they stand while statements are entered one after the other, and what has to be posted for them."""

    def __init__(self, context: Context, sha256: str | None, by: str) -> None:
        self.context, self.sha256, self.by = context, sha256, by
        self.entries = Entries()
        self.payouts: dict[str, dict[str, Payout]] = {}  # settlement → payout
        self.events: dict[str, list[tuple[PayoutEvent, str]]] = defaultdict(list)
        self.postings: dict[tuple[str, str], list[Posting]] = defaultdict(list)  # (settlement, kind of batch)
        # Ledger batches stand in the public log: their names must tell nothing of the bank's file.
        self.name = context.random_bytes(8).hex()

    def find(self, settlement_id: str, payout_id: str) -> Payout | None:
        return self._of(settlement_id).get(payout_id)

    def in_file(self, settlement_id: str, batch_id: str) -> list[Payout]:
        return [payout for payout in self._of(settlement_id).values() if payout.sent and payout.sent.batch_id == batch_id]

    def enter(self, payout: Payout, item: Item) -> None:
        """Record what the bank says about a payout, unless that is known. Raises CannotMatch when it contradicts what is known."""
        kind = _BECOMES[item.says]
        self._check_amount(payout, item)
        if self._is_known(payout, item, kind):
            self.entries.known += 1
            return
        if not can_become(payout.state, kind) or (item.says == said.REJECTED and payout.state == CONFIRMED):
            raise CannotMatch(f"the bank says {item.says}, but the payout is {payout.state}", _TODO.get(payout.state, LOOK))
        now, reason = self.context.now_us(), reasons.explain(item.reason_code)
        event = replace(
            payout.sent or PayoutEvent(payout.payout_id, kind, now, self.by),
            kind=kind,
            recorded_at_us=now,
            recorded_by=self.by,
            reason_code=item.reason_code,
            reason=self._words(item, reason) if kind == FAILED else None,
            report_sha256=self.sha256,
        )
        self._plan_posting(payout, kind)
        self.events[payout.settlement_id].append((event, payout.end_to_end_id))
        changed = replace(payout, events=(*payout.events, event))
        self.payouts[payout.settlement_id][payout.payout_id] = changed
        self.entries.changed.append(changed)
        if kind == FAILED and reason.stops and event.account_id and payees.stop(self.context, event.account_id, self.by, reason.words):
            self.entries.stopped.append(payout.party_id)

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
        """A confirmation moves what was sent; a return takes back the whole transfer of the payment, tax and fee with it."""
        if kind == CONFIRMED:
            sent = {f"paid:{payout.currency}": payout.amount_units, f"bank:{payout.currency}": -payout.amount_units}
            self._post_later(payout, "confirmation", "confirm", sent)
        elif kind == FAILED:
            transfer = f"{payout.settlement_id}/pay/{payout.party_id}/{payout.currency}"
            paid = {row.account: row.amount_units for row in ledger.read_transfer(self.context.connection, payout.settlement_id, transfer)}
            assert paid.get(f"paid:{payout.currency}") == -payout.amount_units, f"the ledger has no payment of {payout.payout_id}"
            if payout.state == CONFIRMED:
                paid[f"bank:{payout.currency}"] = paid.pop(f"paid:{payout.currency}")
            self._post_later(payout, "return", "return", {account: -units for account, units in paid.items()})

    def _post_later(self, payout: Payout, kind: str, verb: str, sums: Mapping[str, int]) -> None:
        transfer = f"{self._batch_id(payout.settlement_id, kind)}/{verb}/{payout.party_id}/{payout.currency}"
        self.postings[payout.settlement_id, kind] += [
            Posting(transfer, account, payout.currency, units, "posted") for account, units in sums.items()
        ]

    def _batch_id(self, settlement_id: str, kind: str) -> str:
        return f"{settlement_id}-{kind}-{self.name}"

    def _check_amount(self, payout: Payout, item: Item) -> None:
        if not item.amounts or item.end_to_end_id is None:
            return
        amount = next((found for found in item.amounts if found.currency == payout.currency), None)
        if amount is None:
            currencies = ", ".join(sorted({found.currency for found in item.amounts}))
            raise CannotMatch(f"the bank speaks of {currencies}, but the payout is in {payout.currency}", LOOK)
        if amount.minor * UNITS_PER_MINOR != payout.amount_units:
            given, wanted = (format_units(units, payout.digits) for units in (amount.minor * UNITS_PER_MINOR, payout.amount_units))
            raise CannotMatch(f"the bank speaks of {given} {payout.currency}, but the payout is {wanted}", LOOK)

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
