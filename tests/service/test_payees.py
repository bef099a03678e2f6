"""Payout accounts through the command line: typed, sealed, masked everywhere, and tied to the log."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from ritornello.store.database import open_engine, transaction, upgrade
from ritornello.store.payout_accounts import payable_at, read_accounts

Run = Callable[..., str]
KEY, OTHER_KEY = "1f" * 32, "2e" * 32
HEADER = "party_id,kind,number,holder,bic,routing,account_type,currency,street,post_code,city,country\n"
IBAN, US_NUMBER = "DE89370400440532013000", "123456789012"
SHEET = f"""{HEADER}ana,iban,DE89 3704 0044 0532 0130 00,Ana Example,,,,,Weg 1,10115,Berlin,DE
ben,us_bank,{US_NUMBER},Ben Example,,111000025,savings,,1 Road,73301,Austin,US
cleo,paypal,cleo@example.org,,,,,,,,,
songs,bank,0012345678,Songs Example,MIDLGB22,,,GBP,,,London,GB
"""


@pytest.fixture
def sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RITORNELLO_DATA_KEY", KEY)
    path = tmp_path / "accounts.csv"
    path.write_text(SHEET)
    return path


def accounts(home: Path, run: Run, *party: str) -> list[dict[str, object]]:
    return json.loads(run("--home", home, "--json", "payout", "accounts", "list", *party))


def test_accounts_are_replaced_and_never_forgotten(home: Path, run: Run, sheet: Path) -> None:
    report = json.loads(run("--home", home, "--json", "payout", "accounts", "import", sheet, "--by", "Olga"))
    assert (report["new"], report["changed"]) == (["ben", "cleo", "songs"], ["ana"]), (
        "ana's reference is replaced; ben's US account is USD only"
    )
    again = json.loads(run("--home", home, "--json", "payout", "accounts", "import", sheet, "--by", "Olga"))
    assert (again["new"], again["changed"], again["unchanged"]) == ([], [], 4)
    shown = [(row["masked"], row["currency"], row["recorded_by"], row["ended_why"]) for row in accounts(home, run, "ana")]
    assert shown == [("reference …-ana", None, "list of parties", "replaced"), ("IBAN …3000", None, "Olga", None)]
    run("--home", home, "payout", "accounts", "end", "ana", "--by", "Olga", "--why", "she said so")
    assert accounts(home, run, "ana")[-1]["ended_why"] == "she said so"
    assert "no_account" in run("--home", home, "payout", "accounts", "end", "ana", "--by", "Olga", "--why", "again", expect=3)


def test_who_was_payable_is_known_for_every_moment(home: Path, database: str, run: Run, sheet: Path) -> None:
    run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga")
    run("--home", home, "payout", "accounts", "end", "cleo", "--by", "Olga", "--why", "moved")
    engine = open_engine(database)
    with transaction(engine) as connection:
        (cleo,) = read_accounts(connection, party_id="cleo")
        assert cleo.ended_at_us is not None
        assert "cleo" not in payable_at(connection, cleo.recorded_at_us - 1)
        assert "cleo" in payable_at(connection, cleo.recorded_at_us)
        assert "cleo" in payable_at(connection, cleo.ended_at_us - 1)
        assert "cleo" not in payable_at(connection, cleo.ended_at_us)
        assert payable_at(connection, cleo.ended_at_us) == {"ana", "ben", "north", "songs"}
    engine.dispose()


def test_bank_data_lies_nowhere_in_clear(home: Path, run: Run, sheet: Path) -> None:
    told = run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga")
    told += run("--home", home, "payout", "accounts", "list") + run("--home", home, "--json", "payout", "accounts", "list")
    stored = b"".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())
    for secret in (IBAN, US_NUMBER, "cleo@example.org", "0012345678", "MIDLGB22"):
        assert secret not in told
        assert secret.encode() not in stored
    assert "…3000" in told


def test_without_a_key_bank_data_is_refused_and_references_are_not(
    home: Path, run: Run, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RITORNELLO_DATA_KEY")
    assert "no_data_key" in run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga", expect=3)
    sheet.write_text(f"{HEADER}ana,tipalti,ana-77,,,,,,,,,\n")
    run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga")
    monkeypatch.setenv("RITORNELLO_DATA_KEY", "short")
    sheet.write_text(SHEET)
    assert "bad_data_key" in run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga", expect=3)


def test_the_key_can_be_changed(home: Path, run: Run, sheet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga")
    monkeypatch.setenv("RITORNELLO_DATA_KEY", OTHER_KEY)
    assert "no_data_key" in run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga", expect=3)
    monkeypatch.setenv("RITORNELLO_DATA_KEY", f"{OTHER_KEY},{KEY}")
    run("--home", home, "payout", "accounts", "reseal")
    monkeypatch.setenv("RITORNELLO_DATA_KEY", OTHER_KEY)
    assert '"unchanged": 4' in run("--home", home, "--json", "payout", "accounts", "import", sheet, "--by", "Olga")


def test_every_mistake_is_named_and_no_number_repeated(home: Path, run: Run, sheet: Path) -> None:
    wrong = f"""{HEADER}ana,iban,DE89370400440532013001,Ana Example,,,,,,,,DE
ben,us_bank,123456789012,Ben Example,,111000026,,EUR,,,,US
cleo,paypal,not-an-address-987654321,,,,,,,,,
nobody,iban,{IBAN},Nobody,,,,,,,,DE
songs,bank,0012345678,,XX,,,,,,,
north,GB29NWBK60161331926819,x,,,,,,,,,
north,reference,GB29 NWBK 6016 1331 9268 19,,,,,,,,,
"""
    sheet.write_text(wrong)
    answer = run("--home", home, "--json", "payout", "accounts", "import", sheet, "--by", "Olga", expect=1)
    found = {(problem["row"], problem["field"]) for problem in json.loads(answer)["problems"]}
    assert found >= {
        (2, "number"),
        (3, "routing"),
        (3, "currency"),
        (4, "number"),
        (5, "party_id"),
        (6, "bic"),
        (6, "holder"),
        (6, "country"),
    }
    assert found >= {(7, "kind"), (8, "number")}
    for secret in ("DE89370400440532013001", "111000026", "987654321", IBAN, "GB29NWBK60161331926819", "6016 1331"):
        assert secret not in answer
    assert {row["kind"] for row in accounts(home, run)} == {"reference"}, "nothing was taken"


def test_a_sheet_without_a_header_tells_no_number(home: Path, run: Run, sheet: Path) -> None:
    sheet.write_text("ana,iban,DE89 3704 0044 0532 0130 00,Ana\n")
    answer = run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga", expect=1)
    assert "0532" not in answer and "…3000" in answer


def test_the_list_of_parties_does_not_undo_a_typed_account(home: Path, run: Run, sheet: Path, catalogue_folder: Path) -> None:
    run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga")
    report = json.loads(run("--home", home, "--json", "catalogue", "import", "--parties", catalogue_folder / "parties.csv"))
    assert "a typed payout account stays in use for 1 parties: ana" in report["notes"]
    sheet.write_text(f"party_id,name,kind,payout_account\nana,Ana,person,{IBAN}\n")
    assert IBAN not in run("--home", home, "catalogue", "import", "--parties", sheet, expect=1)


@pytest.mark.sqlite
def test_whoever_changes_the_database_is_found_out(home: Path, run: Run, sheet: Path) -> None:
    """An account is moved to another party: its sealed details don't open there."""
    run("--home", home, "payout", "accounts", "import", sheet, "--by", "Olga")
    with sqlite3.connect(home / "ritornello.db") as connection:
        connection.execute("DROP TRIGGER payout_account_no_update")
        connection.execute("UPDATE payout_account SET party_id = 'ben', currency = 'EUR' WHERE party_id = 'ana' AND kind = 'iban'")
    connection.close()
    run("--home", home, "payout", "accounts", "reseal", expect=4)


@pytest.mark.sqlite
def test_accounts_are_append_only(home: Path, run: Run) -> None:
    with sqlite3.connect(home / "ritornello.db") as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM payout_account")
    connection.close()


@pytest.mark.sqlite
def test_references_of_older_versions_are_taken_over(run: Run, tmp_path: Path) -> None:
    home, sheet = tmp_path / "home", tmp_path / "accounts.csv"
    run("--home", home, "init")
    for path in home.glob("ritornello.db*"):
        path.unlink()
    engine = open_engine(f"sqlite:///{home / 'ritornello.db'}")
    upgrade(engine, "0003")
    with transaction(engine) as connection:
        for party_id, reference in (("ana", "acct-ána"), ("ben", None)):
            row = {"party_id": party_id, "name": "N", "kind": "person", "payout_account": reference}
            connection.execute(
                text("INSERT INTO party (party_id, name, kind, payout_account) VALUES (:party_id, :name, :kind, :payout_account)"), row
            )
    engine.dispose()
    (account,) = accounts(home, run)
    assert (account["party_id"], account["masked"], account["recorded_by"]) == ("ana", "reference …-ána", "an older version")
    sheet.write_text("party_id,kind,number\nana,reference,acct-ána\n", encoding="utf-8")
    assert json.loads(run("--home", home, "--json", "payout", "accounts", "import", sheet, "--by", "Olga"))["unchanged"] == 1
