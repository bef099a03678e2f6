"""Payout accounts: recorded, replaced and ended, each with who said so and when; opened only to write a payout file.

Each change is committed to the transparency log by its hash, so that whoever can write the database can't quietly put an
account back or take one away.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ritornello.domain.errors import Refused, raise_if_any
from ritornello.domain.payout_account import REFERENCE, AccountDetails, PayoutAccount
from ritornello.formats.canonical import encode
from ritornello.formats.payout_accounts_csv import read_payout_accounts
from ritornello.service import sealing
from ritornello.service.context import Context
from ritornello.store import catalogue, log, payout_accounts

RECORDED, ENDED = "payout-account", "payout-account-end"  # kinds of log entries
REPLACED = "replaced"


@dataclass(slots=True)
class AccountReport:
    """What an import did."""

    new: list[str] = field(default_factory=list)  # parties
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0


def import_accounts(context: Context, path: Path, by: str) -> AccountReport:
    """Take in a spreadsheet of accounts, all or nothing. `by`: who says so. Accounts that it doesn't name stay as they are.

    Raises BadInput with every problem, Refused when bank data can't be kept encrypted.
    """
    rows, sheet = read_payout_accounts(path)
    parties = catalogue.read_parties(context.connection)
    for row in rows:
        if row.party_id not in parties:
            sheet.problem(row.row, "party_id", f"there is no party {row.party_id!r}", "import it first, or correct the cell")
    raise_if_any(sheet.problems)
    book, report = _Book(context), AccountReport()
    for row in rows:
        book.enter(row.party_id, row.currency, row.details, by, report)
    return report


def take_references(context: Context, references: Mapping[str, str | None], by: str) -> tuple[AccountReport, list[str]]:
    """References of parties.csv: recorded, or ended where the cell is empty. A typed account in use wins; returns the parties where it did."""
    book, report, kept = _Book(context), AccountReport(), list[str]()
    for party_id, reference in references.items():
        current = book.in_use.get((party_id, None))
        if current is not None and current.kind != REFERENCE:
            kept += [party_id] if reference is not None else []
        elif reference is not None:
            book.enter(party_id, None, AccountDetails(REFERENCE, reference), by, report)
        elif current is not None:
            _end(context, current, by, "taken out of the list of parties")
            report.changed.append(party_id)
    return report, kept


def end_accounts(context: Context, party_id: str, currency: str | None, by: str, why: str) -> list[PayoutAccount]:
    """Stop using a party's accounts, or the one of a currency: what it is owed stays on its balance. Raises Refused when there is none."""
    found = [account for account in list_accounts(context, party_id) if account.ended_at_us is None]
    chosen = [account for account in found if currency is None or account.currency == currency]
    if not chosen:
        raise Refused("no_account", f"{party_id} has no such payout account in use", f"see: ritornello payout accounts list {party_id}")
    for account in chosen:
        _end(context, account, by, why)
    return chosen


def list_accounts(context: Context, party_id: str | None = None) -> list[PayoutAccount]:
    """Every account ever recorded, of all parties or one; masked. Raises Refused for an unknown party."""
    if party_id is not None and party_id not in catalogue.read_parties(context.connection, [party_id]):
        raise Refused("unknown_party", f"there is no party {party_id!r}", "see the parties you imported")
    return payout_accounts.read_accounts(context.connection, party_id=party_id)


def list_in_use(context: Context, party_id: str | None = None) -> list[PayoutAccount]:
    """Those that money may go to now."""
    return [one for one in list_accounts(context, party_id) if one.ended_at_us is None]


def stop(context: Context, account_id: str, by: str, why: str) -> PayoutAccount | None:
    """End one account if it is still in use, as when a bank says that it is closed."""
    for account in payout_accounts.read_accounts(context.connection, known_at_us=context.now_us()):
        if account.account_id == account_id:
            _end(context, account, by, why)
            return account
    return None


def reseal(context: Context) -> int:
    """Seal all details anew with the first key. Returns how many."""
    sealed = payout_accounts.read_details(context.connection)
    accounts = payout_accounts.read_accounts(context.connection)
    for account in accounts:
        clear = sealing.unseal_bytes(context, account, *sealed[account.account_id])
        payout_accounts.write_details(context.connection, account.account_id, *sealing.seal(context, account, clear))
    return len(accounts)


def open_details(context: Context, accounts: Iterable[PayoutAccount]) -> dict[str, AccountDetails]:
    """Account → details in clear, after checking the accounts against the log."""
    check_log(context)
    sealed = payout_accounts.read_details(context.connection)
    return {account.account_id: sealing.unseal(context, account, *sealed[account.account_id]) for account in accounts}


def check_log(context: Context) -> None:
    """Every account and every end is what the log says, and none that the log names is gone: else somebody changed the database."""
    logged = {(kind, name, digest) for kind in (RECORDED, ENDED) for name, digest in log.hashes_of(context.connection, kind).items()}
    stored = set()
    for account in payout_accounts.read_accounts(context.connection):
        if account.recorded_at_us > 0:  # those of older versions were not logged
            stored.add((RECORDED, account.account_id, _recorded_hash(account)))
        if account.ended_at_us is not None:
            stored.add((ENDED, account.account_id, _hash(asdict(account))))
    if wrong := sorted({name for _, name, _ in logged ^ stored}):
        raise Refused(
            "accounts_changed",
            f"the payout accounts in the database are not those in the log: {', '.join(wrong[:5])}",
            "somebody changed the database: compare it with a backup before paying anybody",
        )


class _Book:
    """The accounts in use while several are being entered."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.in_use = {
            (account.party_id, account.currency): account
            for account in payout_accounts.read_accounts(context.connection, known_at_us=context.now_us())
        }
        self.sealed = payout_accounts.read_details(context.connection)

    def enter(self, party_id: str, currency: str | None, details: AccountDetails, by: str, report: AccountReport) -> None:
        """Record an account unless it is in use already; one that it replaces ends."""
        context, current = self.context, self.in_use.get((party_id, currency))
        if current is not None and sealing.unseal(context, current, *self.sealed[current.account_id]) == details:
            report.unchanged += 1
            return
        if current is not None:
            _end(context, current, by, REPLACED)
        (report.new if current is None else report.changed).append(party_id)
        clear, commitment = sealing.prepare(context, details)
        account_id = "a" + context.random_bytes(8).hex()[:15]
        account = PayoutAccount(account_id, party_id, details.kind, currency, details.masked, commitment, context.now_us(), by)
        sealed = sealing.seal(context, account, clear)
        payout_accounts.add_account(context.connection, account)
        payout_accounts.write_details(context.connection, account_id, *sealed)
        context.record(RECORDED, account_id, _recorded_hash(account))


def _end(context: Context, account: PayoutAccount, by: str, why: str) -> None:
    now = context.now_us()
    payout_accounts.end_account(context.connection, account.account_id, now, by, why)
    context.record(ENDED, account.account_id, _hash(asdict(replace(account, ended_at_us=now, ended_by=by, ended_why=why))))


def _recorded_hash(account: PayoutAccount) -> str:
    """Salted by the commitment, so that the public log tells nothing about the account."""
    return _hash({name: value for name, value in asdict(account).items() if not name.startswith("ended_")})


def _hash(fields: Mapping[str, object]) -> str:
    return hashlib.sha256(encode(fields)).hexdigest()
