"""Payments and file headers for tests of payout formats."""

from datetime import UTC, date, datetime

from ritornello.domain.payout_account import US_BANK, AccountDetails
from ritornello.formats.payouts.debtor_toml import read_debtor
from ritornello.formats.payouts.ids import end_to_end_id
from ritornello.formats.payouts.payment import FileHeader, Payment
from tests.payouts import DEBTOR


def header(day: date = date(2026, 11, 30)) -> FileHeader:
    return FileHeader("RTNMESSAGE", datetime(2026, 11, 27, 9, 30, tzinfo=UTC), day, 0, read_debtor("debtor.toml", DEBTOR.encode()))


def us_payment(number: int, party_kind: str) -> Payment:
    details = AccountDetails(US_BANK, f"{1000 + number}", f"Ñame {number}", routing="111000025", account_type="checking", country="US")
    payout_id = f"s/party-{number}/USD"
    return Payment(payout_id, f"party-{number}", party_kind, "USD", 12_345 + number, 2, details, end_to_end_id(payout_id), "Royalties s")
