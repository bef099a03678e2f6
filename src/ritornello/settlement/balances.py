"""What every account is owed after a settlement: reserves, recoupment, payouts. Step 7 of docs/formats/settlement.md."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from ritornello.domain.money import UNITS_PER_MINOR
from ritornello.domain.period import Advance, Period, Withheld
from ritornello.domain.programme import WHOLE_PPM
from ritornello.settlement.allocate import Line
from ritornello.settlement.correct import Delta
from ritornello.settlement.pools import Pool

_Account = tuple[str, str]  # account, currency


@dataclass(frozen=True, slots=True)
class Balance:
    """One account in one currency, in units: opening + earned − withheld + released − recouped − tax − fee − paid = closing."""

    account: str
    currency: str
    opening: int
    earned: int
    withheld: int = 0
    released: int = 0
    recouped: Mapping[str, int] = field(default_factory=dict)  # advance → units
    tax: int = 0
    fee: int = 0
    paid: int = 0

    @property
    def party_id(self) -> str | None:
        """The party, or None for a held account."""
        return self.account.removeprefix("party:") if self.account.startswith("party:") else None

    @property
    def closing(self) -> int:
        costs = sum(self.recouped.values()) + self.tax + self.fee
        return self.opening + self.earned - self.withheld + self.released - costs - self.paid


def settle_balances(period: Period, pools: Sequence[Pool], lines: Iterable[Line]) -> list[Balance]:
    """Every account with an opening balance, a line or a reserve to be released, ascending."""
    currency_of = {pool.name: pool.currency for pool in pools}
    earned: dict[_Account, int] = defaultdict(int)
    advanced = {(f"party:{advance.party_id}", advance.currency) for advance in period.advances}
    through: dict[_Account, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        account = line.payee, currency_of[line.pool]
        earned[account] += line.units
        if account in advanced:
            through[account][line.recording_id] += line.units
    released: dict[_Account, int] = defaultdict(int)
    for row in period.reserves:
        if row.release_on <= period.last_day:
            released[f"party:{row.party_id}", row.currency] += row.units
    return [
        _settle(period, account, earned.get(account, 0), released.get(account, 0), through.get(account, {}))
        for account in sorted({*period.opening, *earned, *released})
    ]


def correct_balances(period: Period, deltas: Iterable[Delta], currency_of: Mapping[str, str]) -> list[Balance]:
    """Every account that a correction moves, ascending; the next settlement pays."""
    earned: dict[_Account, int] = defaultdict(int)
    for delta in deltas:
        if delta.units:
            earned[delta.payee, currency_of[delta.pool]] += delta.units
    return [Balance(*account, period.opening.get(account, 0), units) for account, units in sorted(earned.items())]


def keep_reserves(period: Period, balances: Iterable[Balance]) -> list[Withheld]:
    """What is withheld after this settlement."""
    kept = [row for row in period.reserves if row.release_on > period.last_day or period.corrects]
    if (rule := period.programme.reserve) is not None:
        release_on = period.last_day + timedelta(days=rule.release_after_days)
        kept += [
            Withheld(balance.party_id or "", balance.currency, period.settlement_id, balance.withheld, release_on)
            for balance in balances
            if balance.withheld
        ]
    return sorted(kept, key=lambda row: (row.party_id, row.currency, row.settlement_id))


def _settle(period: Period, account: _Account, earned: int, released: int, through: Mapping[str, int]) -> Balance:
    opening = period.opening.get(account, 0)
    name, currency = account
    if not name.startswith("party:"):
        return Balance(name, currency, opening, earned)
    party_id = name.removeprefix("party:")
    rule = period.programme.reserve
    withheld = max(earned, 0) * rule.rate_ppm // WHOLE_PPM if rule else 0
    recouped = _recoup(period, party_id, currency, through, earned - withheld)
    due = opening + earned - withheld + released - sum(recouped.values())
    tax, fee, paid = _pay(period, party_id, currency, due)
    return Balance(name, currency, opening, earned, withheld, released, recouped, tax, fee, paid)


def _recoup(period: Period, party_id: str, currency: str, through: Mapping[str, int], available: int) -> dict[str, int]:
    """Advance → units that this period's earnings pay back; oldest group first, oldest advance first."""
    mine = [advance for advance in period.advances if (advance.party_id, advance.currency) == (party_id, currency)]
    groups: dict[str, list[Advance]] = {}
    for advance in sorted(mine, key=lambda advance: (advance.granted_on, advance.advance_id)):
        groups.setdefault(advance.group, []).append(advance)
    recouped: dict[str, int] = {}
    for advances in groups.values():
        names = {recording_id for advance in advances for recording_id in advance.recordings}
        covered = sum(units for recording_id, units in through.items() if "*" in names or recording_id in names)
        left = min(max(covered, 0) * advances[0].rate_ppm // WHOLE_PPM, max(available, 0))
        for advance in advances:
            part = min(left, advance.open_units)
            if part:
                recouped[advance.advance_id] = part
            left -= part
            available -= part
    return recouped


def _pay(period: Period, party_id: str, currency: str, due: int) -> tuple[int, int, int]:
    """Tax, fee and what is sent of what is due."""
    threshold = max(period.programme.thresholds.get(currency, 0), UNITS_PER_MINOR)
    if party_id not in period.payable or due < threshold:
        return 0, 0, 0
    gross = _whole_minor(due)
    rule = period.taxes.get(party_id)
    tax = _whole_minor(gross * rule.rate_ppm // WHOLE_PPM) if rule else 0
    fee = period.programme.payout_fees.get(currency, 0)
    paid = _whole_minor(gross - tax - fee)
    return (tax, fee, paid) if paid > 0 else (0, 0, 0)


def _whole_minor(units: int) -> int:
    return units // UNITS_PER_MINOR * UNITS_PER_MINOR
