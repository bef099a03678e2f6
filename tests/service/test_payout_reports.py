"""What banks answer, through the command line: matched, posted once, never guessed; and the loop until the money arrives."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mockbank import nacha as bank_nacha

from ritornello.formats.bank_reports import nacha_return
from ritornello.formats.bank_reports.report import BankReport
from tests.formats.payments import header, us_payment
from tests.payouts import HEADER
from tests.service.conftest import Bank, give_accounts

Run = Callable[..., str]
S = "p-2026-10"
DOCUMENT = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}">{body}</Document>'


class Desk:
    """The operator at work: commands as a user types them, and the ledger as it stands."""

    def __init__(self, home: Path, run: Run, folder: Path) -> None:
        self.home, self.run, self.folder, self.number = home, run, folder, 0

    def ask(self, *command: object, expect: int = 0) -> Any:
        return json.loads(self.run("--home", self.home, "--json", *command, expect=expect))

    def write(self, settlement_id: str = S) -> tuple[dict[str, Any], bytes]:
        self.number += 1
        out = self.folder / f"file{self.number}.xml"
        command = ("--format", "pain001", "--debtor", self.folder / "debtor.toml", "--by", "Olga", "--currency", "EUR")
        return self.ask("payout", "write", settlement_id, "--out", out, *command), out.read_bytes()

    def read(self, data: bytes | str, expect: int = 0) -> Any:
        path = self.folder / "from-bank.xml"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return self.ask("payout", "returns", path, expect=expect)

    def states(self, settlement_id: str = S) -> dict[str, str]:
        return {row["party_id"]: row["state"] for row in self.ask("payout", "show", settlement_id) if row["currency"] == "EUR"}

    def owed(self, account: str) -> int:
        return sum(
            int(row["balance_units"]) for row in self.ask("ledger", "balances") if (row["account"], row["currency"]) == (account, "EUR")
        )


@pytest.fixture
def desk(payable: Path, run: Run, tmp_path: Path) -> Desk:
    return Desk(payable, run, tmp_path)


def camt054(entries: str) -> str:
    return DOCUMENT.format(kind="camt.054.001.08", body=f"<BkToCstmrDbtCdtNtfctn><Ntfctn>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn>")


def entry(direction: str, amount: str, inside: str, currency: str = "EUR") -> str:
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<NtryDtls>{inside}</NtryDtls></Ntry>"
    )


def transaction(identification: str, reason: str | None = None) -> str:
    returned = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    return f"<TxDtls><Refs><EndToEndId>{identification}</EndToEndId></Refs>{returned}</TxDtls>"


def of(answer: dict[str, Any], party_id: str) -> dict[str, Any]:
    return next(row for row in answer["payments"] if row["party_id"] == party_id)


def test_the_loop_until_the_money_arrives(
    settled: Path, bank: Callable[..., Bank], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settle, write, accepted, booked, one comes back; the account is corrected; the next period pays it again. On both databases."""
    give_accounts(settled, run, monkeypatch)
    desk = Desk(settled, run, tmp_path)
    answer, data = desk.write()
    ana = of(answer, "ana")
    wrong = {"days": 2, "reason": "AC04", "end_to_end_id": ana["end_to_end_id"]}
    their = bank(behaviour="return-later", parameters=wrong)
    assert their.take(data)["status"] == "ACCP"
    sent = desk.owed("paid:EUR")
    (accepted,) = their.sent("pain.002")
    desk.read(accepted)
    assert set(desk.states().values()) == {"accepted"} and desk.owed("paid:EUR") == sent
    their.advance(9)
    booked, returned = sorted(their.sent("camt.054"), key=lambda message: b"RtrInf" in message)
    desk.read(booked)
    assert set(desk.states().values()) == {"confirmed"}
    assert (desk.owed("paid:EUR"), desk.owed("bank:EUR")) == (0, sent)
    before = desk.owed("party:ana")
    reading = desk.read(returned)
    assert [row["party_id"] for row in reading["changed"]] == ["ana"] and reading["stopped_accounts"] == ["ana"]
    assert "the account is closed" in reading["changed"][0]["reason"] and "accounts import" in reading["changed"][0]["reason"]
    back = int(float(ana["amount"]) * 100 + 0.5) * 10_000
    assert (desk.owed("party:ana") - before, sent - desk.owed("bank:EUR")) == (back, back)
    assert desk.states()["ana"] == "failed"
    assert desk.read(returned)["read_before"] is True
    for statement in their.sent("camt.053"):  # the same news once more
        assert desk.read(statement)["changed"] == []
    assert desk.owed("party:ana") - before == back and desk.ask("payout", "open-items") == []

    settle_next(desk, "2026-11")
    assert "ana" not in desk.states("p-2026-11"), "nobody is paid to an account that the bank calls closed"
    (tmp_path / "new.csv").write_text(f"{HEADER}ana,iban,NL91ABNA0417164300,Ana Example,,,,,,,,NL\n")
    desk.ask("payout", "accounts", "import", tmp_path / "new.csv", "--by", "Olga")
    settle_next(desk, "2026-12")
    paid = {row["party_id"]: int(row["amount_units"]) for row in desk.ask("payout", "show", "p-2026-12") if row["currency"] == "EUR"}
    assert paid["ana"] >= back
    answer, data = desk.write("p-2026-12")
    assert b"NL91ABNA0417164300" in data and of(answer, "ana")["end_to_end_id"] != ana["end_to_end_id"]
    assert desk.run("--home", desk.home, "ledger", "verify")
    opening = [row for row in desk.ask("statement", "p-2026-11") if row["party_id"] == "ana" and row["currency"] == "EUR"]
    assert int(opening[0]["opening_units"]) >= back


def test_dollars_come_back_from_a_us_bank(desk: Desk, bank: Callable[..., Bank], tmp_path: Path) -> None:
    settle_next(desk, "2026-11", "USD")
    out = tmp_path / "pay.ach"
    command = ("--format", "nacha", "--debtor", tmp_path / "debtor.toml", "--by", "Olga")
    answer = desk.ask("payout", "write", "p-2026-11", "--out", out, *command)
    assert [row["party_id"] for row in answer["payments"]] == ["ben"]
    their = bank(format="nacha", behaviour="return-later", parameters={"days": 2, "reason": "R03"})
    assert their.take(out.read_bytes())["findings"] == []
    their.advance(9)
    (returned,) = their.sent("nacha.return", "USD")
    reading = desk.read(returned)
    assert [(row["party_id"], row["state"]) for row in reading["changed"]] == [("ben", "failed")]
    assert "there is no such account" in reading["changed"][0]["reason"] and reading["stopped_accounts"] == ["ben"]
    accounts = desk.ask("payout", "accounts", "list", "ben")
    assert [row["kind"] for row in accounts if row["ended_at_us"] is None] == ["iban"], "only the account that was returned ends"


def test_tax_comes_back_with_the_payout_and_is_taken_once_in_all(desk: Desk) -> None:
    desk.ask("tax", "set", "ana", "--rate", "0.15", "--authority", "SE")
    settle_next(desk, "2026-11")
    tax, owed = desk.owed("tax:SE"), desk.owed("party:ana")
    sent = next(int(row["amount_units"]) for row in desk.ask("payout", "show", "p-2026-11") if row["party_id"] == "ana")
    assert tax > 0
    desk.ask("payout", "fail", "p-2026-11/ana/EUR", "--why", "account closed", "--by", "Olga")
    assert (desk.owed("tax:SE"), desk.owed("party:ana")) == (0, owed + sent + tax)
    settle_next(desk, "2026-12")
    again = next(int(row["amount_units"]) for row in desk.ask("payout", "show", "p-2026-12") if row["party_id"] == "ana")
    assert desk.owed("tax:SE") + again + desk.owed("party:ana") >= sent + tax and again > sent


def settle_next(desk: Desk, period: str, currency: str = "EUR") -> None:
    (desk.folder / "revenue-next.csv").write_text(
        f"line_id,product,model_version,territory,currency,net_amount\nn{period},App,m,DE,{currency},100\n"
    )
    desk.ask("revenue", "import", desk.folder / "revenue-next.csv", "--programme", "p", "--period", period)
    desk.ask("settle", "--programme", "p", "--period", period, "--early")


def test_a_rejection_puts_the_money_back_and_ends_the_account(desk: Desk, bank: Callable[..., Bank]) -> None:
    _, data = desk.write()
    their = bank()
    their.holds("FR1420041010050500013M02606", closed=1)
    assert their.take(data)["status"] == "PART"
    sent, before = desk.owed("paid:EUR"), desk.owed("party:ben")
    (rejected,) = their.sent("pain.002")
    reading = desk.read(rejected)
    assert desk.states()["ben"] == "failed" and reading["stopped_accounts"] == ["ben"]
    back = desk.owed("party:ben") - before
    assert back > 0 and sent - desk.owed("paid:EUR") == back
    assert {state for party_id, state in desk.states().items() if party_id != "ben"} <= {"sent", "accepted"}


def test_a_whole_file_is_rejected(desk: Desk, bank: Callable[..., Bank]) -> None:
    _, data = desk.write()
    their = bank(behaviour="reject-file")
    their.take(data)
    (rejected,) = their.sent("pain.002")
    reading = desk.read(rejected)
    assert set(desk.states().values()) == {"failed"} and reading["open_items"] == []
    assert desk.owed("paid:EUR") == 0


def test_a_block_booked_in_one_sum_confirms_what_is_in_it(desk: Desk) -> None:
    answer, data = desk.write()
    message = answer["payments"][0]
    block = data.decode().split("<PmtInfId>")[1].split("<")[0]
    of_block = [row for row in answer["payments"] if row["account"].startswith("IBAN")]
    total = sum(int(row["amount"].replace(".", "")) for row in of_block)
    for amount, count, items in ((total - 1, len(of_block), 1), (total, len(of_block) + 1, 1), (total, len(of_block), 0)):
        inside = f"<Btch><PmtInfId>{block}</PmtInfId><NbOfTxs>{count}</NbOfTxs></Btch>"
        assert len(desk.read(camt054(entry("DBIT", f"{amount / 100:.2f}", inside)))["open_items"]) == items
    assert {desk.states()[row["party_id"]] for row in of_block} == {"confirmed"}
    assert desk.states()["songs"] == "sent" and message["party_id"] == "ana"


def test_what_does_not_match_goes_to_a_list_and_posts_nothing(desk: Desk) -> None:
    answer, _ = desk.write()
    ana, ben = of(answer, "ana"), of(answer, "ben")
    before = desk.owed("paid:EUR"), desk.owed("party:ana")
    stranger = "RTN" + "A" * 26
    reading = desk.read(
        camt054(
            entry("CRDT", "1.00", transaction(ana["end_to_end_id"], "AC04"))  # less than was sent
            + entry("DBIT", "1.00", transaction(stranger))
            + entry("CRDT", ben["amount"], transaction(ben["end_to_end_id"]))  # a credit that is no return
            + entry("DBIT", ben["amount"], transaction(ben["end_to_end_id"]), currency="USD")
            + entry("DBIT", "77.00", transaction("SALARY-7"))
            + entry("DBIT", "9.00", "")
        )
    )
    assert reading["changed"] == [] and reading["others"] == 2
    assert [item["end_to_end_id"] for item in reading["open_items"]] == [
        ana["end_to_end_id"],
        stranger,
        ben["end_to_end_id"],
        ben["end_to_end_id"],
    ]
    assert (desk.owed("paid:EUR"), desk.owed("party:ana")) == before
    items = desk.ask("payout", "open-items")
    assert [item["why"] for item in items] == [item["why"] for item in reading["open_items"]]
    desk.ask("payout", "resolve", items[0]["item_id"], "--why", "fee of 10 EUR kept by the bank", "--by", "Olga")
    assert len(desk.ask("payout", "open-items")) == 3
    desk.ask("payout", "resolve", items[0]["item_id"], "--why", "again", "--by", "Olga", expect=3)


def test_answers_to_files_of_others_are_counted_and_left_alone(desk: Desk, bank: Callable[..., Bank]) -> None:
    _, data = desk.write()
    their = bank()
    their.take(data.replace(b"<MsgId>RTN", b"<MsgId>PAY").replace(b"EndToEndId>RTN", b"EndToEndId>PAY"))
    (answer,) = their.sent("pain.002")
    reading = desk.read(answer)
    assert (reading["changed"], reading["open_items"], reading["others"]) == ([], [], 1)


def test_a_return_before_its_booking_is_reported(desk: Desk) -> None:
    answer, _ = desk.write()
    ana = of(answer, "ana")
    sent = desk.owed("paid:EUR")
    desk.read(camt054(entry("CRDT", ana["amount"], transaction(ana["end_to_end_id"], "MS03"))))
    assert desk.owed("paid:EUR") < sent and desk.owed("bank:EUR") == 0
    late = desk.read(camt054(entry("DBIT", ana["amount"], transaction(ana["end_to_end_id"]))))
    assert late["known"] == 1 and late["open_items"] == [] and desk.owed("bank:EUR") == 0
    assert desk.states()["ana"] == "failed"


def test_a_booking_after_a_rejection_is_no_ones_guess(desk: Desk, bank: Callable[..., Bank]) -> None:
    answer, data = desk.write()
    their = bank(behaviour="reject-file")
    their.take(data)
    desk.read(their.sent("pain.002")[0])
    ana = of(answer, "ana")
    reading = desk.read(camt054(entry("DBIT", ana["amount"], transaction(ana["end_to_end_id"]))))
    assert reading["changed"] == [] and "but the payout is failed" in reading["open_items"][0]["why"]


def test_by_hand_where_no_file_comes(desk: Desk) -> None:
    answer, _ = desk.write()
    paid = desk.owed("paid:EUR")
    desk.ask("payout", "fail", of(answer, "ana")["payout_id"], "--why", "PayPal says no", "--by", "Olga")
    desk.ask("payout", "confirm", "--file", answer["file_id"], "--by", "Olga")
    assert desk.states() == {"ana": "failed", "ben": "confirmed", "north": "confirmed", "songs": "confirmed"}
    assert desk.owed("paid:EUR") == 0 and 0 < desk.owed("bank:EUR") < paid
    desk.ask("payout", "confirm", of(answer, "ana")["payout_id"], "--by", "Olga", expect=3)
    desk.ask("payout", "fail", "p-2026-10/nobody/EUR", "--why", "x", "--by", "Olga", expect=3)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("nothing", "not well-formed XML"),
        ("", "not well-formed XML"),
        ('<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>', "document type"),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><x/>', "document type"),
        ("<x/>", "not an ISO 20022 message"),
        (DOCUMENT.format(kind="pain.001.001.09", body="<CstmrCdtTrfInitn/>"), "is a pain.001.001.09"),
        (DOCUMENT.format(kind="pain.002.001.10", body="<CstmrPmtStsRpt/>"), "is missing"),
        ("<a>" * 3000 + "</a>" * 3000, "too deep"),
        (camt054(entry("DBIT", "1.001", transaction("RTN" + "A" * 26))), "more than 2 digits"),
        (camt054(entry("DBIT", "1e3", transaction("RTN" + "A" * 26), currency="XXX")), "not a currency"),
        ("101 broken\n6", "characters where a record has 94"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused(desk: Desk, data: str, what: str) -> None:
    answer = desk.read(data, expect=1)
    assert any(what in problem["what"] for problem in answer["problems"]), answer


def test_entities_are_never_expanded(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("TOP SECRET")
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    for declared in (f'<!ENTITY e0 SYSTEM "file://{tmp_path}/secret">', f'<!ENTITY e0 "ha">{bomb}'):
        answer = desk.read(f"<!DOCTYPE x [{declared}]><x>&e11;&e0;</x>", expect=1)
        assert "SECRET" not in json.dumps(answer)


def test_nacha_returns_are_read_as_another_program_writes_them() -> None:
    """A return file made by the mock bank from our own payments: the trace, the identification, the amount, the reason."""
    payments = [us_payment(number, "person") for number in range(3)]
    rows = [
        {
            "transaction_code": "22",
            "entry_class": "PPD",
            "instruction_id": f"0110000100000{number:02d}",
            "amount": payment.amount_minor,
            "end_to_end_id": payment.short_id,
            "creditor_name": "Name",
            "creditor_number": payment.details.number,
            "creditor_clearing_id": "111000025",
            "return_reason": reason,
        }
        for number, (payment, reason) in enumerate(zip(payments, ("R02", "R03", "R23"), strict=True))
    ]
    text = bank_nacha.return_file(
        "011000015", {"account_number": "1234567890", "name": "Licensor"}, rows, header().execute_on, header().created_at
    )
    report = BankReport("returns.ach", "nacha")
    nacha_return.read(report, text)
    assert report.problems == []
    assert [(item.says, item.end_to_end_id, item.amounts[0].minor, item.reason_code) for item in report.items] == [
        ("returned", payment.short_id, payment.amount_minor, reason)
        for payment, reason in zip(payments, ("R02", "R03", "R23"), strict=True)
    ]
    broken = BankReport("returns.ach", "nacha")
    nacha_return.read(broken, text[:300])
    assert {problem.what for problem in broken.problems} >= {"has no file header or no file control: it is not whole"}
