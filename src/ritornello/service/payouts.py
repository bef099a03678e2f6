"""Paying a settlement: which payouts go into which file, which can't and why, and that none goes out twice (docs/payouts.md)."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from ritornello.domain.errors import Refused
from ritornello.domain.money import UNITS_PER_MINOR
from ritornello.domain.payout import CANCELLED, SENT, WAITING, PayoutEvent, can_become, state_of
from ritornello.domain.payout_account import AccountDetails, PayoutAccount, account_for
from ritornello.formats.canonical import lines
from ritornello.formats.payouts.catalogue import FORMATS
from ritornello.formats.payouts.ids import end_to_end_id, message_id
from ritornello.formats.payouts.payment import Debtor, FileHeader, Obstacle, Payment
from ritornello.service import payees, settlement_files
from ritornello.service.context import Context
from ritornello.store import catalogue, payout_accounts
from ritornello.store import payouts as store
from ritornello.store.payouts import PayoutBatch

RECENT_DAYS = 30  # an account that replaced another within these is named before money goes there
NO_ACCOUNT = (
    "record one (ritornello payout accounts import) and write another file; or put the money back on the balance (ritornello payout fail)"
)
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Payout:
    """What a settlement pays to one party in one currency, and how far it has come."""

    payout_id: str
    settlement_id: str
    party_id: str
    currency: str
    amount_units: int
    digits: int
    events: tuple[PayoutEvent, ...]

    @property
    def state(self) -> str:
        return state_of(self.events)

    @property
    def end_to_end_id(self) -> str:
        return end_to_end_id(self.payout_id)

    @property
    def last(self) -> PayoutEvent | None:
        return self.events[-1] if self.events else None

    @property
    def sent(self) -> PayoutEvent | None:
        """The last time it was put into a file."""
        return next((event for event in reversed(self.events) if event.kind == SENT), None)


@dataclass(slots=True)
class Plan:
    """Every payout of a settlement: in the file, or not and why. `warnings` are for whoever releases the money."""

    payments: list[tuple[Payment, PayoutAccount]] = field(default_factory=list)
    left: list[tuple[Payout, Obstacle]] = field(default_factory=list)  # waiting, and not in this file
    done: list[Payout] = field(default_factory=list)  # in a file already, or through with it
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Written:
    """A payout file: its bytes, and the plan that it follows."""

    batch: PayoutBatch
    data: bytes
    plan: Plan


def list_payouts(context: Context, settlement_id: str) -> list[Payout]:
    """Every payout of a settlement with what happened to it. Raises Refused when there is no such settlement."""
    table = settlement_files.read_file(context, settlement_id, "result/payouts.jsonl")
    events = store.read_events(context.connection, settlement_id)
    rows = [json.loads(line) for line in lines(table)]
    return [
        Payout(
            row["payout_id"],
            settlement_id,
            row["party_id"],
            row["currency"],
            int(row["amount_units"]),
            row["minor_digits"],
            tuple(events.get(row["payout_id"], ())),
        )
        for row in rows
    ]


def preview(context: Context, settlement_id: str, format_name: str, debtor: Debtor, currency: str | None = None) -> Plan:
    """What a file of this format would hold now."""
    form, plan = FORMATS[format_name], Plan()
    parties = catalogue.read_parties(context.connection)
    accounts = payout_accounts.by_party(payout_accounts.read_accounts(context.connection, known_at_us=context.now_us()))
    waiting: list[tuple[Payout, PayoutAccount]] = []
    for payout in list_payouts(context, settlement_id):
        account = account_for(accounts.get(payout.party_id, ()), payout.currency)
        if payout.state != WAITING:
            plan.done.append(payout)
        elif currency is not None and payout.currency != currency:
            plan.left.append((payout, Obstacle("is in another currency", f"write a file for {payout.currency}")))
        elif account is None:
            plan.left.append((payout, Obstacle(f"{payout.party_id} has no payout account for {payout.currency}", NO_ACCOUNT)))
        else:
            waiting.append((payout, account))
    details = payees.open_details(context, [account for _, account in waiting])
    for payout, account in waiting:
        payment = _payment(payout, parties[payout.party_id].kind, details[account.account_id])
        obstacle = form.obstacle(payment, debtor)
        if obstacle is None and form.most is not None and len(plan.payments) >= form.most:
            obstacle = Obstacle(f"the file has its {form.most} payments", "write another file for the rest")
        if obstacle is not None:
            plan.left.append((payout, obstacle))
        else:
            plan.payments.append((payment, account))
    plan.warnings += dict.fromkeys(_warn(context, plan.payments))
    return plan


def write(
    context: Context,
    settlement_id: str,
    format_name: str,
    debtor: Debtor,
    by: str,
    execute_on: date | None = None,
    currency: str | None = None,
) -> Written:
    """Make a payout file of all that can go into it, and record that they are in it. Raises Refused when nothing can.

    `execute_on`: the day the bank shall pay; by default the next weekday.
    """
    plan = preview(context, settlement_id, format_name, debtor, currency)
    if not plan.payments:
        todo = f"see why: ritornello payout preview {settlement_id} --format {format_name}"
        raise Refused("nothing_to_pay", f"no payout of {settlement_id} can go into a new {format_name} file", todo)
    form = FORMATS[format_name]
    currencies = sorted({payment.currency for payment, _ in plan.payments})
    if form.one_currency and len(currencies) > 1:
        raise Refused(
            "several_currencies", f"a {format_name} file has one currency; here are {', '.join(currencies)}", "name one: --currency"
        )
    batch = _new_batch(context, settlement_id, format_name, execute_on)
    data = _render(batch, debtor, [payment for payment, _ in plan.payments])
    batch = replace(batch, sha256=hashlib.sha256(data).hexdigest())
    store.add_batch(context.connection, batch)
    events = []
    for payment, account in plan.payments:
        block = form.block_of(payment, debtor)
        event = PayoutEvent(payment.payout_id, SENT, batch.created_at_us, by, batch.batch_id, block, account.account_id)
        events.append((event, payment.end_to_end_id))
    store.add_events(context.connection, settlement_id, events)
    return Written(batch, data, plan)


def write_again(context: Context, batch_id: str, debtor: Debtor) -> bytes:
    """The bytes of a payout file once more, from what was recorded. Raises Refused when they would be others."""
    batch = find_batch(context, batch_id)
    accounts = {account.account_id: account for account in payout_accounts.read_accounts(context.connection)}
    sent = [
        (payout, accounts[event.account_id])
        for payout in list_payouts(context, batch.settlement_id)
        for event in payout.events
        if event.kind == SENT and event.batch_id == batch_id and event.account_id is not None
    ]
    details = payees.open_details(context, [account for _, account in sent])
    kinds = {party_id: party.kind for party_id, party in catalogue.read_parties(context.connection).items()}
    data = _render(batch, debtor, [_payment(payout, kinds[payout.party_id], details[account.account_id]) for payout, account in sent])
    if hashlib.sha256(data).hexdigest() != batch.sha256:
        raise Refused("file_differs", f"the file of {batch_id} would not be the same again", "use the debtor file that it was made with")
    return data


def cancel(context: Context, batch_id: str, by: str, why: str) -> list[Payout]:
    """Take a file back that the bank never got: its payouts wait again. Raises Refused once the bank has answered about any of them."""
    batch = find_batch(context, batch_id)
    found = [
        payout for payout in list_payouts(context, batch.settlement_id) if payout.last is not None and payout.last.batch_id == batch_id
    ]
    if not found or not all(can_become(payout.state, CANCELLED) for payout in found):
        states = ", ".join(sorted({payout.state for payout in found})) or "none left in it"
        raise Refused(
            "not_cancellable", f"payouts of {batch_id} are beyond that: {states}", "what the bank returns comes in with `payout returns`"
        )
    now = context.now_us()
    events = [(PayoutEvent(p.payout_id, CANCELLED, now, by, batch_id, reason=why), p.end_to_end_id) for p in found]
    store.add_events(context.connection, batch.settlement_id, events)
    return found


def find_batch(context: Context, batch_id: str) -> PayoutBatch:
    """Raises Refused when there is no such payout file."""
    found = store.read_batches(context.connection, batch_id=batch_id)
    if not found:
        known = [batch.batch_id for batch in store.read_batches(context.connection)]
        raise Refused("unknown_file", f"there is no payout file {batch_id!r}", f"there are: {', '.join(known[-10:]) or 'none'}")
    return found[0]


def _payment(payout: Payout, party_kind: str, details: AccountDetails) -> Payment:
    minor, rest = divmod(payout.amount_units, UNITS_PER_MINOR)
    assert rest == 0 and minor > 0, f"payout {payout.payout_id} is no whole amount"
    return Payment(
        payout.payout_id,
        payout.party_id,
        party_kind,
        payout.currency,
        minor,
        payout.digits,
        details,
        payout.end_to_end_id,
        f"Royalties {payout.settlement_id}",
    )


def _new_batch(context: Context, settlement_id: str, format_name: str, execute_on: date | None) -> PayoutBatch:
    now = context.now_us()
    number = len(store.read_batches(context.connection, settlement_id=settlement_id)) + 1
    batch_id = f"{settlement_id}-f{number}"
    same_day = [b for b in store.read_batches(context.connection, format=format_name) if b.created_at_us // _DAY_US == now // _DAY_US]
    most = FORMATS[format_name].files_a_day
    if most is not None and len(same_day) >= most:
        raise Refused("too_many_files", f"{len(same_day)} {format_name} files were made today (UTC)", "go on tomorrow")
    day = execute_on or _next_weekday(context.today())
    if day < context.today():
        raise Refused("day_past", f"{day} is over", "give a day on which the bank can still pay")
    return PayoutBatch(batch_id, settlement_id, message_id(batch_id), format_name, day.isoformat(), len(same_day), "", now)


def _render(batch: PayoutBatch, debtor: Debtor, payments: Sequence[Payment]) -> bytes:
    created_at = datetime.fromtimestamp(batch.created_at_us // 1_000_000, UTC)
    header = FileHeader(batch.message_id, created_at, date.fromisoformat(batch.execute_on), batch.day_sequence, debtor)
    return FORMATS[batch.format].render(header, batch.batch_id, payments)


def _warn(context: Context, payments: Iterable[tuple[Payment, PayoutAccount]]) -> list[str]:
    """What often goes with fraud, and what the log can't vouch for."""
    since = context.now_us() - RECENT_DAYS * _DAY_US
    warnings, holders = [], defaultdict[tuple[str, str | None], set[str]](set)
    history = payout_accounts.by_party(payout_accounts.read_accounts(context.connection))
    for payment, account in payments:
        holders[payment.details.number, payment.details.routing].add(payment.party_id)
        before = [other for other in history[account.party_id] if other.ended_at_us is not None]
        if before and account.recorded_at_us >= since:
            day = datetime.fromtimestamp(account.recorded_at_us / 1_000_000, UTC).date()
            warnings.append(
                f"{account.party_id}: the account changed on {day} to {account.masked} (recorded by {account.recorded_by}): "
                "ask the payee on a way you know from before"
            )
        if account.recorded_at_us == 0:
            warnings.append(f"{account.party_id}: {account.masked} comes from an older version and is not in the log: record it anew")
    shared = sorted(", ".join(sorted(parties)) for parties in holders.values() if len(parties) > 1)
    return warnings + [f"one account is paid for several parties: {parties}" for parties in shared]


def _next_weekday(day: date) -> date:
    day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day
