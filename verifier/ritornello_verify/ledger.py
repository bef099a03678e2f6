"""Steps 7–9 of settlement.md: postings, balances and payouts."""

from collections import defaultdict
from dataclasses import dataclass, field

from ritornello_verify.allocation import Allocation
from ritornello_verify.currency import UNITS_PER_MINOR
from ritornello_verify.period import Period
from ritornello_verify.receipts import Pool, Receipt

PARTY, HELD = "party:", "held:"

Account = tuple[str, str]
"""Account name and currency."""


@dataclass(frozen=True, slots=True)
class Posting:
    """Debit positive, credit negative, in ledger units."""

    transfer_id: str
    account: str
    currency: str
    units: int
    state: str = "posted"


@dataclass(frozen=True, slots=True)
class Balance:
    """Step 8, in ledger units."""

    opening: int
    earned: int
    paid: int

    def find_closing(self) -> int:
        return self.opening + self.earned - self.paid


@dataclass
class Ledger:
    """What allocations add up to, by account and currency."""

    period: Period
    earned: dict[Account, int] = field(default_factory=dict)
    lines: dict[Account, int] = field(default_factory=lambda: defaultdict(int))
    by_basis: dict[Account, dict[str, int]] = field(default_factory=dict)
    held_with_others: dict[Account, int] = field(default_factory=lambda: defaultdict(int))
    postings: list[Posting] = field(default_factory=list)

    def post_receipts(self, receipts: list[Receipt], pools: list[Pool]) -> None:
        """Step 7, `receive`: what came in for each income and currency goes to its pools."""
        received: dict[tuple[str, str], int] = defaultdict(int)
        for receipt in receipts:
            received[receipt.income.name, receipt.currency] += receipt.units
        for (income, currency), units in received.items():
            self.postings.append(Posting(self.name_transfer("receive", income, currency), f"received:{income}", currency, units))
        for pool in pools:
            transfer = self.name_transfer("receive", pool.receipt.income.name, pool.receipt.currency)
            self.postings.append(Posting(transfer, f"pool:{pool.name}", pool.receipt.currency, -pool.units))

    def post_allocation(self, allocation: Allocation) -> None:
        """Step 7, `allocate`, and what step 8 calls earned."""
        pool, currency = allocation.pool, allocation.pool.receipt.currency
        transfer = self.name_transfer("allocate", pool.name)
        self.postings.append(Posting(transfer, f"pool:{pool.name}", currency, pool.units))
        for payee, units in allocation.sum_payees().items():
            self.earned[payee, currency] = self.earned.get((payee, currency), 0) + units
            if units:
                self.postings.append(Posting(transfer, payee, currency, -units))
            by_basis = self.by_basis.setdefault((payee, currency), {})
            by_basis[pool.basis] = by_basis.get(pool.basis, 0) + units
        for line in allocation.lines:
            self.lines[line.payee, currency] += 1

    def find_payouts(self) -> dict[Account, int]:
        """Step 9: whole minor units, by party and currency, ascending."""
        payouts: dict[Account, int] = {}
        for account, currency in sorted(self.list_accounts()):
            party = self.period.parties.get(account.removeprefix(PARTY))
            if not account.startswith(PARTY) or party is None or not party.payable:
                continue
            owed = self.period.opening.get((account, currency), 0) + self.earned.get((account, currency), 0)
            if owed >= self.period.programme.find_threshold(currency):
                payouts[account.removeprefix(PARTY), currency] = owed // UNITS_PER_MINOR * UNITS_PER_MINOR
        return payouts

    def post_payouts(self, payouts: dict[Account, int]) -> None:
        """Step 7, `pay`: pending until the bank confirms."""
        for (party_id, currency), units in payouts.items():
            transfer = self.name_transfer("pay", party_id, currency)
            self.postings.append(Posting(transfer, f"{PARTY}{party_id}", currency, units, "pending"))
            self.postings.append(Posting(transfer, f"paid:{currency}", currency, -units, "pending"))

    def find_balances(self, payouts: dict[Account, int]) -> dict[Account, Balance]:
        """Step 8, ascending by account and currency."""
        return {
            (account, currency): Balance(
                self.period.opening.get((account, currency), 0),
                self.earned.get((account, currency), 0),
                payouts.get((account.removeprefix(PARTY), currency), 0) if account.startswith(PARTY) else 0,
            )
            for account, currency in sorted(self.list_accounts())
        }

    def list_accounts(self) -> set[Account]:
        """Accounts of parties and of held money that appear in opening or in allocations."""
        return {key for key in (*self.period.opening, *self.earned) if key[0].startswith((PARTY, HELD))}

    def name_transfer(self, *parts: str) -> str:
        return "/".join((self.period.header.settlement_id, *parts))
