"""Payout formats by themselves: what other programs read, characters, identifications."""

import re
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from mockbank import nacha as bank_nacha
from mockbank import validate as bank_validate

from ritornello.domain.payout_account import IBAN, AccountDetails
from ritornello.formats.payouts import ids, nacha, pain001
from ritornello.formats.payouts.latin import latin
from ritornello.formats.payouts.payment import Debtor, DebtorAccount, Payment
from tests.formats.payments import header, us_payment


def test_another_program_reads_our_nacha_file_without_a_finding() -> None:
    payments = [us_payment(number, kind) for number, kind in enumerate(["person", "organisation", "person"] * 5)]
    data = nacha.render(header(), "b", payments)
    found, findings = bank_validate.inspect(data)
    assert findings == [] and found.message == bank_nacha.NAME
    assert [len(line) for line in data.decode().splitlines()] == [94] * 30
    assert {payment.end_to_end_id for payment in found.payments} == {payment.short_id for payment in payments}
    assert sum(payment.amount for payment in found.payments) == sum(Decimal(payment.amount) * 100 for payment in payments)
    assert data == nacha.render(header(), "b", list(reversed(payments)))


def test_details_never_show_in_messages() -> None:
    payment = us_payment(1, "person")
    assert "111000025" not in repr(payment) and "1001" not in repr(payment)


@given(st.text(max_size=200), st.integers(1, 140))
def test_whatever_the_text_banks_can_read_it(text: str, limit: int) -> None:
    plain = latin(text, limit)
    assert re.fullmatch(r"[A-Za-z0-9/?:().,'+ -]*", plain) and len(plain) <= limit
    assert not plain.startswith("/") and not plain.endswith("/") and "//" not in plain


@given(st.text(min_size=1, max_size=100))
def test_identifications_have_the_form_that_banks_take(payout_id: str) -> None:
    identification = ids.end_to_end_id(payout_id)
    assert re.fullmatch(r"[A-Z2-7]{29}", identification) and ids.is_ours(identification) and ids.is_ours(identification[:15])
    assert UUID(ids.uetr(payout_id, "b")).version == 4


def test_amounts_have_the_digits_of_their_currency() -> None:
    def amount(minor: int, digits: int) -> str:
        details = AccountDetails(IBAN, "DE89370400440532013000", "H")
        return Payment("p", "a", "person", "XXX", minor, digits, details, "e", "r").amount

    assert [amount(1001, 0), amount(1001, 2), amount(1001, 3)] == ["1001", "10.01", "1.001"]


def test_a_file_in_several_currencies_sums_them_up_exactly() -> None:
    details = AccountDetails("bank", "123", "Holder", bic="MIDLGB22", city="London", country="GB")
    accounts = tuple(DebtorAccount(currency, None, "99", None) for currency in ("JPY", "KWD"))
    payer = replace(header(), debtor=Debtor("Payer", "DE", accounts=accounts))
    payments = [
        Payment("p1", "a", "person", "JPY", 1001, 0, details, ids.end_to_end_id("p1"), "r"),
        Payment("p2", "a", "person", "KWD", 1, 3, details, ids.end_to_end_id("p2"), "r"),
    ]
    text = pain001.render(payer, "b", payments).decode()
    assert (
        "<CtrlSum>1001.001</CtrlSum>" in text
        and '<InstdAmt Ccy="KWD">0.001</InstdAmt>' in text
        and '<InstdAmt Ccy="JPY">1001</InstdAmt>' in text
    )
