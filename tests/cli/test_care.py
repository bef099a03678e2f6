"""Care with what is already there: nothing erased by a missing column, no period stranded, no key replaced, no traceback shown."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

Run = Callable[..., str]
HEADER = "line_id;product;model_version;territory;currency;net_amount\n"


def month(offset: int) -> str:
    """The period id of a month from now: 0 is this one."""
    day = datetime.now(UTC).date().replace(day=15) + timedelta(days=30 * offset)
    return f"{day:%Y-%m}"


@pytest.mark.parametrize("amount", ["2.500", "1.234", "1,234", "-12,500"])
def test_what_may_be_thousands_is_refused_unless_the_column_proves_the_mark(trained: Path, run: Run, tmp_path: Path, amount: str) -> None:
    sheet = tmp_path / "r.csv"
    command = ("--home", trained, "revenue", "import", sheet, "--programme", "p", "--period", "2026-10")
    sheet.write_text(f"{HEADER}a;App;m;DE;EUR;{amount}\n")
    assert "may mean" in run(*command, expect=1)
    mark = "," if "," in amount else "."
    sheet.write_text(f"{HEADER}a;App;m;DE;EUR;{amount}\nb;App;m;DE;EUR;99{mark}50\n")
    run(*command)


def test_a_missing_column_erases_nothing_and_a_changed_account_is_told(home: Path, run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "parties.csv"
    command = ("--home", home, "--json", "catalogue", "import", "--parties", sheet)
    sheet.write_text("party_id,name,kind\nnorth,North Renamed,organisation\n")
    assert not any("payout accounts" in note for note in json.loads(run(*command))["notes"])
    with sqlite3.connect(home / "ritornello.db") as connection:
        assert connection.execute("SELECT name FROM party WHERE party_id = 'north'").fetchone() == ("North Renamed",)
    connection.close()
    accounts = json.loads(run("--home", home, "--json", "payout", "accounts", "list", "north"))
    assert [(account["masked"], account["ended_at_us"]) for account in accounts] == [("reference …orth", None)]
    sheet.write_text("party_id,name,kind,payout_account\nnorth,North,organisation,acct-other\n")
    assert "payout accounts changed for 1 parties: north" in json.loads(run(*command))["notes"]


def test_periods_are_settled_when_over_in_order_and_none_is_left_behind(trained: Path, run: Run, tmp_path: Path) -> None:
    settle = ("--home", trained, "settle", "--programme", "p", "--period")
    assert "period_not_over" in run(*settle, month(0), expect=3)
    (tmp_path / "r.csv").write_text(f"{HEADER}a;App;m;DE;EUR;10\n")
    report = ("--home", trained, "revenue", "import", tmp_path / "r.csv", "--programme", "p", "--period")
    run(*report, month(-3))
    assert "earlier_unsettled" in run(*settle, month(-2), expect=3)
    run(*settle, month(-3))
    run(*settle, month(-2))
    assert "period_settled" in run(*report, month(-4), expect=3)


def test_money_follows_the_terms_that_were_consented_to(trained: Path, run: Run, tmp_path: Path, catalogue_folder: Path) -> None:
    terms = (catalogue_folder / "programme.toml").read_text().replace("version = 1", "version = 2").replace('"100.00"', '"0.01"')
    (tmp_path / "v2.toml").write_text(terms.replace("valid_from = 2020-01-01", "valid_from = 2090-01-01"))
    run("--home", trained, "programme", "add", tmp_path / "v2.toml")
    document = json.loads(run("--home", trained, "--json", "settle", "--programme", "p", "--period", "2026-10"))
    assert document["totals"][0]["received_units"] == "150000000", "100 EUR fee and the minimum of 50 EUR, as version 1 says"


def test_typing_errors_in_the_truth_are_named(trained: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "typo.csv").write_text("output_id,recording_id,weight_ppm\nO2,r1,1000000\no1,rTYPO,1000000\n")
    answer = json.loads(run("--home", trained, "--json", "attribute", "m", "--truth", tmp_path / "typo.csv", expect=1))
    assert {(problem["row"], problem["field"]) for problem in answer["problems"]} == {(2, "output_id"), (3, "recording_id")}


def test_a_damaged_home_is_neither_replaced_nor_opened(home: Path, run: Run) -> None:
    key = (home / "keys" / "log.pem").read_bytes()
    (home / "ritornello.json").rename(home / "away.json")
    assert "home_broken" in run("--home", home, "init", expect=3)
    assert (home / "keys" / "log.pem").read_bytes() == key
    (home / "ritornello.json").write_text("[")
    assert "home_broken" in run("--home", home, "log", "show", expect=3)
    (home / "away.json").rename(home / "ritornello.json")
    (home / "keys" / "log.pem").write_text("garbage")
    assert "home_broken" in run("--home", home, "log", "checkpoint", expect=3)
    for suffix in ("-wal", "-shm"):
        (home / f"ritornello.db{suffix}").unlink(missing_ok=True)
    (home / "ritornello.db").write_bytes(b"garbage" * 1000)
    assert "database" in run("--home", home, "catalogue", "show", expect=5)
    (home / "ritornello.db").unlink()
    assert "home_broken" in run("--home", home, "catalogue", "show", expect=3)


@pytest.mark.parametrize("arguments", [("settle", "x", "--nonsense"), ("nonsense",)])
def test_json_is_kept_for_wrong_usage_too(run: Run, arguments: tuple[str, ...]) -> None:
    assert json.loads(run("--json", *arguments, expect=2))["error"] == "usage"


def test_an_interruption_is_no_traceback(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ritornello.service.overview.list_recordings", interrupt)
    assert "interrupted" in run("--home", home, "catalogue", "show", expect=130)


def test_hostile_toml_is_a_problem_not_a_crash(run: Run, tmp_path: Path) -> None:
    for text in ("a = " + "[" * 5000, "version = " + "9" * 5000, 'a = "\\ud800"'):
        (tmp_path / "t.toml").write_text(text)
        assert "not valid TOML" in run("programme", "check", tmp_path / "t.toml", expect=1)


def test_two_stems_of_the_same_bytes_and_a_link_to_itself(run: Run, home: Path, tmp_path: Path, catalogue_folder: Path) -> None:
    audio = tmp_path / "audio"
    audio.mkdir()
    data = (catalogue_folder / "audio" / "one.flac").read_bytes()[:-1] + b"\x00"
    for name in ("a.flac", "b.flac"):
        (audio / name).write_bytes(data)
    (audio / "loop.flac").symlink_to(audio / "loop.flac")
    (tmp_path / "rec.csv").write_text(
        f"recording_id,file,kind,label\nr1,a.flac,stem,a\nr1,b.flac,stem,b\nr1,loop.flac,stem,c\nr1,{'x' * 300}.flac,stem,d\n"
    )
    answer = json.loads(
        run("--home", home, "--json", "catalogue", "import", "--recordings", tmp_path / "rec.csv", "--audio", audio, expect=1)
    )
    assert {problem["row"] for problem in answer["problems"]} >= {3, 4, 5}
