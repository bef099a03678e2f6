"""The ledger: batches are posted once, whole, balanced, chained, and never changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import IntegrityError

from ritornello.domain.errors import Refused
from ritornello.domain.ledger import CHART, Posting, faults_of_postings
from ritornello.formats.canonical import encode
from ritornello.formats.ledger_batch import decode_postings, encode_posting
from ritornello.store import ledger, log, schema
from ritornello.store.database import open_engine, transaction, upgrade
from tests.store.ledgers import EARN, batch, transfer

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_a_batch_is_posted_once(engine: Engine) -> None:
    rows = transfer("a/1", EARN)
    with transaction(engine) as connection:
        first = ledger.post_batch(connection, batch("a"), rows, 5)
    with transaction(engine) as connection:
        again = ledger.post_batch(connection, batch("a"), reversed(rows), 9)
        assert first.new and not again.new and first.header == again.header
        assert log.size(connection) == 1
        for other, content in (
            (batch("a"), transfer("a/1", {**EARN, "party:ana": -800_000, "party:ben": 100_000})),
            (batch("a", "advance"), rows),
        ):
            with pytest.raises(Refused) as refusal:
                ledger.post_batch(connection, other, content, 9)
            assert refusal.value.code == "batch_conflict"
        assert ledger.balances(connection) == {
            ("held:suspense", "EUR"): 300_000,
            ("party:ana", "EUR"): 700_000,
            ("received:fee", "EUR"): -1_000_000,
        }
        assert ledger.verify_chain(connection) == []


def test_balances_are_those_that_were_known(engine: Engine) -> None:
    with transaction(engine) as connection:
        ledger.post_batch(connection, batch("a"), transfer("a/1", EARN), 10)
        ledger.post_batch(connection, batch("b"), transfer("b/1", {"party:ana": 900_000, "paid:EUR": -900_000}, state="pending"), 20)
        late = ledger.post_batch(connection, batch("c", programme="q"), transfer("c/1", {"received:x": 1, "party:ana": -1}, "SEK"), 15)
        assert late.header.recorded_at_us == 20, "time in the ledger never goes backwards"
        ana = ("party:ana", "EUR")
        assert ledger.balances(connection, "p", accounts=("party:",)) == {ana: -200_000}, "a party can be overpaid"
        assert ledger.balances(connection, "p", known_at_us=19, accounts=("party:ana",)) == {ana: 700_000}
        assert ledger.balances(connection, "p", known_at_us=20, before_batch="b", accounts=("party:",)) == {ana: 700_000}
        assert ledger.balances(connection, "p", known_at_us=9) == {}
        assert ledger.balances(connection, accounts=("party:", "paid:")) == {
            ana: -200_000,
            ("party:ana", "SEK"): 1,
            ("paid:EUR", "EUR"): 900_000,
        }
        assert ledger.balances(connection, accounts=("PARTY:", "party:b")) == {}


def test_the_same_name_is_not_posted_into_two_batches_of_a_chain(engine: Engine) -> None:
    with transaction(engine) as connection:
        posted = [ledger.post_batch(connection, batch(name), transfer(f"{name}/1", EARN), 1) for name in ("a", "b", "c")]
        empty = ledger.post_batch(connection, batch("d"), (), 1)
        assert [each.header.seq for each in (*posted, empty)] == [1, 2, 3, 4]
        assert [each.header.previous_sha256 for each in posted[1:]] == [each.sha256 for each in posted[:2]]
        assert ledger.verify_chain(connection) == []


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (transfer("a/1", {"party:ana": 1}), "sums to 1 EUR"),
        ([*transfer("a/1", {"party:ana": 1}), *transfer("a/1", {"party:ben": -1}, "SEK")], "sums to 1 EUR"),
        (transfer("b/1", {"party:ana": 1, "party:ben": -1}), "not named after its batch"),
        (transfer("a/1", {"party:ana": 1, "nowhere:x": -1}), "not in the chart"),
        (transfer("a/1", {"party:ana": 1, "party:": -1}), "not in the chart"),
        (transfer("a/1", {"party:ana": 1, "held:forever": -1}), "none of held:suspense"),
        (transfer("a/1", {"party:ana": 1, "paid:SEK": -1}), "can't be kept in 'EUR'"),
        (transfer("a/1", {"party:ana": 1, "party:ben": -1}, "eur"), "can't be kept in 'eur'"),
        (transfer("a/1", {"party:ana": 1, "party:ben": -1}, state="maybe"), "state 'maybe'"),
        (transfer("a/1", {"party:ana b": 1, "party:ben": -1}), "no name in the ledger has"),
        (transfer("a/1\\t", {"party:ana": 1, "party:ben": -1}), "no name in the ledger has"),
        (transfer("a/1", {"party:ana": 0}), "a posting of nothing"),
        ([*transfer("a/1", {"party:ana": 1, "party:ben": -2}), *transfer("a/1", {"party:ana": 1})], "the same transfer"),
    ],
)
def test_what_may_not_be_posted(engine: Engine, rows: list[Posting], fault: str) -> None:
    assert any(fault in each for each in faults_of_postings("a", rows))
    with pytest.raises(AssertionError, match=fault), transaction(engine) as connection:
        ledger.post_batch(connection, batch("a"), rows, 1)
    with transaction(engine) as connection:
        assert ledger.read_batches(connection) == [] and log.size(connection) == 0


def test_an_amount_that_the_column_cant_hold_is_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        ledger.post_batch(connection, batch("a"), transfer("a/1", {"party:ana": 2**63 - 1, "party:ben": 1 - 2**63}), 1)
        with pytest.raises(Refused, match="beyond what the ledger holds"):
            ledger.post_batch(connection, batch("b"), transfer("b/1", {"party:ana": 2**63, "party:ben": -(2**63)}), 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seq": 3}, "not the next batch"),
        ({"previous_sha256": "0" * 64}, "not chained"),
        ({"recorded_at_us": 4}, "older"),
        ({"postings": 1}, "other postings"),
    ],
)
def test_the_database_itself_refuses_a_wrong_header(engine: Engine, change: dict[str, object], why: str) -> None:
    """Whoever writes past this program meets the triggers."""
    with transaction(engine) as connection:
        first = ledger.post_batch(connection, batch("a"), transfer("a/1", EARN), 5)
    header = {
        "seq": 2,
        "batch_id": "b",
        "kind": "adjustment",
        "programme_id": "p",
        "recorded_at_us": 5,
        "postings": 0,
        "root": "",
        "previous_sha256": first.sha256,
        "sha256": "",
    }
    with pytest.raises(IntegrityError, match=why), transaction(engine) as connection:
        connection.execute(insert(schema.ledger_batch).values({**header, **change}))


def test_the_database_itself_refuses_what_does_not_balance_or_comes_late(engine: Engine) -> None:
    with transaction(engine) as connection:
        first = ledger.post_batch(connection, batch("a"), transfer("a/1", EARN), 5)
    row = {"batch_seq": 2, "transfer_id": "b/1", "account": "party:ana", "currency": "EUR", "amount_units": 1, "state": "posted"}
    header = {
        "seq": 2,
        "batch_id": "b",
        "kind": "adjustment",
        "programme_id": "p",
        "recorded_at_us": 5,
        "postings": 1,
        "root": "",
        "previous_sha256": first.sha256,
        "sha256": "",
    }
    with pytest.raises(IntegrityError, match="does not sum to zero"), transaction(engine) as connection:
        connection.execute(insert(schema.posting).values(row))
        connection.execute(insert(schema.ledger_batch).values(header))
    with pytest.raises(IntegrityError, match="closed"), transaction(engine) as connection:
        connection.execute(insert(schema.posting).values({**row, "batch_seq": 1}))
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(insert(schema.posting).values(row))  # no header follows
    for statement in (
        "UPDATE posting SET amount_units = 1",
        "DELETE FROM posting",
        "DELETE FROM ledger_batch",
        "UPDATE ledger_batch SET kind = 'x'",
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction(engine) as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize(
    ("forgery", "fault"),
    [
        ("UPDATE posting SET amount_units = -amount_units WHERE batch_seq = 2", "batch 2 (b): its postings were changed"),
        ("UPDATE posting SET amount_units = amount_units + 1 WHERE batch_seq = 1 AND account = 'party:ana'", "does not sum to zero"),
        ("DELETE FROM posting WHERE batch_seq = 3", "batch 3 (c): its postings were changed"),
        ("UPDATE ledger_batch SET kind = 'release' WHERE seq = 1", "batch 1 (a): its header was changed"),
        ("UPDATE ledger_batch SET recorded_at_us = 0 WHERE seq = 2", "older than the batch before"),
        ("DELETE FROM ledger_batch WHERE seq = 2", "batch 3 (c): a batch before it is missing"),
        ("DELETE FROM posting WHERE batch_seq = 3; DELETE FROM ledger_batch WHERE seq = 3", "batch c is in the log and not in the ledger"),
    ],
)
def test_whatever_is_changed_behind_the_program_is_found(engine: Engine, forgery: str, fault: str) -> None:
    with engine.connect() as connection:
        for name in ("a", "b", "c"):
            ledger.post_batch(connection, batch(name), transfer(f"{name}/1", EARN), 5)
        _disarm(connection)
        for statement in forgery.split(";"):
            connection.execute(text(statement))
        assert any(fault in each for each in ledger.verify_chain(connection)), ledger.verify_chain(connection)


def test_a_batch_rewritten_with_its_whole_chain_contradicts_the_log(engine: Engine) -> None:
    with transaction(engine) as connection:
        ledger.post_batch(connection, batch("a"), transfer("a/1", EARN), 5)
        _disarm(connection)
        for table in ("posting", "ledger_batch"):
            connection.execute(text(f"DELETE FROM {table}"))
        entries = log.size(connection)
        ledger.post_batch(connection, batch("a"), transfer("a/1", {"received:fee": 1, "party:ana": -1}), 5)
        _disarm(connection, "log_entry")
        connection.execute(text(f"DELETE FROM log_entry WHERE position >= {entries}"))
        assert ledger.verify_chain(connection) == ["batch 1 (a): the log commits to another batch"]


@given(st.text(), st.text(), st.integers(-(2**63), 2**63))
def test_a_posting_line_is_canonical_json(transfer_id: str, account: str, units: int) -> None:
    row = Posting(transfer_id, account, "EUR", units, "posted")
    assert encode_posting(row) == encode(
        {"transfer_id": transfer_id, "account": account, "currency": "EUR", "amount_units": str(units), "state": "posted"}
    )
    assert decode_postings(encode_posting(row) + b"\n") == [row]


def test_the_chart_is_documented() -> None:
    page = (DOCS / "ledger.md").read_text()
    assert {name for name in CHART if f"`{name}:" not in page} == set()


def test_a_settlement_is_a_batch_of_its_postings(settled: Path, run: Callable[..., str]) -> None:
    (header,) = json.loads(run("--home", settled, "--json", "ledger", "show"))
    shown = json.loads(run("--home", settled, "--json", "ledger", "show", "p-2026-10"))
    rows = shown.pop("rows")
    assert header == shown and header["kind"] == "settlement" and header["postings"] == len(rows) > 10
    entries = json.loads(run("--home", settled, "--json", "log", "show", "--limit", 1000))
    assert {"result/postings.jsonl": header["root"], "ledger-batch": header["sha256"]}.items() <= {
        entry["kind"]: entry["hash"] for entry in entries
    }.items()
    assert "1 batches" in run("--home", settled, "ledger", "verify")
    assert "(pending)" in run("--home", settled, "ledger", "show", "p-2026-10")
    owed = json.loads(run("--home", settled, "--json", "ledger", "balances", "--programme", "p", "--account", "party:"))
    statements = json.loads(run("--home", settled, "--json", "statement", "p-2026-10"))
    assert {(row["account"], row["currency"], row["balance_units"]) for row in owed} == {
        (f"party:{row['party_id']}", row["currency"], row["closing_units"]) for row in statements if row["closing_units"] != "0"
    }
    assert "EUR" in run("--home", settled, "ledger", "balances")
    assert json.loads(run("--home", settled, "--json", "ledger", "balances", "--known-at", "2026-01-01")) == []
    assert "unknown_batch" in run("--home", settled, "ledger", "show", "x", expect=3)


def test_a_ledger_changed_on_disk_is_refused(settled: Path, database: str, run: Callable[..., str]) -> None:
    engine = open_engine(database)
    with transaction(engine) as connection:
        _disarm(connection)
        connection.execute(text("UPDATE posting SET account = 'party:mallory' WHERE account = 'party:ana'"))
    engine.dispose()
    assert "ledger_rewritten" in run("--home", settled, "ledger", "verify", expect=3)


def _disarm(connection: Connection, *tables: str) -> None:
    """What somebody does who owns the database."""
    for table in tables or ("posting", "ledger_batch"):
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        else:
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER {table}_no_{verb}"))


def test_what_was_posted_before_there_were_batches_is_chained(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(engine, "0002")
    with transaction(engine) as connection:
        for name, at_us in (("p-2026-11", 20), ("p-2026-10", 10), ("p-2026-12", 30)):
            row = {"id": name, "at": at_us}
            connection.execute(text("INSERT INTO settlement VALUES (:id, 'p', :id, '', '', :at)"), row)
            for account, units in EARN.items() if at_us < 30 else ():
                values = {"t": f"{name}/allocate/x", "a": account, "s": name, "u": units}
                connection.execute(text("INSERT INTO posting VALUES (:t, :a, :s, 'EUR', :u, 'posted')"), values)
    upgrade(engine)
    with transaction(engine) as connection:
        assert ledger.verify_chain(connection) == []
        headers = [posted.header for posted in ledger.read_batches(connection)]
        assert [(header.batch_id, header.seq, header.recorded_at_us, header.postings) for header in headers] == [
            ("p-2026-10", 1, 10, 3),
            ("p-2026-11", 2, 20, 3),
            ("p-2026-12", 3, 30, 0),
        ]
        assert ledger.balances(connection, "p", accounts=("party:",)) == {("party:ana", "EUR"): 1_400_000}
        ledger.post_batch(connection, batch("next"), transfer("next/1", EARN), 1)
        assert ledger.verify_chain(connection) == []
    engine.dispose()
