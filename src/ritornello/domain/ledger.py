"""Double entry: batches of postings, grouped in transfers that sum to zero per currency. Debit is positive, credit negative.

Chart of accounts and rules: docs/ledger.md.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

LARGEST_UNITS = 2**63 - 1  # of one posting
NO_BATCH = "0" * 64  # what stands before the first batch
STATES = ("posted", "pending")
BATCH_KINDS = ("settlement", "correction", "payout", "confirmation", "return", "advance", "adjustment", "release")
NAME = r"[!-\[\]-~]+"  # of accounts and transfers: printable ASCII without spaces and backslashes
_BATCH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class AccountClass:
    """One row of the chart of accounts: every account whose name starts with `name` and a colon."""

    name: str
    what: str
    kind: str  # "asset" (grows by debits), "liability" (grows by credits)
    only: tuple[str, ...] = ()  # what may stand behind the colon; empty: anything
    per_currency: bool = False  # the currency stands behind the colon


CHART = {
    row.name: row
    for row in (
        AccountClass("received", "money the licensee owes or paid, by income of the programme", "asset"),
        AccountClass("bank", "money at the bank", "asset", per_currency=True),
        AccountClass("paid", "payouts on their way: handed to the bank, neither confirmed nor returned", "liability", per_currency=True),
        AccountClass("exchange", "reported money of a currency that was converted: what came in, and what it became", "asset"),
        AccountClass("fee", "what the operator keeps: fees of the programme, and `payout` for what payouts cost", "liability"),
        AccountClass("tax", "tax withheld from payouts, owed to an authority", "liability"),
        AccountClass("reserve", "what is withheld of a party's earnings until its day", "liability"),
        AccountClass("advance", "what is still to be recouped of an advance", "asset"),
        AccountClass("pool", "money of one pool; opened and emptied by the same batch", "liability"),
        AccountClass("party", "what is owed to a party; a debit balance after a correction that took back more than was left", "liability"),
        AccountClass(
            "held", "money whose owner is not known or not agreed, or that a rule keeps", "liability", ("suspense", "dispute", "reserve")
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Posting:
    """One account's side of a transfer. The transfer's name starts with its batch's name and a slash."""

    transfer_id: str
    account: str
    currency: str
    amount_units: int
    state: str  # "posted", or "pending" until a bank confirms


@dataclass(frozen=True, slots=True)
class Batch:
    """What is posted together, once: `batch_id` is the idempotency key. It stands in the public log, so it must not name a person."""

    batch_id: str
    kind: str  # of BATCH_KINDS
    programme_id: str
    settlement_id: str | None  # that it belongs to


@dataclass(frozen=True, slots=True)
class Header(Batch):
    """A posted batch, closed and chained to the one before. Its hash: docs/formats/ledger.md."""

    seq: int  # counted from 1 over all programmes
    recorded_at_us: int  # never earlier than the batch before
    postings: int  # how many
    root: str  # over its postings
    previous_sha256: str  # of the header before; NO_BATCH in front of the first


def unbalanced(postings: Iterable[Posting]) -> list[tuple[str, str, int]]:
    """(transfer, currency, sum) of every transfer that does not sum to zero; empty when all is well."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        sums[posting.transfer_id, posting.currency] += posting.amount_units
    return [(transfer, currency, total) for (transfer, currency), total in sorted(sums.items()) if total]


def balances(postings: Iterable[Posting]) -> dict[tuple[str, str], int]:
    """(account, currency) → what is owed to the account: its credits minus its debits, in units."""
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        owed[posting.account, posting.currency] -= posting.amount_units
    return dict(owed)


def faults_of_batch(batch: Batch) -> list[str]:
    """What is wrong with a batch's header; empty when all is well."""
    faults = []
    if not _BATCH_ID.fullmatch(batch.batch_id):
        faults.append(f"batch {batch.batch_id!r} is not named with letters, digits, '.', '_' and '-' (at most 128)")
    if batch.kind not in BATCH_KINDS:
        faults.append(f"{batch.kind!r} is no kind of batch")
    return faults


def faults_of_account(account: str, currency: str) -> list[str]:
    """What is wrong with an account by the chart of accounts; empty when all is well."""
    name, _, rest = account.partition(":")
    row = CHART.get(name)
    if row is None or not rest:
        return [f"account {account!r} is not in the chart of accounts"]
    if row.only and rest not in row.only:
        return [f"account {account!r} is none of {', '.join(f'{name}:{each}' for each in row.only)}"]
    if not _CURRENCY.fullmatch(currency) or (row.per_currency and rest != currency):
        return [f"account {account!r} can't be kept in {currency!r}"]
    return []


def faults_of_postings(batch_id: str, postings: Iterable[Posting]) -> list[str]:
    """What is wrong with a batch's postings, checked as a set; empty when all is well."""
    rows = list(postings)
    accounts = {(row.account, row.currency) for row in rows}
    faults = [fault for account, currency in sorted(accounts) for fault in faults_of_account(account, currency)]
    transfers = {row.transfer_id for row in rows}
    names = transfers | {account for account, _ in accounts}
    faults += [f"{name!r} has a character that no name in the ledger has" for name in sorted(names) if not re.fullmatch(NAME, name)]
    faults += [f"transfer {name!r} is not named after its batch" for name in sorted(transfers) if not name.startswith(f"{batch_id}/")]
    faults += [f"transfer {name} sums to {total} {currency}" for name, currency, total in unbalanced(rows)]
    faults += [f"state {state!r} is none" for state in sorted({row.state for row in rows} - set(STATES))]
    keys = {(row.transfer_id, row.account, row.currency) for row in rows}
    if len(keys) < len(rows):
        faults.append("two postings have the same transfer, account and currency")
    return faults + [f"a posting of nothing to {row.account} in {row.transfer_id}" for row in rows if not row.amount_units]
