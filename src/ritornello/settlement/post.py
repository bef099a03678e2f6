"""Double entry of a whole settlement: step 8 of docs/formats/settlement.md."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ritornello.domain.ledger import Posting
from ritornello.domain.period import Period, Reported
from ritornello.settlement.allocate import Line
from ritornello.settlement.balances import Balance
from ritornello.settlement.correct import Delta
from ritornello.settlement.pools import Pool
from ritornello.settlement.receipts import take_fees

_Sums = dict[tuple[str, str, str], int]  # transfer, account, currency → units


def post(
    period: Period, receipts: Iterable[Reported], pools: Sequence[Pool], lines: Iterable[Line], balances: Iterable[Balance]
) -> list[Posting]:
    """The postings of a settlement, ascending by transfer, account and currency."""
    sums: _Sums = defaultdict(int)
    _receive(period, sums, receipts, {pool.name: (pool.income, pool.currency, pool.units) for pool in pools}, 1)
    for line in lines:
        sums[f"{period.settlement_id}/allocate/{line.pool}", line.payee, _currency(line.pool)] -= line.units
    pending: _Sums = defaultdict(int)
    for balance in balances:
        _settle_party(period, sums, pending, balance)
    return sorted(_postings(sums, "posted") + _postings(pending, "pending"), key=lambda p: (p.transfer_id, p.account, p.currency))


def post_correction(period: Period, receipts: Iterable[Reported], pools: Sequence[Pool], deltas: Iterable[Delta]) -> list[Posting]:
    """The postings of a correction: differences to what stands, ascending."""
    sums: _Sums = defaultdict(int)
    _receive(period, sums, receipts, {pool.name: (pool.income, pool.currency, pool.units) for pool in pools}, 1)
    _receive(
        period, sums, period.previous_receipts, {pool.pool: (pool.income, pool.currency, pool.units) for pool in period.previous_pools}, -1
    )
    for delta in deltas:
        sums[f"{period.settlement_id}/allocate/{delta.pool}", delta.payee, _currency(delta.pool)] -= delta.units
    return _postings(sums, "posted")


def _receive(period: Period, sums: _Sums, receipts: Iterable[Reported], pools: dict[str, tuple[str, str, int]], sign: int) -> None:
    """Money comes in, is exchanged, and lies in its pools, less the operator's fees; then the pools are opened for allocation."""
    for receipt in receipts:
        transfer = f"{period.settlement_id}/receive/{receipt.income}"
        reported, currency = receipt.reported_currency, receipt.currency
        sums[transfer, f"received:{receipt.income}", reported] += sign * receipt.reported_units
        if reported != currency:
            sums[transfer, f"exchange:{reported}", reported] -= sign * receipt.reported_units
            sums[transfer, f"exchange:{reported}", currency] += sign * (receipt.units - receipt.added_units)
        sums[transfer, f"received:{receipt.income}", currency] += sign * receipt.added_units
        for name, units in take_fees(period.terms_of(receipt.model_version), receipt.income, receipt.units).items():
            sums[transfer, f"fee:{name}", currency] -= sign * units
    for name, (income, currency, units) in pools.items():
        sums[f"{period.settlement_id}/receive/{income}", f"pool:{name}", currency] -= sign * units
        sums[f"{period.settlement_id}/allocate/{name}", f"pool:{name}", currency] += sign * units


def _settle_party(period: Period, sums: _Sums, pending: _Sums, balance: Balance) -> None:
    if balance.party_id is None:
        return
    account, currency = balance.account, balance.currency
    of_party = f"{balance.party_id}/{currency}"
    for verb, units in (("withhold", balance.withheld), ("release", -balance.released)):
        transfer = f"{period.settlement_id}/{verb}/{of_party}"
        sums[transfer, account, currency] += units
        sums[transfer, f"reserve:{balance.party_id}", currency] -= units
    for advance_id, units in balance.recouped.items():
        transfer = f"{period.settlement_id}/recoup/{of_party}"
        sums[transfer, account, currency] += units
        sums[transfer, f"advance:{advance_id}", currency] -= units
    transfer = f"{period.settlement_id}/pay/{of_party}"
    pending[transfer, account, currency] += balance.paid + balance.tax + balance.fee
    pending[transfer, f"paid:{currency}", currency] -= balance.paid
    pending[transfer, "fee:payout", currency] -= balance.fee
    if balance.tax:
        pending[transfer, f"tax:{period.taxes[balance.party_id].authority}", currency] -= balance.tax


def _currency(pool_name: str) -> str:
    return pool_name.split("/")[2]


def _postings(sums: _Sums, state: str) -> list[Posting]:
    return [Posting(transfer, account, currency, units, state) for (transfer, account, currency), units in sorted(sums.items()) if units]
