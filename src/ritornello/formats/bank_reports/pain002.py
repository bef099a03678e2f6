"""pain.002, payment status report: what the bank says to a file of ours, to its blocks and its transactions (ExternalPaymentTransactionStatus1Code)."""

from collections.abc import Iterator
from dataclasses import replace

from ritornello.domain.payout_account import mask_within
from ritornello.formats.bank_reports.report import ACCEPTED, REJECTED, UNCLEAR, BankReport, Item
from ritornello.formats.bank_reports.xml import Element, amount, child, children, place, text
from ritornello.formats.payouts.ids import PREFIX, is_ours

_ACCEPTED = {"ACCP", "ACSP", "ACSC", "ACCC", "ACWC", "ACWP", "ACFC"}
_NO_NEWS = {"RCVD", "PDNG", "ACTC", "PART", "PATC"}  # still at work, or answered below
_REJECTED = {"RJCT", "CANC"}


def read(report: BankReport, message: Element) -> None:
    """Fill the report. Statements about single transactions come first: they are more exact than those about all of them."""
    original = child(message, "OrgnlGrpInfAndSts")
    message_id = text(original, "OrgnlMsgId")
    if original is None or message_id is None:
        report.problem(message.sourceline, "OrgnlGrpInfAndSts/OrgnlMsgId", "is missing", "ask the bank for the file again")
        return
    if not message_id.startswith(PREFIX):
        report.others += 1  # about a file of somebody else in the house
        return
    wider: list[Item] = []
    for block in children(message, "OrgnlPmtInfAndSts"):
        _read_transactions(report, block, message_id)
        if block_id := text(block, "OrgnlPmtInfId"):
            wider += _statement(block, text(block, "PmtInfSts"), Item("", "", message_id=message_id, block_id=block_id))
    _read_transactions(report, message, message_id)
    report.items += [*wider, *_statement(original, text(original, "GrpSts"), Item("", "", message_id=message_id))]


def _read_transactions(report: BankReport, parent: Element, message_id: str) -> None:
    for transaction in children(parent, "TxInfAndSts"):
        end_to_end_id = text(transaction, "OrgnlEndToEndId", "OrgnlInstrId")
        if end_to_end_id is not None and not is_ours(end_to_end_id):
            report.others += 1
            continue
        if end_to_end_id is None:
            report.problem(transaction.sourceline, "OrgnlEndToEndId", "is missing", "ask the bank for the file again")
            continue
        found = amount(report, transaction, "OrgnlTxRef/Amt/InstdAmt", "OrgnlTxRef/IntrBkSttlmAmt")
        about = Item("", "", end_to_end_id, message_id, amounts=(found,) if found else ())
        report.items += _statement(transaction, text(transaction, "TxSts"), about)


def _statement(element: Element, status: str | None, about: Item) -> Iterator[Item]:
    """What the status says about something; nothing when it is no news."""
    if status is None or status in _NO_NEWS:
        return
    says = ACCEPTED if status in _ACCEPTED else REJECTED if status in _REJECTED else UNCLEAR
    information = text(element, "StsRsnInf/AddtlInf")
    yield replace(
        about,
        place=place(element, f"status {status}"),
        says=says,
        reason_code=text(element, "StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry"),
        information=mask_within(information) if information else None,
        why_unclear=f"status {status} is not known" if says == UNCLEAR else None,
    )
