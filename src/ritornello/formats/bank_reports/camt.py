"""camt.053 statements and camt.054 notifications: booked debits are payouts that left, returned credits are payouts that came back."""

from collections.abc import Iterator

from ritornello.domain.payout_account import mask_within
from ritornello.formats.bank_reports.report import BOOKED, RETURNED, UNCLEAR, Amount, BankReport, Item
from ritornello.formats.bank_reports.xml import Element, amount, child, children, place, text
from ritornello.formats.payouts.ids import PREFIX, is_ours

_PARTS = {"camt.053": "Stmt", "camt.054": "Ntfctn"}
_NO_ID = {"NOTPROVIDED", "NOT PROVIDED", "NONREF"}


def read(report: BankReport, message: Element) -> None:
    """Fill the report from every booked entry. Entries without an identification of ours are counted, no more."""
    for part in children(message, _PARTS[report.kind[:8]]):
        for entry in children(part, "Ntry"):
            if text(entry, "Sts/Cd", "Sts") not in {None, "BOOK"}:
                continue  # pending or for information: it comes again when it is booked
            items = list(_read_entry(report, entry))
            report.items += items
            report.others += not items


def _read_entry(report: BankReport, entry: Element) -> Iterator[Item]:
    whole = amount(report, entry, "Amt")
    details = list(children(entry, "NtryDtls/TxDtls"))
    named = [transaction for transaction in details if _identification(transaction) is not None]
    if named:
        for transaction in named:
            yield from _read_transaction(report, entry, transaction, whole if len(details) == 1 else None)
        return
    batch = child(entry, "NtryDtls/Btch")
    block_id = text(batch, "PmtInfId") or text(child(entry, "NtryDtls/TxDtls"), "Refs/PmtInfId")
    message_id = text(batch, "MsgId") or text(child(entry, "NtryDtls/TxDtls"), "Refs/MsgId")
    if not any(name is not None and name.startswith(PREFIX) for name in (block_id, message_id)):
        return
    count = text(batch, "NbOfTxs")
    outgoing = text(entry, "CdtDbtInd") == "DBIT" and not _is_return(entry, None)
    yield Item(
        place(entry, "entry"),
        BOOKED if outgoing else UNCLEAR,
        message_id=message_id,
        block_id=block_id,
        amounts=(whole,) if whole else (),
        count=int(count) if count and count.isascii() and count.isdigit() else None,
        why_unclear=None if outgoing else "several payments came back in one sum, and the bank doesn't say which",
    )


def _read_transaction(report: BankReport, entry: Element, transaction: Element, whole: Amount | None) -> Iterator[Item]:
    identification = _identification(transaction)
    if identification is None or not is_ours(identification):
        return
    amounts = [amount(report, transaction, "Amt"), amount(report, transaction, "AmtDtls/TxAmt/Amt"), whole]
    amounts.append(amount(report, transaction, "AmtDtls/InstdAmt/Amt"))
    incoming = text(transaction, "CdtDbtInd") == "CRDT" if text(transaction, "CdtDbtInd") else text(entry, "CdtDbtInd") == "CRDT"
    came_back = _is_return(entry, transaction)
    says = RETURNED if incoming and came_back else BOOKED if not incoming and not came_back else UNCLEAR
    information = text(transaction, "RtrInf/AddtlInf", "AddtlTxInf")
    yield Item(
        place(transaction, "transaction"),
        says,
        identification,
        text(transaction, "Refs/MsgId"),
        text(transaction, "Refs/PmtInfId"),
        tuple(found for found in amounts if found is not None),
        reason_code=text(transaction, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
        information=mask_within(information) if information else None,
        why_unclear="its direction and its kind don't go together: a credit that is no return, or a debit that is one"
        if says == UNCLEAR
        else None,
    )


def _identification(transaction: Element) -> str | None:
    found = text(transaction, "Refs/EndToEndId")
    return None if found is None or found.upper() in _NO_ID else found


def _is_return(entry: Element, transaction: Element | None) -> bool:
    """Return information, the reversal mark, or the bank transaction code RRTN (reversal due to payment return)."""
    if text(entry, "RvslInd") in {"true", "1"} or child(transaction, "RtrInf") is not None:
        return True
    codes = (text(element, "BkTxCd/Domn/Fmly/SubFmlyCd") for element in (entry, transaction))
    return "RRTN" in codes
