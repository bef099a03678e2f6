"""Payout files through the command line: everything is in a file or named, nothing twice, the same bytes again, and a bank takes them."""

import csv
import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import sepaxml
from lxml import etree

from tests.payouts import HEADER
from tests.service.conftest import Bank

Run = Callable[..., str]
S = "p-2026-10"
PAIN = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"


@pytest.fixture
def write(payable: Path, run: Run, tmp_path: Path) -> Callable[..., dict[str, object]]:
    """Write a payout file: the answer, with the path of the file."""

    def call(form: str, *more: object, out: str = "out", expect: int = 0) -> dict[str, object]:
        command = ("payout", "write", S, "--format", form, "--out", tmp_path / out, "--debtor", tmp_path / "debtor.toml", "--by", "Olga")
        return json.loads(run("--home", payable, "--json", *command, *more, expect=expect))

    return call


def ids(rows: object) -> list[str]:
    assert isinstance(rows, list)
    return [row["payout_id"] for row in rows]


@pytest.mark.parametrize(("form", "version"), [("pain001", "09"), ("pain001-03", "03")])
def test_pain001_is_valid_by_the_public_schema(write: Callable[..., dict[str, object]], tmp_path: Path, form: str, version: str) -> None:
    answer = write(form)
    document = etree.parse(tmp_path / "out")
    schema = Path(sepaxml.__file__).parent / "schemas" / f"pain.001.001.{version}.xsd"
    etree.XMLSchema(etree.parse(schema)).assertValid(document)
    amounts = [Decimal(element.text) for element in document.iter("{*}InstdAmt")]
    assert Decimal(document.find(".//{*}GrpHdr/{*}CtrlSum").text) == sum(amounts)
    assert len(amounts) == len(ids(answer["payments"])) == int(document.find(".//{*}GrpHdr/{*}NbOfTxs").text)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_sepa_keeps_its_rules_and_the_rest_stands_apart(write: Callable[..., dict[str, object]], tmp_path: Path) -> None:
    write("pain001")
    blocks = {block.findtext(f"{PAIN}PmtInfId").rpartition("-")[2]: block for block in etree.parse(tmp_path / "out").iter(f"{PAIN}PmtInf")}
    assert list(blocks) == ["SEPA", "EUR", "SEK"]
    sepa = blocks["SEPA"]
    assert sepa.findtext(f"{PAIN}PmtTpInf/{PAIN}SvcLvl/{PAIN}Cd") == "SEPA" and sepa.findtext(f"{PAIN}ChrgBr") == "SLEV"
    assert {element.text[:2] for element in sepa.iterfind(f"{PAIN}CdtTrfTxInf/{PAIN}CdtrAcct/{PAIN}Id/{PAIN}IBAN")} == {"DE", "FR", "NO"}
    assert "Ana Muller + Son" in {element.text for element in sepa.iter(f"{PAIN}Nm")}
    for name in ("EUR", "SEK"):
        assert blocks[name].find(f"{PAIN}PmtTpInf") is None and blocks[name].findtext(f"{PAIN}ChrgBr") == "SHAR"
        for payment in blocks[name].iterfind(f"{PAIN}CdtTrfTxInf"):
            assert payment.findtext(f"{PAIN}CdtrAgt/{PAIN}FinInstnId/{PAIN}BICFI")
            assert payment.findtext(f"{PAIN}Cdtr/{PAIN}PstlAdr/{PAIN}TwnNm")


def test_a_bank_takes_the_file(write: Callable[..., dict[str, object]], tmp_path: Path, bank: Callable[..., Bank]) -> None:
    answer = write("pain001")
    said = bank().take((tmp_path / "out").read_bytes())
    assert (said["status"], said["findings"]) == ("ACCP", [])
    assert {row["end_to_end_id"] for row in said["payments"]} == {row["end_to_end_id"] for row in answer["payments"]}


def test_every_payout_is_in_the_file_or_named_with_what_to_do(write: Callable[..., dict[str, object]], payable: Path, run: Run) -> None:
    every = ids(json.loads(run("--home", payable, "--json", "payout", "show", S)))
    answer = write("pain001")
    assert sorted(ids(answer["payments"]) + ids(answer["left"])) == every
    (left,) = answer["left"]
    assert left["party_id"] == "ben" and "town" in left["what"] and "city" in left["todo"]


def test_the_bank_is_not_asked_to_pay_yesterday(write: Callable[..., dict[str, object]]) -> None:
    assert write("pain001", "--execute-on", "2020-01-02", expect=3)["error"] == "day_past"
    assert write("pain001", "--execute-on", "2099-01-02")["execute_on"] == "2099-01-02"


def test_nothing_goes_out_twice_unless_the_file_is_cancelled(
    write: Callable[..., dict[str, object]], payable: Path, run: Run, tmp_path: Path
) -> None:
    first = write("pain001")
    assert write("pain001", out="second", expect=3)["error"] == "nothing_to_pay"
    assert ids(write("csv-list", out="third")["payments"]) == ids(first["left"])
    assert not (tmp_path / "second").exists()
    run("--home", payable, "payout", "cancel", first["file_id"], "--why", "not uploaded", "--by", "Olga")
    again = write("pain001", out="fourth")
    assert ids(again["payments"]) == ids(first["payments"])
    assert (tmp_path / "fourth").read_bytes() != (tmp_path / "out").read_bytes(), "another file: another message identification"
    assert "not_cancellable" in run("--home", payable, "payout", "cancel", first["file_id"], "--why", "x", "--by", "Olga", expect=3)


def test_the_file_can_be_written_again_byte_for_byte(
    write: Callable[..., dict[str, object]], payable: Path, run: Run, tmp_path: Path
) -> None:
    answer = write("pain001")
    later = f"{HEADER}ana,iban,NL91ABNA0417164300,Ana Elsewhere,,,,,,,,NL\n"
    (tmp_path / "later.csv").write_text(later)
    run("--home", payable, "payout", "accounts", "import", tmp_path / "later.csv", "--by", "Olga")
    command = ("--home", payable, "payout", "again", answer["file_id"], "--out", tmp_path / "again", "--debtor")
    run(*command, tmp_path / "debtor.toml")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "out").read_bytes()
    (tmp_path / "debtor.toml").write_text((tmp_path / "debtor.toml").read_text().replace("Allee 7", "Allee 8"))
    assert "out_exists" in run(*command, tmp_path / "debtor.toml", expect=3)
    (tmp_path / "again").unlink()
    assert "file_differs" in run(*command, tmp_path / "debtor.toml", expect=3)


def test_service_csvs_follow_their_descriptions(write: Callable[..., dict[str, object]], payable: Path, run: Run, tmp_path: Path) -> None:
    sheet = f"{HEADER}ana,paypal,ana@example.org,,,,,,,,,\nben,wise,12345678,Ben Example,,,,EUR,,,,\nnorth,tipalti,north-7,,,,,EUR,,,,\n"
    (tmp_path / "services.csv").write_text(sheet)
    run("--home", payable, "payout", "accounts", "import", tmp_path / "services.csv", "--by", "Olga")
    assert write("csv-paypal", out="x", expect=3)["error"] == "several_currencies"
    write("csv-paypal", "--currency", "EUR", out="paypal.csv")
    (paypal,) = csv.reader((tmp_path / "paypal.csv").open(newline=""))
    assert (paypal[0], paypal[2], paypal[5]) == ("ana@example.org", "EUR", "PAYPAL") and " " not in paypal[3] and len(paypal[3]) <= 30
    write("csv-wise", out="wise.csv")
    (wise,) = csv.DictReader((tmp_path / "wise.csv").open(newline=""))
    assert (wise["recipientId"], wise["targetCurrency"], wise["amountCurrency"], wise["receiverType"]) == (
        "12345678",
        "EUR",
        "target",
        "PERSON",
    )
    write("csv-tipalti", out="tipalti.csv")
    (tipalti,) = csv.DictReader((tmp_path / "tipalti.csv").open(newline=""))
    assert tipalti["Idap"] == "north-7" and len(tipalti["RefCode"]) <= 16
    rest = write("csv-list", out="rest.csv")
    assert len(list(csv.DictReader((tmp_path / "rest.csv").open(newline="")))) == len(ids(rest["payments"]))
    assert rest["left"] == [], "the list takes everything that has an account"


def test_what_often_goes_with_fraud_is_shown_first(payable: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(f"{HEADER}ben,iban,DE89370400440532013000,Ben Example,,,,,,,,DE\n")
    run("--home", payable, "payout", "accounts", "import", tmp_path / "new.csv", "--by", "a phone call")
    command = ("payout", "preview", S, "--format", "pain001", "--debtor", tmp_path / "debtor.toml")
    warnings = json.loads(run("--home", payable, "--json", *command))["warnings"]
    assert any(text.startswith("ben: the account changed on") and "a phone call" in text for text in warnings)
    assert "one account is paid for several parties: ana, ben" in warnings
    assert len(warnings) == len(set(warnings))


def test_accounts_that_the_log_does_not_know_are_not_paid(payable: Path, run: Run, tmp_path: Path) -> None:
    with sqlite3.connect(payable / "ritornello.db") as connection:
        connection.execute("DROP TRIGGER payout_account_end_no_delete")
        connection.execute(
            "DELETE FROM payout_account_end WHERE account_id IN (SELECT account_id FROM payout_account WHERE party_id = 'ana')"
        )
    connection.close()
    command = ("payout", "preview", S, "--format", "pain001", "--debtor", tmp_path / "debtor.toml")
    assert "accounts_changed" in run("--home", payable, *command, expect=3)


def test_bank_data_of_a_payout_is_in_its_file_alone(
    write: Callable[..., dict[str, object]], payable: Path, run: Run, tmp_path: Path
) -> None:
    told = json.dumps(write("pain001"))
    run("--home", payable, "statement", S, "--out", tmp_path / "statements")
    run("--home", payable, "bundle", S, tmp_path / "bundle")
    run("--home", payable, "log", "publish", tmp_path / "log")
    for folder in (payable, tmp_path / "statements", tmp_path / "bundle", tmp_path / "log"):
        told += "".join(path.read_bytes().decode("latin-1") for path in sorted(folder.rglob("*")) if path.is_file())
    secrets = {element.text for element in etree.parse(tmp_path / "out").iter("{*}IBAN")} | {"0012345678", "123456789012"}
    assert len(secrets) > 5
    assert {secret for secret in secrets if secret in told} == set()


def test_a_payer_file_is_checked_as_a_whole(payable: Path, run: Run, tmp_path: Path) -> None:
    bad = """format = "x"
country = "Germany"
charges = "ALL"
colour = "red"
[[account]]
currency = "EURO"
iban = "DE02120300000000202052"
[[account]]
currency = "EUR"
iban = "DE02120300000000202051"
number = "1"
[nacha]
routing = "011000016"
"""
    (tmp_path / "bad.toml").write_text(bad)
    answer = run("--home", payable, "--json", "payout", "preview", S, "--format", "pain001", "--debtor", tmp_path / "bad.toml", expect=1)
    fields = {problem["field"] for problem in json.loads(answer)["problems"]}
    assert fields == {
        "format", "name", "country", "charges", "colour", "account 1.currency", "account 1.iban", "account 2", "nacha.routing",
        "nacha.bank_name", "nacha.origin", "nacha.company_id", "nacha.company_name",
    }  # fmt: skip
    assert "DE02120300000000202052" not in answer and "011000016" not in answer
