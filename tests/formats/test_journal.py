"""The ledger in Beancount and hledger: names that can be undone, balances that agree to the last unit."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.domain.ledger import CHART, NAME
from ritornello.formats.journal import account_name, format_amount, own_name
from ritornello.store import ledger
from ritornello.store.database import open_engine, transaction
from tests.store.ledgers import EARN, batch, transfer

Run = Callable[..., str]
BEAN_CHECK = Path(sys.executable).parent / "bean-check"
needs_beancount = pytest.mark.skipif(not BEAN_CHECK.exists(), reason="beancount is not installed")
own_names = st.builds("{}:{}".format, st.sampled_from(sorted(CHART)), st.from_regex(re.compile(NAME, re.ASCII), fullmatch=True))


@given(own_names)
def test_names_are_beancounts_and_can_be_undone(own: str) -> None:
    name = account_name(own)
    assert own_name(name) == own
    assert re.fullmatch(r"[A-Z][A-Za-z0-9-]*(:[A-Z0-9][A-Za-z0-9-]*)+", name)


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("party:ana-1", "Liabilities:Party:Ana--1"),
        ("party:Ana-1", "Liabilities:Party:0-00Ana--1"),
        ("paid:EUR", "Liabilities:Paid:0-00EUR"),
        ("pool:fee/*/EUR/WW/master/exposure", "Liabilities:Pool:Fee:0-00-2A:0-00EUR:0-00WW:Master:Exposure"),
        ("received:a//b", "Assets:Received:A:0-00:B"),
    ],
)
def test_names_stay_readable(own: str, name: str) -> None:
    assert account_name(own) == name


def test_amounts_show_every_decimal() -> None:
    assert [format_amount(units, "EUR") for units in (1, -1_234_567_890, 0)] == ["0.000001", "-1234.567890", "0.000000"]
    assert (format_amount(-5, "JPY"), format_amount(5, "KWD")) == ("-0.0005", "0.0000005")


@pytest.fixture
def busy(settled: Path, database: str) -> Path:
    """A settled home with more in its ledger: accounts above and below each other, odd names, another programme, three currencies."""
    engine = open_engine(database)
    with transaction(engine) as connection:
        at_us = 1_790_000_000_000_000
        rows = [
            *transfer("a/1", EARN),
            *transfer("a/2", {"pool:x": 3, "pool:x/y": -5, "pool:x/y/z": 2, 'party:"q;(r)': -1, "party:[Q]": 1}, "JPY"),
        ]
        ledger.post_batch(connection, batch("a"), rows, at_us)
        mixed = [*transfer("b/both", {"bank:EUR": 7, "party:x": -7}), *transfer("b/both", {"bank:KWD": -3, "party:x": 3}, "KWD", "pending")]
        ledger.post_batch(connection, batch("b", "return", "other"), mixed, at_us)
    engine.dispose()
    return settled


def _balances(run: Run, home: Path, *options: str) -> dict[tuple[str, str], str]:
    rows = json.loads(run("--home", home, "--json", "ledger", "balances", *options))
    return {(account_name(row["account"]), row["currency"]): format_amount(-int(row["balance_units"]), row["currency"]) for row in rows}


@needs_beancount
def test_beancount_agrees_to_the_last_unit(busy: Path, run: Run, tmp_path: Path) -> None:
    """Its checker is content, its sums are our balances; and the smallest unit too much in a posting, or in a balance, is an error."""
    for file, *options in (("one", "--programme", "p"), ("all",)):
        run("--home", busy, "export", "beancount", tmp_path / file, *options)
        assert _check(tmp_path / file) == ""
        assert _sums(tmp_path / file) == _balances(run, busy, *options)
    run("--home", busy, "export", "beancount", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "all").read_bytes()
    assert "out_exists" in run("--home", busy, "export", "beancount", tmp_path / "again", expect=3)
    text = (tmp_path / "all").read_text()
    one_more = text.replace("  Liabilities:Party:Ana -0.700000 EUR", "  Liabilities:Party:Ana -0.700001 EUR", 1)
    asserted = re.sub(
        r"( balance Liabilities:Party:Ana .*)([0-8]) EUR\n", lambda found: f"{found[1]}{int(found[2]) + 1} EUR\n", text, count=1
    )
    for wrong, why in ((one_more, "does not balance"), (asserted, "Balance failed")):
        assert wrong != text
        (tmp_path / "wrong").write_text(wrong)
        assert why in _check(tmp_path / "wrong")


def _check(file: Path) -> str:
    done = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stderr


def _sums(file: Path) -> dict[tuple[str, str], str]:
    from beancount import loader
    from beancount.core.data import Transaction

    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in loader.load_file(str(file))[0]:
        for posting in entry.postings if isinstance(entry, Transaction) else ():
            sums[posting.account, posting.units.currency] += posting.units.number
    return {key: format(value, "f") for key, value in sums.items() if value}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("hledger") is None, reason="hledger is not installed (Debian: hledger)")
def test_hledger_agrees(busy: Path, run: Run, tmp_path: Path) -> None:
    run("--home", busy, "export", "hledger", tmp_path / "x.journal")

    def hledger(*arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["hledger", "-f", *map(str, arguments)], capture_output=True, text=True, check=False)

    checked = hledger(tmp_path / "x.journal", "check", "--strict")
    assert checked.returncode == 0, checked.stderr
    shown = hledger(tmp_path / "x.journal", "balance", "--flat", "--no-total", "--layout", "bare", "-O", "csv")
    found = {(row["account"], row["commodity"]): row["balance"] for row in csv.DictReader(io.StringIO(shown.stdout))}
    assert found == _balances(run, busy)
    text = (tmp_path / "x.journal").read_text()
    good = "  Liabilities:Party:Ana  -0.700000 EUR"
    assert good in text
    (tmp_path / "wrong").write_text(text.replace(good, good.replace("700000", "700001"), 1))
    assert hledger(tmp_path / "wrong", "check").returncode != 0


def test_an_empty_ledger_is_not_written(home: Path, run: Run, tmp_path: Path) -> None:
    assert "nothing_to_write" in run("--home", home, "export", "hledger", tmp_path / "x", expect=3)
    assert not (tmp_path / "x").exists()
