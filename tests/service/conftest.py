"""A settled home whose parties have typed payout accounts, and a bank at the other end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mockbank import accounts as bank_accounts
from mockbank import outbox
from mockbank.server import Config
from mockbank.state import State

from tests.conftest import Worlds
from tests.payouts import ACCOUNTS, DEBTOR, KEY


@pytest.fixture
def payable(worlds: Worlds, run: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settled home whose parties have accounts of every kind; accounts.csv and debtor.toml lie beside it."""
    monkeypatch.delenv("RITORNELLO_DATABASE", raising=False)
    home = worlds.bring("settled", tmp_path)
    give_accounts(home, run, monkeypatch)
    return home


def give_accounts(home: Path, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts of every kind for the parties; accounts.csv and debtor.toml beside the home."""
    monkeypatch.setenv("RITORNELLO_DATA_KEY", KEY)
    (home.parent / "accounts.csv").write_text(ACCOUNTS)
    (home.parent / "debtor.toml").write_text(DEBTOR)
    run("--home", home, "payout", "accounts", "import", home.parent / "accounts.csv", "--by", "Olga")


class Bank:
    """The mock-bank package as the payer's bank: somebody else's reading of the standards."""

    def __init__(self, **of_account: Any) -> None:
        """`of_account`: how the payer's euro account, or its dollar account for NACHA, behaves (mockbank.accounts)."""
        self.state = State(Config())
        if of_account.get("format") == "nacha":
            dollars = {"iban": "DE02100500000054540402", "account_number": "1234567890", "currency": "USD"}
            bank_accounts.create(self.state.conn, "USD", {**dollars, "name": "Licensor", "balance": 10**9, **of_account})
            return
        for currency, iban, more in (("EUR", "DE02120300000000202051", of_account), ("SEK", "DE02500105170137075030", {})):
            fields = {"iban": iban, "name": "Licensor", "bic": "BYLADEM1001", "balance": 10**9, "currency": currency, **more}
            bank_accounts.create(self.state.conn, currency, fields)

    def holds(self, iban: str, **more: Any) -> None:
        """Make an account of a payee one of this bank's own."""
        bank_accounts.create(self.state.conn, f"X{iban[-6:]}", {"iban": iban, "name": "Payee", "bic": "PSSTFRPP", **more})

    def take(self, data: bytes) -> dict[str, Any]:
        """The bank's first answer to a payment file."""
        answer, _, _ = self.state.receive(data)
        return dict(answer)

    def advance(self, days: int) -> None:
        self.state.clock.advance(days=days)

    def sent(self, kind: str, account: str = "EUR") -> list[bytes]:
        """Every message of a kind that the bank sent about an account."""
        found = outbox.sent(self.state.conn, kind)
        return [str(outbox.message(self.state.conn, row["id"])["body"]).encode() for row in found if row["account"] == account]


@pytest.fixture
def bank() -> Callable[..., Bank]:
    return Bank
