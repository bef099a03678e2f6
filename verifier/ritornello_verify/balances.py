"""Step 7 of settlement.md: what each account is owed; what of it is withheld, released, recouped, taxed and paid."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from ritornello_verify.currency import UNITS_PER_MINOR
from ritornello_verify.earnings import HELD, PARTY, Account, Earnings
from ritornello_verify.forms import MILLION, refuse
from ritornello_verify.period import Advance, Period
from ritornello_verify.reading import Values


@dataclass(frozen=True, slots=True)
class Balance:
    """In ledger units; `advances`: advance → its part of what is recouped."""

    opening: int
    earned: int
    withheld: int = 0
    released: int = 0
    advances: dict[str, int] = field(default_factory=dict)
    tax: int = 0
    fee: int = 0
    paid: int = 0

    def find_recouped(self) -> int:
        return sum(self.advances.values())

    def find_closing(self) -> int:
        return self.opening + self.earned - self.withheld + self.released - self.find_recouped() - self.tax - self.fee - self.paid


Balances = dict[Account, Balance]
"""Ascending by account and currency."""


def find_balances(period: Period, earnings: Earnings) -> Balances:
    if period.standing is not None:
        moved = sorted(key for key in earnings.moved if key[0].startswith((PARTY, HELD)))
        return {key: Balance(period.opening.get(key, 0), earnings.units[key]) for key in moved}
    released = sum_released(period)
    accounts = {key for key in (*period.opening, *earnings.units, *released) if key[0].startswith((PARTY, HELD))}
    return {key: find_balance(period, earnings, key, released.get(key, 0)) for key in sorted(accounts)}


def sum_released(period: Period) -> dict[Account, int]:
    released: dict[Account, int] = defaultdict(int)
    for row in period.reserves:
        if row["release_on"] <= period.header.last_day:
            released[f"{PARTY}{row['party_id']}", row["currency"]] += int(row["units"])
    return released


def find_balance(period: Period, earnings: Earnings, account: Account, released: int) -> Balance:
    opening, earned = period.opening.get(account, 0), earnings.units.get(account, 0)
    if not account[0].startswith(PARTY):
        return Balance(opening, earned)
    withholding = period.programme.withholding
    withheld = earned * withholding.rate_ppm // MILLION if withholding and earned > 0 else 0
    advances = recoup(period, earnings, account, earned - withheld)
    due = opening + earned - withheld + released - sum(advances.values())
    return Balance(opening, earned, withheld, released, advances, *find_payment(period, account, due))


def recoup(period: Period, earnings: Earnings, account: Account, left: int) -> dict[str, int]:
    """Advance → what of it is recouped, group by group in the order they were granted."""
    groups: dict[str, list[Advance]] = defaultdict(list)
    for advance in period.advances:
        if (f"{PARTY}{advance.party_id}", advance.currency) == account:
            groups[advance.group].append(advance)
    recouped: dict[str, int] = {}
    for advances in groups.values():
        covered = sum(
            units
            for recording_id, units in earnings.recordings.get(account, {}).items()
            if any(advance.names(recording_id) for advance in advances)
        )
        open_units = sum(advance.open_units for advance in advances)
        part = max(0, min(open_units, max(covered, 0) * advances[0].rate_ppm // MILLION, left))
        left -= part
        for advance in advances:
            own = min(part, advance.open_units)
            part -= own
            if own:
                recouped[advance.advance_id] = own
    return recouped


def find_payment(period: Period, account: Account, due: int) -> tuple[int, int, int]:
    """Tax, fee and what is sent."""
    party_id, currency = account[0].removeprefix(PARTY), account[1]
    party = period.parties.get(party_id)
    if party is None or not party.payable or due < period.programme.find_threshold(currency):
        return 0, 0, 0
    gross = due // UNITS_PER_MINOR * UNITS_PER_MINOR
    rate = period.taxes[party_id].rate_ppm if party_id in period.taxes else 0
    tax = gross * rate // (MILLION * UNITS_PER_MINOR) * UNITS_PER_MINOR
    fee = period.programme.payout_fees.get(currency, 0)
    paid = (gross - tax - fee) // UNITS_PER_MINOR * UNITS_PER_MINOR
    return (tax, fee, paid) if paid > 0 else (0, 0, 0)


def list_reserves(period: Period, balances: Balances) -> Iterator[Values]:
    """Rows of reserves_closing.jsonl, in any order."""
    last_day, withholding = period.header.last_day, period.programme.withholding
    yield from (row for row in period.reserves if period.standing is not None or row["release_on"] > last_day)
    for (account, currency), balance in balances.items():
        if balance.withheld and withholding is not None:
            yield {
                "party_id": account.removeprefix(PARTY),
                "currency": currency,
                "settlement_id": period.header.settlement_id,
                "units": str(balance.withheld),
                "release_on": add_days(last_day, withholding.release_after_days),
            }


def add_days(day: str, days: int) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
    except OverflowError:
        refuse(f"reserve: release_after_days is {days}, which leads beyond the calendar")
