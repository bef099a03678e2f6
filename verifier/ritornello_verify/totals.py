"""`totals` of settlement.json: where the money of each currency came from and where it is."""

from collections import defaultdict

from ritornello_verify.balances import Balances
from ritornello_verify.earnings import HELD
from ritornello_verify.invariants import demand
from ritornello_verify.reading import Values
from ritornello_verify.report import Step

NAMES = ("opening", "opening_reserves", "received", "recouped", "fees", "tax", "paid", "held", "reserved", "carried")
IN = ("opening", "opening_reserves", "received")


def find_totals(
    balances: Balances, received: dict[str, int], fees: dict[str, int], opening: list[Values], closing: list[Values], step: Step
) -> list[Values]:
    """`received`: pools and operator's fees by currency, `fees` those fees alone; `opening` and `closing`: rows of reserves."""
    totals: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(NAMES, 0))
    for currency, units in received.items():
        totals[currency]["received"] += units
    for currency, units in fees.items():
        totals[currency]["fees"] += units
    for name, rows in (("opening_reserves", opening), ("reserved", closing)):
        for row in rows:
            totals[row["currency"]][name] += int(row["units"])
    for (account, currency), balance in balances.items():
        own = totals[currency]
        own["opening"] += balance.opening
        own["recouped"] += balance.find_recouped()
        own["fees"] += balance.fee
        own["tax"] += balance.tax
        own["paid"] += balance.paid
        own["held" if account.startswith(HELD) else "carried"] += balance.find_closing()
    for currency, own in totals.items():
        came = sum(own[name] for name in IN)
        demand(step, "money_total", came == sum(units for name, units in own.items() if name not in IN), currency)
    return [
        {"currency": currency, **{f"{name}_units": str(units) for name, units in own.items()}}
        for currency, own in sorted(totals.items())
        if any(own.values())
    ]
