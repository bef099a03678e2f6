"""NACHA return files: returned entries (addenda 99 with an R code) and notifications of change (addenda 98 with a C code)."""

from ritornello.domain.payout_account import mask, mask_within
from ritornello.formats.bank_reports.report import RETURNED, UNCLEAR, Amount, BankReport, Item
from ritornello.formats.payouts.ids import is_ours
from ritornello.formats.payouts.nacha import RECORD, split_records

_RETURNED_CREDITS = {"21", "31", "41", "51"}  # of checking, savings, general ledger and loan accounts
_RETURN, _CHANGE = "99", "98"


def read(report: BankReport, text: str) -> None:
    """Fill the report; a file that breaks off or has records of a wrong length is refused."""
    entry: tuple[int, str] | None = None
    kinds = set()
    for number, record in split_records(text):
        if not record.strip():
            continue
        if len(record) != RECORD or not record.isascii():
            report.problem(
                number, None, f"has {len(record)} characters where a record has {RECORD} of ASCII", "ask the bank for the file again"
            )
            continue
        kinds.add(record[0])
        if record[0] == "6":
            entry = (number, record)
        elif record[0] == "7" and entry is None:
            report.problem(number, None, "is an addenda record without an entry before it", "ask the bank for the file again")
        elif record[0] == "7" and entry is not None and record[1:3] in {_RETURN, _CHANGE}:
            _read_entry(report, *entry, number, record)
            entry = None
        elif record[0] not in "15789":
            report.problem(number, None, f"begins with {record[0]!r}, which is no kind of record", "ask the bank for the file again")
    if not {"1", "9"} <= kinds:
        report.problem(None, None, "has no file header or no file control: it is not whole", "ask the bank for the file again")


def _read_entry(report: BankReport, entry_line: int, entry: str, addenda_line: int, addenda: str) -> None:
    identification = entry[39:54].strip()
    if not entry[29:39].isdigit():
        report.problem(entry_line, "amount", "is not a number", "ask the bank for the file again")
        return
    if not is_ours(identification):
        report.others += 1
        return
    code = addenda[3:6]
    amounts = (Amount(int(entry[29:39]), "USD"),)
    where = f"line {addenda_line}, trace {mask(addenda[6:21])}"
    if addenda[1:3] == _CHANGE:
        why = f"the payee's bank asks to change the account ({code}); the payment itself went through"
        corrected = mask_within(addenda[35:64].strip())
        report.items.append(Item(where, UNCLEAR, identification, amounts=amounts, reason_code=code, information=corrected, why_unclear=why))
    elif entry[1:3] not in _RETURNED_CREDITS:
        why = f"the entry (transaction code {entry[1:3]}) is not a returned credit"
        report.items.append(Item(where, UNCLEAR, identification, amounts=amounts, reason_code=code, why_unclear=why))
    else:
        information = mask_within(addenda[35:79].strip()) or None
        report.items.append(Item(where, RETURNED, identification, amounts=amounts, reason_code=code, information=information))
