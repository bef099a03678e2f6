"""The payments page: each payee their own accounts, payouts and advances; failures with what to do."""

import pytest
from fastapi.testclient import TestClient

from ritornello.domain.payout import PayoutEvent
from ritornello.service import payments
from ritornello.service.payouts import Payout
from ritornello.serving import build
from ritornello.wiring import Home
from tests.portal.conftest import Run, join


def look(opened: Home, run: Run, *options: str) -> str:
    """The page as a fresh login sees it."""
    with TestClient(build(opened), base_url="https://rights.example.org") as browser:
        join(browser, run, opened.folder, f"user {options[-1]}", *options)
        return browser.get("/payments").text


def test_each_sees_their_own(opened: Home, run: Run) -> None:
    run("--home", opened.folder, "advance", "grant", "a1", "--programme", "p", "--party", "ben", "--amount", "1500", "--currency", "EUR")
    with opened.context(read_only=True) as context:
        every = payments.read(context, None)
        anas, bens = payments.read(context, "ana"), payments.read(context, "ben")
    assert {row["party_id"] for row in every.payouts} > {"ana", "ben"}
    assert {row["party_id"] for row in anas.payouts} == {"ana"}
    assert (len(anas.advances), len(bens.advances), len(every.advances)) == (0, 1, 1)
    assert [one.party_id for one in anas.accounts] == ["ana"]
    page = look(opened, run, "--role", "payee", "--party", "ana")
    assert "in no file yet" in page
    assert "Ben" not in page
    assert "Advances" not in page
    assert "1,500.00 EUR" in look(opened, run, "--role", "payee", "--party", "ben")
    assert "Ben Example" in look(opened, run, "--role", "reader")


def test_without_an_account(opened: Home, run: Run) -> None:
    assert "No payout account is on file" in look(opened, run, "--role", "payee", "--party", "cleo")


def test_a_failure_is_told_to_each_as_it_concerns_them(opened: Home, run: Run) -> None:
    with opened.context(read_only=True) as context:
        payout, *_ = payments.read(context, "ana").payouts
    run("--home", opened.folder, "payout", "fail", payout["payout_id"], "--why", "called back by us", "--by", "op")
    page = look(opened, run, "--role", "payee", "--party", "ana")
    assert "failed; the money is back on the balance" in page
    assert "the bank did not carry it out" in page
    assert "called back by us" not in page
    assert "called back by us" in look(opened, run, "--role", "reader")


@pytest.mark.parametrize(
    ("code", "to_payee", "to_operator"),
    [
        ("AC04", "the account is closed", "the account is closed"),
        ("AM04", "the bank did not carry it out", "your own account hadn't enough money, or a limit was reached"),
    ],
)
def test_reasons_of_banks(code: str, to_payee: str, to_operator: str) -> None:
    events = (PayoutEvent("x", "sent", 1, "op"), PayoutEvent("x", "failed", 2, "bank", reason_code=code))
    payout = Payout("x", "s", "ana", "EUR", 10_000, 2, events)
    assert payments._why_failed(payout, "ana")["why"] == to_payee
    assert payments._why_failed(payout, None)["why"] == to_operator
