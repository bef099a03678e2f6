"""CSVs that payout services take, by their public descriptions (which, and when read: docs/formats/payout-files.md); and a list of our own."""

import csv
import io
from collections.abc import Iterable, Sequence

from ritornello.domain.payout_account import PAYPAL, TIPALTI, WISE
from ritornello.formats.payouts.payment import Debtor, FileHeader, Obstacle, Payment
from ritornello.formats.statement_files import harmless

WISE_COLUMNS = (
    "recipientId", "name", "recipientEmail", "recipientDetail", "sourceCurrency", "targetCurrency", "amountCurrency", "amount",
    "paymentReference", "receiverType",
)  # fmt: skip
TIPALTI_COLUMNS = ("Idap", "Amount", "SubmittedAmountCurrency", "RefCode")
LIST_COLUMNS = (
    "payout_id", "reference", "party_id", "currency", "amount", "kind", "number", "holder", "bic", "routing", "account_type",
    "street", "post_code", "city", "country",
)  # fmt: skip
PAYPAL_ROWS, WISE_ROWS = 5000, 1000


def paypal_obstacle(payment: Payment, debtor: Debtor) -> Obstacle | None:
    return _wants(payment, PAYPAL)


def wise_obstacle(payment: Payment, debtor: Debtor) -> Obstacle | None:
    if debtor.wise_currency is None and payment.details.kind == WISE:
        return Obstacle("the debtor file has no [wise]", "add it with the currency of the balance that pays")
    return _wants(payment, WISE)


def tipalti_obstacle(payment: Payment, debtor: Debtor) -> Obstacle | None:
    return _wants(payment, TIPALTI)


def list_obstacle(payment: Payment, debtor: Debtor) -> Obstacle | None:
    return None


def render_paypal(header: FileHeader, batch_id: str, payments: Sequence[Payment]) -> bytes:
    """Recipient, amount, currency, our reference, note, wallet; no header row."""
    return _write((p.details.number, p.amount, p.currency, p.end_to_end_id, p.remittance, "PAYPAL") for p in _ordered(payments))


def render_wise(header: FileHeader, batch_id: str, payments: Sequence[Payment]) -> bytes:
    """Transfers to saved recipients, each receiving exactly its amount."""
    rows = (
        (
            p.details.number,
            p.details.holder,
            "",
            "",
            header.debtor.wise_currency,
            p.currency,
            "target",
            p.amount,
            p.short_id,
            "PERSON" if p.party_kind == "person" else "INSTITUTION",
        )
        for p in _ordered(payments)
    )
    return _write(rows, WISE_COLUMNS)


def render_tipalti(header: FileHeader, batch_id: str, payments: Sequence[Payment]) -> bytes:
    return _write(((p.details.number, p.amount, p.currency, p.short_id) for p in _ordered(payments)), TIPALTI_COLUMNS)


def render_list(header: FileHeader, batch_id: str, payments: Sequence[Payment]) -> bytes:
    """Everything about each payment, for services whose format isn't public and for paying by hand."""
    rows = (
        (p.payout_id, p.end_to_end_id, p.party_id, p.currency, p.amount, *(getattr(p.details, name) or "" for name in LIST_COLUMNS[5:]))
        for p in _ordered(payments)
    )
    return _write(rows, LIST_COLUMNS)


def _wants(payment: Payment, kind: str) -> Obstacle | None:
    if payment.details.kind == kind:
        return None
    return Obstacle(f"is paid through another door ({payment.details.masked})", "write a file of the format for that kind of account")


def _ordered(payments: Iterable[Payment]) -> list[Payment]:
    return sorted(payments, key=lambda payment: payment.payout_id)


def _write(rows: Iterable[Sequence[object]], columns: Sequence[str] = ()) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    if columns:
        writer.writerow(columns)
    writer.writerows([harmless(str(value)) for value in row] for row in rows)
    return stream.getvalue().encode()
