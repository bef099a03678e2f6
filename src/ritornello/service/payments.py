"""How money reaches people: accounts, payouts with their state, thresholds and advances, as a page shows them."""

from dataclasses import dataclass
from typing import Any

from ritornello.domain.money import digits_of
from ritornello.domain.payout import FAILED, STATE_WORDS
from ritornello.domain.payout_account import PayoutAccount
from ritornello.formats.bank_reports import reasons
from ritornello.service import advances, payees, payouts, programmes, settlement_files
from ritornello.service.context import Context
from ritornello.store import catalogue

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Payments:
    """Of one party, or of all. Amounts are ledger units as text, with `minor_digits` beside them.

    `payouts`: newest settlement first, each with its state in words and, after a failure, why; `thresholds`: below which a balance waits, by programme and currency.
    """

    accounts: tuple[PayoutAccount, ...]  # in use; numbers are masked
    payouts: tuple[Row, ...]
    thresholds: tuple[Row, ...]
    advances: tuple[Row, ...]


def read(context: Context, reader: str | None) -> Payments:
    """What a payee may see of payments (`reader`): their own. None: the operator's people, who see all."""
    found = programmes.list_all(context)
    thresholds = [
        {"programme": one.title, "currency": currency, "units": str(units), "minor_digits": digits_of(currency)}
        for one in found
        for currency, units in sorted(one.thresholds.items())
    ]
    granted = [
        {
            **row,
            "minor_digits": digits_of(row["currency"]),
            "percent": int(row["recouped_units"]) * 100 // max(int(row["granted_units"]), 1),
        }
        for one in found
        for row in advances.list_advances(context, one.programme_id)
        if reader in {None, row["party_id"]}
    ]
    return Payments(tuple(payees.list_in_use(context, reader)), tuple(_payouts(context, reader)), tuple(thresholds), tuple(granted))


def _payouts(context: Context, reader: str | None) -> list[Row]:
    """Corrections pay nothing out: what they change is on the balance that the next settlement pays."""
    parties = catalogue.read_parties(context.connection, None if reader is None else [reader])
    rows = []
    for kept in (one for one in settlement_files.list_newest_first(context) if one.number == 0):
        for payout in payouts.list_payouts(context, kept.settlement_id):
            if reader in {None, payout.party_id}:
                rows.append(
                    {
                        "payout_id": payout.payout_id,
                        "settlement_id": kept.settlement_id,
                        "period_id": kept.period_id,
                        "party_id": payout.party_id,
                        "name": parties[payout.party_id].name,
                        "units": str(payout.amount_units),
                        "currency": payout.currency,
                        "minor_digits": payout.digits,
                        "state": payout.state,
                        "words": STATE_WORDS[payout.state],
                        "since_us": payout.last.recorded_at_us if payout.last else kept.settled_at_us,
                        **_why_failed(payout, reader),
                    }
                )
    return rows


def _why_failed(payout: payouts.Payout, reader: str | None) -> Row:
    """What went wrong and what to do; to a payee only what is about their own account."""
    if payout.state != FAILED or payout.last is None:
        return {"why": "", "todo": ""}
    reason = reasons.explain(payout.last.reason_code)
    if reader is None:
        return {"why": payout.last.reason or reason.words, "todo": reason.todo}
    if reason.stops and payout.last.reason_code:
        return {"why": reason.words, "todo": "give whoever runs this service an account that money can go to"}
    return {"why": "the bank did not carry it out", "todo": "nothing: the next settlement pays your balance again"}
