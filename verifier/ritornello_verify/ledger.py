"""Step 8 of settlement.md: the postings, added up by transfer, account and currency; of a correction, as differences."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ritornello_verify.allocation import Allocation
from ritornello_verify.balances import Balances
from ritornello_verify.correction import Delta
from ritornello_verify.earnings import PARTY
from ritornello_verify.period import Period
from ritornello_verify.receipts import Receipt

PAY = "pay"


@dataclass(frozen=True, slots=True)
class Posting:
    """Debit positive, credit negative, in ledger units."""

    transfer_id: str
    account: str
    currency: str
    units: int
    state: str = "posted"


@dataclass
class Ledger:
    period: Period
    posted: dict[tuple[str, str, str], int] = field(default_factory=lambda: defaultdict(int))
    pending: set[str] = field(default_factory=set)

    def post_receipt(self, receipt: Receipt, sign: int = 1) -> None:
        """`receive`, all but the pools; a receipt that stood before counts against."""
        transfer = self.name_transfer("receive", receipt.income.name)
        reported, currency = receipt.reported_currency, receipt.currency
        self.post(transfer, f"received:{receipt.income.name}", reported, sign * receipt.reported_units)
        self.post(transfer, f"received:{receipt.income.name}", currency, sign * receipt.added_units)
        if reported != currency:
            self.post(transfer, f"exchange:{reported}", reported, -sign * receipt.reported_units)
            self.post(transfer, f"exchange:{reported}", currency, sign * (receipt.units - receipt.added_units))
        for name, units in receipt.fees.items():
            self.post(transfer, f"fee:{name}", currency, -sign * units)

    def post_pool(self, name: str, income: str, currency: str, units: int) -> None:
        """What comes to a pool's account and leaves it again."""
        self.post(self.name_transfer("receive", income), f"pool:{name}", currency, -units)
        self.post(self.name_transfer("allocate", name), f"pool:{name}", currency, units)

    def post_allocation(self, allocation: Allocation) -> None:
        pool = allocation.pool
        self.post_pool(pool.name, pool.part.income.name, pool.part.currency, pool.units)
        for payee, units in allocation.sum_payees().items():
            self.post(self.name_transfer("allocate", pool.name), payee, pool.part.currency, -units)

    def post_deltas(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            self.post(self.name_transfer("allocate", delta.place.pool), delta.payee, delta.place.currency, -delta.find_units())

    def post_balances(self, balances: Balances) -> None:
        """`reserve`, `recoup` and `pay`."""
        for (account, currency), balance in balances.items():
            if not account.startswith(PARTY):
                continue
            party_id = account.removeprefix(PARTY)
            reserve = f"reserve:{party_id}"
            self.move("withhold", account, currency, {reserve: balance.withheld})
            self.move("release", account, currency, {reserve: -balance.released})
            self.move("recoup", account, currency, {f"advance:{name}": units for name, units in balance.advances.items()})
            if balance.paid:
                authority = self.period.taxes[party_id].authority if party_id in self.period.taxes else ""
                self.pending.add(self.name_transfer(PAY, party_id, currency))
                parts = {f"paid:{currency}": balance.paid, f"tax:{authority}": balance.tax, "fee:payout": balance.fee}
                self.move(PAY, account, currency, parts)

    def move(self, what: str, account: str, currency: str, parts: dict[str, int]) -> None:
        """From a party's account to others."""
        transfer = self.name_transfer(what, account.removeprefix(PARTY), currency)
        for other, units in parts.items():
            self.post(transfer, account, currency, units)
            self.post(transfer, other, currency, -units)

    def post(self, transfer: str, account: str, currency: str, units: int) -> None:
        if units:
            self.posted[transfer, account, currency] += units

    def list_postings(self) -> Iterator[Posting]:
        """Ascending by key, none of 0."""
        for (transfer, account, currency), units in sorted(self.posted.items()):
            if units:
                yield Posting(transfer, account, currency, units, "pending" if transfer in self.pending else "posted")

    def name_transfer(self, *parts: str) -> str:
        return "/".join((self.period.header.settlement_id, *parts))
