"""Months of an operator's life, drawn from a seed: reports, corrections, claims, disputes, advances, settlements, duplicates and crashes.

After every event the books are checked. The same seed gives the same life, to the last byte of the ledger.
"""

import hashlib
import os
import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, event, text

from ritornello.domain.errors import Refused
from ritornello.domain.payout import CONFIRMED, FAILED, can_become
from ritornello.service import (
    advances,
    disputes,
    held,
    payout_reports,
    payouts,
    registry,
    reports,
    settlement,
    settlement_files,
    statements,
    taxes,
)
from ritornello.service.catalogue_plan import Sources
from ritornello.service.context import Context
from ritornello.service.reports import Target
from ritornello.store import ledger
from ritornello.store.database import open_engine, transaction
from ritornello.store.files import FileStore

PROGRAMME, FIRST_MONTH = "p", date(2026, 11, 1)
DAY_US = 86_400 * 10**6
OUTPUTS = ("o1", "o2", "o3", "o4")
LANES = {"r1": "master", "r2": "master", "w1": "publishing", "w2": "publishing", "w3": "publishing"}
PARTIES = ("ana", "ben", "cleo", "north", "songs")


class Crash(Exception):
    """The machine stops between two statements."""


@dataclass
class Life:
    """One seed's world: a copy of a home, a clock, and what the simulator remembers of it."""

    home: Path
    seed: int
    draw: random.Random = field(init=False)
    now_us: int = field(init=False)
    month: int = 0  # months settled
    serial: int = 0  # names that are used once
    sent: list[tuple[str, str, Path]] = field(default_factory=list)  # (kind, period, file) of every report taken
    disputed: list[str] = field(default_factory=list)
    issued: dict[str, str] = field(default_factory=dict)  # settlement → hash of everything issued with it
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.now_us = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()) * 10**6 + DAY_US
        self._engine = open_engine(f"sqlite:///{self.home / 'ritornello.db'}")
        event.listen(self._engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        self._key = Ed25519PrivateKey.generate()

    def live(self, events: int) -> None:
        """Let so many things happen; the last of them is always a settlement and its correction."""
        actions = (
            *((self._report_revenue, 6), (self._report_usage, 4), (self._report_late, 3), (self._report_twice, 1), (self._replace, 2)),
            *((self._withdraw, 2), (self._change_claim, 4), (self._open_dispute, 2), (self._resolve_dispute, 2), (self._grant_advance, 1)),
            *((self._set_tax, 1), (self._settle, 4), (self._settle_again, 1), (self._correct, 4), (self._answer_payouts, 3)),
        )
        for _ in range(events):
            (action,) = self.draw.choices([action for action, _ in actions], [weight for _, weight in actions])
            self._happen(action)
        for action in (self._report_revenue, self._settle, self._correct):
            self._happen(action)
        self._derive_everything_again()
        self._engine.dispose()

    def fingerprint(self) -> str:
        """A hash of the whole ledger: the same for the same seed."""
        with self._context() as context:
            return "\n".join(posted.header.root for posted in ledger.read_batches(context.connection))

    def _happen(self, action: Callable[[Context], None]) -> None:
        """One event, sometimes after a crash in the middle of it, which must leave no trace."""
        self.now_us += self.draw.randint(1, 3 * DAY_US)
        state = self.draw.getstate()
        if self.draw.random() < 0.15:
            remembered = self._remember()
            before = self._whole_state()
            state = self.draw.getstate()
            statements_left = self.draw.randint(1, 40)
            try:
                with self._context(crash_after=statements_left) as context:
                    action(context)
            except (Crash, Refused):
                self.done["crashes"] += 1
                self._forget(remembered)
                assert self._whole_state() == before, f"seed {self.seed}: a crash in {action.__name__} left something behind"
            else:
                self.done[action.__name__] += 1
                self._check()
                return
        self.draw.setstate(state)
        try:
            with self._context() as context:
                action(context)
            self.done[action.__name__] += 1
        except Refused as error:
            assert error.code in {"nothing_to_correct", "not_settled", "report_twice", "disputed_already", "unknown_report"}, error
            self.done[f"refused {error.code}"] += 1
        self._check()

    # what can happen

    def _report_revenue(self, context: Context) -> None:
        self._take("revenue", self._period(self.month), self._revenue_file(), context)

    def _report_usage(self, context: Context) -> None:
        self._take("usage", self._period(self.month), self._usage_file(), context)

    def _report_late(self, context: Context) -> None:
        if self.month:
            self._take("revenue", self._period(self.draw.randrange(self.month)), self._revenue_file(), context, late=True)

    def _report_twice(self, context: Context) -> None:
        if self.sent:
            kind, period, path = self.draw.choice(self.sent)
            self._import(kind, period, path, context, late=True)
            raise AssertionError("the same report was taken twice")

    def _replace(self, context: Context) -> None:
        if found := self._standing():
            kind, period, path = self.draw.choice(found)
            self.sent.remove((kind, period, path))
            file = self._revenue_file() if kind == "revenue" else self._usage_file()
            self._take(kind, period, file, context, late=True, replaces=_sha256(path))

    def _withdraw(self, context: Context) -> None:
        if found := self._standing():
            one = self.draw.choice(found)
            self.sent.remove(one)
            reports.withdraw(context, _sha256(one[2]), "counted wrongly")

    def _change_claim(self, context: Context) -> None:
        subject = self.draw.choice(sorted(LANES))
        party, share = self.draw.choice(PARTIES), self.draw.choice(["10", "33.33", "50", "66.67", "100", "12.345678"])
        path = self._write("claims", "subject,lane,party_id,share_percent", [f"{subject},{LANES[subject]},{party},{share}"])
        registry.import_catalogue(context, Sources(claims=(path,), files=(path,)))

    def _open_dispute(self, context: Context) -> None:
        rows = context.connection.execute(text("SELECT claim_id FROM claim WHERE claim_id NOT IN (SELECT claim_id FROM claim_retraction)"))
        claim_id = self.draw.choice(sorted(row.claim_id for row in rows))
        self.disputed.append(disputes.open_dispute(context, claim_id, self.draw.choice(PARTIES), "contested").dispute_id)

    def _resolve_dispute(self, context: Context) -> None:
        if self.disputed:
            disputes.resolve_dispute(
                context, self.disputed.pop(self.draw.randrange(len(self.disputed))), "operator", "settled between them"
            )

    def _grant_advance(self, context: Context) -> None:
        recordings = self.draw.choice([(), ("r1",), ("r1", "r2")])
        amount = f"{self.draw.randint(1, 300)}.00"
        party, group = self.draw.choice(PARTIES), None
        advances.grant_advance(
            context, PROGRAMME, party, amount, "EUR", advance_id=self._name("adv"), group=group, recordings=recordings, rate_ppm=500_000
        )

    def _set_tax(self, context: Context) -> None:
        taxes.set_tax(context, self.draw.choice(PARTIES), self.draw.choice([0, 150_000, 300_000]), "SE")

    def _settle(self, context: Context) -> None:
        settled = settlement.settle_period(context, PROGRAMME, self._period(self.month), early=True)
        self.month += 1
        self._issue(context, settled.settlement_id)

    def _settle_again(self, context: Context) -> None:
        if self.month:
            try:
                settlement.settle_period(context, PROGRAMME, self._period(self.draw.randrange(self.month)), early=True)
            except Refused as error:
                assert error.code == "settled_already"
                return
            raise AssertionError("a period was settled twice")

    def _correct(self, context: Context) -> None:
        settled = settlement.correct_period(context, PROGRAMME, self._period(self.draw.randrange(max(self.month, 1))))
        self._issue(context, settled.settlement_id)

    def _answer_payouts(self, context: Context) -> None:
        """The bank says that some payouts arrived and others came back."""
        for settlement_id in [name for name in self.issued if "-c" not in name]:
            for payout in payouts.list_payouts(context, settlement_id):
                answer = self.draw.choice(["nothing", "arrived", "came back"])
                if answer == "arrived" and can_become(payout.state, CONFIRMED):
                    payout_reports.confirm(context, [payout.payout_id], "operator")
                elif answer == "came back" and can_become(payout.state, FAILED):
                    payout_reports.fail(context, [payout.payout_id], "account closed", "operator")

    # what must be true

    def _check(self) -> None:
        with self._context() as context:
            owed = ledger.balances(context.connection, PROGRAMME)
            per_currency: dict[str, int] = defaultdict(int)
            for (account, currency), units in owed.items():
                per_currency[currency] += units
                assert not account.startswith("pool:"), f"seed {self.seed}: {account} is not cleared"
                kept = ("held:", "reserve:", "tax:", "fee:", "paid:")
                assert units >= 0 or not account.startswith(kept), f"seed {self.seed}: {account} is below zero: {units}"
                assert units <= 0 or not account.startswith("advance:"), f"seed {self.seed}: {account} was recouped beyond what was granted"
            assert not any(per_currency.values()), f"seed {self.seed}: the books don't balance"
            self._check_held(context, owed)
            self._check_last_statement(context)
            for settlement_id, digest in self.issued.items():
                assert _digest(settlement_files.read_all(context, settlement_id)) == digest, f"seed {self.seed}: {settlement_id} changed"

    def _check_held(self, context: Context, owed: dict[tuple[str, str], int]) -> None:
        waiting: dict[tuple[str, str], int] = defaultdict(int)
        for row in held.list_held(context, PROGRAMME):
            waiting[row["account"], row["currency"]] += int(row["units"])
        in_ledger = {key: units for key, units in owed.items() if key[0].startswith("held:")}
        assert {key: units for key, units in waiting.items() if units} == in_ledger, f"seed {self.seed}: held money has no list"

    def _check_last_statement(self, context: Context) -> None:
        """What the newest statements close with is what the ledger said then."""
        last = settlement_files.last_before(context, PROGRAMME, "none")
        posted = ledger.find_batch(context.connection, last) if last else None
        if posted is None:
            return
        owed = ledger.balances(context.connection, PROGRAMME, known_at_us=posted.header.recorded_at_us)
        for row in statements.overview(context, posted.header.batch_id):
            key = (f"party:{row['party_id']}", row["currency"])
            assert owed.get(key, 0) == int(row["closing_units"]), f"seed {self.seed}: {key} is not what the statement says"

    def _derive_everything_again(self) -> None:
        with self._context() as context:
            assert not ledger.verify_chain(context.connection)
            for settlement_id in self.issued:
                out = self.home / "again" / settlement_id
                settlement.derive_again(context, settlement_id, out)
                shutil.rmtree(out)

    # how

    @contextmanager
    def _context(self, crash_after: int | None = None) -> Iterator[Context]:
        with transaction(self._engine) as connection:
            if crash_after is not None:
                _crash_after(connection, crash_after)
            yield Context(connection, FileStore(self.home / "files"), self._tick, os.urandom, "test/log", lambda: self._key, lambda _: None)

    def _tick(self) -> int:
        self.now_us += 1
        return self.now_us

    def _whole_state(self) -> str:
        """A hash of every row of every table."""
        with transaction(self._engine) as connection:
            names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")).all()
            found = hashlib.sha256()
            for name in names:
                for row in connection.execute(text(f'SELECT * FROM "{name}"')):
                    found.update(repr((name, tuple(row))).encode())
            return found.hexdigest()

    def _remember(self) -> tuple[Any, ...]:
        return self.month, self.serial, list(self.sent), list(self.disputed), dict(self.issued)

    def _forget(self, remembered: tuple[Any, ...]) -> None:
        self.month, self.serial, self.sent, self.disputed, self.issued = remembered

    def _issue(self, context: Context, settlement_id: str) -> None:
        self.issued[settlement_id] = _digest(settlement_files.read_all(context, settlement_id))

    def _period(self, month: int) -> str:
        year, number = divmod(FIRST_MONTH.month - 1 + month, 12)
        return f"{FIRST_MONTH.year + year}-{number + 1:02d}"

    def _standing(self) -> list[tuple[str, str, Path]]:
        return self.sent

    def _take(self, kind: str, period: str, path: Path, context: Context, **options: Any) -> None:
        self._import(kind, period, path, context, **options)
        self.sent.append((kind, period, path))

    def _import(self, kind: str, period: str, path: Path, context: Context, **options: Any) -> None:
        importer = {"revenue": reports.import_revenue, "usage": reports.import_usage}[kind]
        importer(context, Target(PROGRAMME, period, **options), path)

    def _revenue_file(self) -> Path:
        rows = [
            f"{self._name('l')},App,m,{self.draw.choice(['DE', 'SE', 'WW'])},{self.draw.choice(['EUR', 'SEK'])},"
            f"{self.draw.randint(0, 10 ** self.draw.randint(1, 7)) / 100:.2f}"
            for _ in range(self.draw.randint(1, 4))
        ]
        return self._write("revenue", "line_id,product,model_version,territory,currency,net_amount", rows)

    def _usage_file(self) -> Path:
        rows = [
            f"{self._name('u')},{self.draw.choice(OUTPUTS)},{self.draw.choice(['DE', 'SE', 'WW'])},{self.draw.randint(1, 1000)}"
            for _ in range(self.draw.randint(1, 4))
        ]
        return self._write("usage", "usage_id,output_id,territory,uses", rows)

    def _write(self, kind: str, header: str, rows: list[str]) -> Path:
        path = self.home / f"{self._name(kind)}.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return path

    def _name(self, kind: str) -> str:
        self.serial += 1
        return f"{kind}{self.serial}"


def _crash_after(connection: Connection, statements_left: int) -> None:
    left = statements_left

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crash

    event.listen(connection, "before_cursor_execute", count)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(files: dict[str, bytes]) -> str:
    found = hashlib.sha256()
    for path, data in sorted(files.items()):
        found.update(f"{path} {len(data)}\n".encode() + data)
    return found.hexdigest()
