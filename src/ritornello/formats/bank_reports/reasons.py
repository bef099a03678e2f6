"""Why banks refuse or return payments, in plain words, and what to do.

Codes: ISO 20022 external code sets (ExternalStatusReason1Code, ExternalReturnReason1Code); Nacha return reason codes of returned credits.
"""

from dataclasses import dataclass

NEW_ACCOUNT = "ask the payee for the right account and record it: ritornello payout accounts import"
ASK_BANK = "ask the bank; the next settlement pays the balance again"
NEXT = "nothing: the next settlement pays the balance again"
DECEASED = "stop paying until the heirs are known: the balance is kept for them"


@dataclass(frozen=True, slots=True)
class Reason:
    """`stops`: the account must not be used again as it is."""

    words: str
    todo: str
    stops: bool = False


_ACCOUNT = {
    "AC01 R04": "the account number is wrong",
    "AC03 R03": "there is no such account, or it isn't the payee's",
    "AC04 AC07 R02": "the account is closed",
    "AC06 R16": "the account is blocked or frozen",
    "AC14 R20": "the account is of a kind that can't take such payments",
    "AG01": "this kind of payment is not allowed on the account",
    "BE01 BE04 BE06 BE22 R22 RR03": "name, address or identification of the payee is missing or doesn't go with the account",
    "CNOR RC01 RC04 RC07 R13 R28": "the payee's bank can't be reached under that BIC or routing number",
    "R12": "the branch was sold to another bank",
    "R23": "the payee refused the payment",
    "RR04": "regulations don't allow the payment",
}
_REST = {
    "MD07 R14 R15": Reason("the account's holder has died", DECEASED, stops=True),
    "AC02 AC05 AC13 BE05 DNOR R21 RC03 RR01 RR02": Reason(
        "your own account, name or identification was not accepted", "correct the debtor file"
    ),
    "AM01 AM02 AM06 AM07 AM09 AM12 AM23 R19": Reason("the amount is zero, too small, too large, blocked or invalid", ASK_BANK),
    "AM03": Reason("the currency can't be processed", "record an account for another currency, or ask the bank"),
    "AM04 AM14 AM21": Reason(
        "your own account hadn't enough money, or a limit was reached", "put money on it; the next settlement pays again"
    ),
    "AM05 ARDT DUPL R24": Reason(
        "the bank takes it for a duplicate", "make sure that it was not paid before; then the next settlement pays it"
    ),
    "CUST FOCR R06": Reason("you, or your bank for you, called it back", NEXT),
    "DT01 DT02 DT04 CH03 CH04 R18": Reason("the execution date can't be met", "give another day: --execute-on"),
    "ED05 R32 RC11": Reason("settlement between the banks failed", NEXT),
    "AG02 FF01 FF02 FF03 FF05 FF07 FF08 FF10 TECH R17 R25 R26 R27": Reason("the bank couldn't process the form of the file", ASK_BANK),
    "LEGL NARR NOAS NOOR MS02 MS03 R31 SVNR": Reason(
        "for a reason that the bank or the payee gives in its own words, or doesn't give", ASK_BANK
    ),
}
REASONS = {code: Reason(words, NEW_ACCOUNT, stops=True) for codes, words in _ACCOUNT.items() for code in codes.split()} | {
    code: reason for codes, reason in _REST.items() for code in codes.split()
}


def explain(code: str | None) -> Reason:
    """The reason in words; an unknown code says so."""
    if code is None:
        return Reason("the bank doesn't say why", ASK_BANK)
    return REASONS.get(code, Reason(f"for the bank's reason {code}", ASK_BANK))
