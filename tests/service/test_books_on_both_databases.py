"""The life of a payout in the books, on either database: paid, confirmed, returned, paid again; and each balance as it was known in between."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.payouts import ACCOUNTS, DEBTOR, KEY
from tests.service.conftest import Bank
from tests.service.test_payout_reports import Desk, of, settle_next

Run = Callable[..., str]
BEAN_CHECK = Path(sys.executable).parent / "bean-check"


def test_a_payout_that_comes_back(
    settled: Path, run: Run, bank: Callable[..., Bank], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RITORNELLO_DATA_KEY", KEY)
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "debtor.toml").write_text(DEBTOR)
    run("--home", settled, "payout", "accounts", "import", tmp_path / "accounts.csv", "--by", "Olga")
    desk = Desk(settled, run, tmp_path)
    answer, data = desk.write()
    their = bank(behaviour="return-later", parameters={"days": 2, "reason": "AC04", "end_to_end_id": of(answer, "ana")["end_to_end_id"]})
    their.take(data)
    their.advance(9)
    known = [desk.ask("ledger", "balances")]
    for message in sorted(their.sent("camt.054"), key=lambda message: b"RtrInf" in message):
        desk.read(message)
        known.append(desk.ask("ledger", "balances"))
    settle_next(desk, "2026-11")
    batches = desk.ask("ledger", "show")
    assert [batch["kind"] for batch in batches] == ["settlement", "confirmation", "return", "settlement"]
    assert desk.ask("ledger", "verify")["batches"] == 4
    for batch, balances in zip(batches, known, strict=False):
        moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=batch["recorded_at_us"])
        assert desk.ask("ledger", "balances", "--known-at", f"{moment:%Y-%m-%dT%H:%M:%S.%f}") == balances
    if BEAN_CHECK.exists():
        desk.ask("export", "beancount", tmp_path / "books")
        assert subprocess.run([BEAN_CHECK, tmp_path / "books"], capture_output=True, check=False).returncode == 0
