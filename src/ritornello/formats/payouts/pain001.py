"""ISO 20022 customer credit transfer initiation: pain.001.001.09, or pain.001.001.03 for banks that still want it.

SEPA credit transfers follow the EPC's customer-to-bank guidelines (EPC132-08): euro, IBAN, service level SEPA, shared charges (SLEV),
the Latin character set, names of at most 70 and remittance of at most 140 characters. Everything else goes into a payment-information
block of its own for each currency, with the BIC of the payee's bank and the payee's address.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from lxml import etree

from ritornello.domain.payout_account import BANK, IBAN
from ritornello.formats.bank_identifiers import bic_of, in_sepa
from ritornello.formats.payouts.ids import uetr
from ritornello.formats.payouts.latin import latin
from ritornello.formats.payouts.payment import Debtor, DebtorAccount, FileHeader, Obstacle, Payment, format_minor

NAME, REMITTANCE = 70, 140
_MOST_SEPA = 99_999_999_999  # EUR 999,999,999.99


@dataclass(frozen=True, slots=True)
class _Version:
    """How the versions differ in what we write."""

    namespace: str
    bic: str
    dated_by_choice: bool
    with_uetr: bool


V09 = _Version("urn:iso:std:iso:20022:tech:xsd:pain.001.001.09", "BICFI", True, True)
V03 = _Version("urn:iso:std:iso:20022:tech:xsd:pain.001.001.03", "BIC", False, False)


def obstacle(payment: Payment, debtor: Debtor) -> Obstacle | None:
    """Why the payment can't go into such a file; None when it can."""
    details, source = payment.details, debtor.account_for(payment.currency)
    if details.kind not in {IBAN, BANK}:
        return Obstacle(f"is paid through another door ({details.masked})", "write a file of the format for that kind of account")
    if source is None:
        return Obstacle(
            f"you have no account in {payment.currency}", f"add an [[account]] with currency {payment.currency} to the debtor file"
        )
    if not latin(details.holder or "", NAME):
        return Obstacle("the holder's name has no character that a bank takes", "record the account with the name in Latin letters")
    if is_sepa(payment, source):
        return None if payment.amount_minor <= _MOST_SEPA else Obstacle("is more than SEPA moves at once", "pay it by hand")
    if _agent(payment) is None:
        return Obstacle("leaves SEPA, and the BIC of the payee's bank isn't known", "record the account with its bic")
    if not details.city or not details.country:
        return Obstacle("leaves SEPA, and the payee's town or country is missing", "record the account with city and country")
    return None


def is_sepa(payment: Payment, source: DebtorAccount) -> bool:
    """A euro payment from and to accounts of SEPA countries."""
    ibans = payment.details.number if payment.details.kind == IBAN else None, source.iban
    return payment.currency == "EUR" and all(iban is not None and in_sepa(iban) for iban in ibans)


def render(header: FileHeader, batch_id: str, payments: Sequence[Payment], version: _Version = V09) -> bytes:
    """The file's bytes: blocks by currency, SEPA first; payments by payout."""
    root = etree.Element("Document", nsmap={None: version.namespace})
    message = etree.SubElement(root, "CstmrCdtTrfInitn")
    head = etree.SubElement(message, "GrpHdr")
    _text(head, "MsgId", header.message_id)
    _text(head, "CreDtTm", f"{header.created_at:%Y-%m-%dT%H:%M:%S}Z")
    _sums(head, payments)
    _party(etree.SubElement(head, "InitgPty"), header.debtor.name, header.debtor.identification)
    writer = _Writer(version, header, batch_id)
    for name, group in groupby(sorted(payments, key=_place(header.debtor)), key=lambda payment: block_of(payment, header.debtor)):
        writer.block(etree.SubElement(message, "PmtInf"), name, list(group))
    etree.indent(root, " ")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8")) + b"\n"


def render_v03(header: FileHeader, batch_id: str, payments: Sequence[Payment]) -> bytes:
    return render(header, batch_id, payments, V03)


def block_of(payment: Payment, debtor: Debtor) -> str:
    """The payment-information block that the payment stands in: `SEPA`, or the currency of those that leave it."""
    return "SEPA" if is_sepa(payment, _source(payment, debtor)) else payment.currency


def block_id(message_id: str, block: str) -> str:
    """PmtInfId."""
    return f"{message_id}-{block}"


@dataclass(frozen=True, slots=True)
class _Writer:
    version: _Version
    header: FileHeader
    batch_id: str

    def block(self, block: etree._Element, name: str, payments: list[Payment]) -> None:
        """PmtInf: payments of one currency from one account."""
        debtor, source = self.header.debtor, _source(payments[0], self.header.debtor)
        sepa = name == "SEPA"
        _text(block, "PmtInfId", block_id(self.header.message_id, name))
        _text(block, "PmtMtd", "TRF")
        _text(block, "BtchBookg", "true" if sepa else "false")
        _sums(block, payments)
        if sepa:
            _text(block, "PmtTpInf/SvcLvl/Cd", "SEPA")
        _text(block, "ReqdExctnDt/Dt" if self.version.dated_by_choice else "ReqdExctnDt", self.header.execute_on.isoformat())
        payer = etree.SubElement(block, "Dbtr")
        _text(payer, "Nm", latin(debtor.name, NAME))
        _address(payer, debtor.street, debtor.post_code, debtor.city, debtor.country)
        _account(etree.SubElement(block, "DbtrAcct"), source.iban, source.number, source.currency)
        self._bank(etree.SubElement(block, "DbtrAgt"), source.bic)
        _text(block, "ChrgBr", "SLEV" if sepa else debtor.charges)
        for payment in payments:
            self._transaction(etree.SubElement(block, "CdtTrfTxInf"), payment, sepa)

    def _transaction(self, transaction: etree._Element, payment: Payment, sepa: bool) -> None:
        details = payment.details
        identification = etree.SubElement(transaction, "PmtId")
        _text(identification, "InstrId", payment.end_to_end_id)
        _text(identification, "EndToEndId", payment.end_to_end_id)
        if self.version.with_uetr and not sepa:
            _text(identification, "UETR", uetr(payment.payout_id, self.batch_id))
        _text(transaction, "Amt/InstdAmt", payment.amount).set("Ccy", payment.currency)
        agent = details.bic if sepa else _agent(payment)
        if agent is not None:
            self._bank(etree.SubElement(transaction, "CdtrAgt"), agent)
        payee = etree.SubElement(transaction, "Cdtr")
        _text(payee, "Nm", latin(details.holder or "", NAME))
        if details.city:  # an address without a town is no structured address
            _address(payee, details.street, details.post_code, details.city, details.country)
        iban, number = (details.number, None) if details.kind == IBAN else (None, details.number)
        _account(etree.SubElement(transaction, "CdtrAcct"), iban, number, None)
        _text(transaction, "RmtInf/Ustrd", latin(payment.remittance, REMITTANCE))

    def _bank(self, agent: etree._Element, bic: str | None) -> None:
        _text(agent, f"FinInstnId/{self.version.bic}" if bic else "FinInstnId/Othr/Id", bic or "NOTPROVIDED")


def _source(payment: Payment, debtor: Debtor) -> DebtorAccount:
    source = debtor.account_for(payment.currency)
    assert source is not None, "a payment without an account to pay from"
    return source


def _place(debtor: Debtor) -> Callable[[Payment], tuple[bool, str, str]]:
    """SEPA first, then by currency; within a block by payout."""

    def place(payment: Payment) -> tuple[bool, str, str]:
        block = block_of(payment, debtor)
        return (block != "SEPA", block, payment.payout_id)

    return place


def _agent(payment: Payment) -> str | None:
    details = payment.details
    return details.bic or (bic_of(details.number) if details.kind == IBAN else None)


def _sums(parent: etree._Element, payments: Iterable[Payment]) -> None:
    """Number of transactions, and the control sum: all amounts added up, whatever their currency."""
    rows = list(payments)
    digits = max(payment.digits for payment in rows)
    _text(parent, "NbOfTxs", str(len(rows)))
    _text(parent, "CtrlSum", format_minor(sum(row.amount_minor * 10 ** (digits - row.digits) for row in rows), digits))


def _party(parent: etree._Element, name: str, identification: str | None) -> None:
    _text(parent, "Nm", latin(name, NAME))
    if identification:
        _text(parent, "Id/OrgId/Othr/Id", latin(identification, 35))


def _address(parent: etree._Element, street: str | None, post_code: str | None, city: str | None, country: str | None) -> None:
    address = etree.SubElement(parent, "PstlAdr")
    for name, value, limit in (("StrtNm", street, 70), ("PstCd", post_code, 16), ("TwnNm", city, 35), ("Ctry", country, 2)):
        if value and (plain := latin(value, limit)):
            _text(address, name, plain)


def _account(parent: etree._Element, iban: str | None, number: str | None, currency: str | None) -> None:
    _text(parent, "Id/IBAN" if iban else "Id/Othr/Id", iban or number or "")
    if currency:
        _text(parent, "Ccy", currency)


def _text(parent: etree._Element, path: str, value: str) -> etree._Element:
    """Add the elements of a path, the last one with text."""
    element = parent
    for name in path.split("/"):
        element = etree.SubElement(element, name)
    element.text = value
    return element
