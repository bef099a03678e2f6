"""Postings in bulk: the same on both databases, in partitions that nobody can change, whole or not at all whatever is killed."""

import itertools
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ritornello.domain.errors import Refused
from ritornello.formats.ledger_batch import encode_postings
from ritornello.store import ledger, posting_table
from ritornello.store.database import open_engine, transaction, upgrade
from tests.postgres import Cluster, find_programs, start_cluster
from tests.store.ledgers import EARN, batch, encode_many, transfer

LARGE = 60


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions and chunks of a size for tests."""
    monkeypatch.setattr(posting_table, "LARGE", LARGE)
    monkeypatch.setattr(posting_table, "CHUNK_BYTES", 1000)


@pytest.fixture
def both(cluster: Cluster, tmp_path: Path) -> Iterator[list[Engine]]:
    engines = [open_engine(f"sqlite:///{tmp_path / 'x.db'}"), open_engine(cluster.create())]
    for engine in engines:
        upgrade(engine)
    yield engines
    for engine in engines:
        engine.dispose()


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("seed", range(5))
def test_both_databases_keep_the_same(both: list[Engine], seed: int) -> None:
    """Large and small batches in any order, and empty ones: same hashes, same balances, and the partitions fit together."""
    sizes = random.Random(seed).choices([0, 1, 5, 19, 20, 21, 40], k=12)
    found = []
    for engine in both:
        with transaction(engine) as connection:
            posted = [
                ledger.post_table(connection, batch(f"b{number}", programme=f"p{number % 2}"), encode_many(f"b{number}", size), number)
                for number, size in enumerate(sizes)
            ]
        with transaction(engine) as connection:
            assert ledger.verify_chain(connection) == []
            assert not ledger.post_table(connection, batch("b1", programme="p1"), encode_many("b1", sizes[1]), 99).new
            rows = [encode_postings(row for _, row in ledger.read_postings(connection, one.header.seq)) for one in posted]
            assert rows == [encode_many(f"b{number}", size) for number, size in enumerate(sizes)]
            found.append((posted, ledger.balances(connection), ledger.balances(connection, "p1", accounts=("party:",), known_at_us=7)))
    assert found[0] == found[1]
    with both[1].connect() as connection:
        partitions = connection.execute(
            text(
                "SELECT relname, pg_get_expr(relpartbound, c.oid), (SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indisvalid),"
                " (SELECT count(*) FROM pg_constraint WHERE conrelid = c.oid AND contype = 'f' AND convalidated)"
                " FROM pg_class c JOIN pg_inherits ON inhrelid = c.oid WHERE inhparent = 'posting'::regclass"
            )
        ).all()
        assert sum(size * 3 >= LARGE for size in sizes) == sum(name.removeprefix("posting_").isdecimal() for name, *_ in partitions)
        bounds = sorted(tuple(int(each) if each.isdecimal() else 10**6 for each in _bounds(bound)) for _, bound, *_ in partitions)
        assert bounds[0][0] == 1 or sizes[: bounds[0][0] - 1] == [0] * (bounds[0][0] - 1)
        assert bounds[-1][1] == 10**6 and all(before[1] <= after[0] for before, after in itertools.pairwise(bounds))
        assert {(indexes, references) for *_, indexes, references in partitions} == {(2, 1)}
    for name, *_ in partitions:
        for statement in (
            f"TRUNCATE {name}",
            f"DELETE FROM {name}",
            f"UPDATE {name} SET amount_units = 1",
            f"INSERT INTO {name} SELECT * FROM {name} LIMIT 1",
        ):
            with both[1].connect() as connection:
                if connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first():
                    with pytest.raises(IntegrityError, match=r"append-only|closed"):
                        connection.execute(text(statement))


def _bounds(expression: str) -> tuple[str, str]:
    first, last = expression.removeprefix("FOR VALUES FROM (").removesuffix(")").split(") TO (")
    return first.strip("'"), last.strip("'")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("transfers", [3, 30])
def test_what_is_wrong_with_a_table_leaves_nothing(engine: Engine, transfers: int) -> None:
    good = encode_many("b", transfers)
    lines = good.splitlines(keepends=True)
    wrong = {
        "out of order": b"".join([lines[1], lines[0], *lines[2:]]),
        "out of order ": b"".join([*lines, lines[-1]]),
        "another batch": good.replace(b'"b/allocate/000000002', b'"c/allocate/000000002'),
        "unknown state": good.replace(b'"posted"', b'"lost"', 1),
        "not in the chart": good.replace(b"party:0000002", b"person:0000002"),
        "a name with other characters": good.replace(b"party:0000002", b"party:00000\\\\2"),
        "a name with other characters ": good.replace(b"b/allocate/000000002", "b/allocate/000000002\u00e9".encode()),
        "does not end": good[:-1],
        "sums to -1 EUR": good.replace(b'"-7"', b'"-8"', 1),
        "beyond what the ledger holds": good.replace(b'"-7"', b'"-99999999999999999999"', 1),
    }
    for why, table in wrong.items():
        with pytest.raises((AssertionError, Refused), match=why.strip()), transaction(engine) as connection:
            ledger.post_table(connection, batch("b"), table, 1)
        with transaction(engine) as connection:
            assert ledger.read_batches(connection) == [] and list(ledger.read_postings(connection)) == []
    with transaction(engine) as connection:
        assert ledger.post_table(connection, batch("b"), good, 1).header.seq == 1
        ledger.post_batch(connection, batch("c"), transfer("c/1", EARN), 1)
        assert ledger.verify_chain(connection) == []


def _at_step(engine: Engine, step: int, act: Callable[[], object]) -> None:
    """Act before the engine's statement number `step`; the commit counts as one."""
    count = itertools.count(1)

    def look(*_: object) -> None:
        if next(count) == step:
            act()

    event.listen(engine, "before_cursor_execute", look)
    event.listen(engine, "commit", look)


def _post(url: str, name: str, transfers: int, step: int = 0) -> None:
    """What a child process does: post, and kill itself on the way."""
    engine = open_engine(url)
    _at_step(engine, step, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with transaction(engine) as connection:
        ledger.post_table(connection, batch(name), encode_many(name, transfers), 1)
    engine.dispose()


def _fork(*arguments: object) -> "multiprocessing.process.BaseProcess":
    process = multiprocessing.get_context("fork").Process(target=_post, args=arguments)
    process.start()
    return process


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("transfers", [5, 40], ids=["small", "large"])
def test_a_killed_poster_leaves_nothing(engine: Engine, database: str, transfers: int) -> None:
    """Killed before each of its statements in turn, the commit too, until one gets through."""
    for step in range(1, 100):
        child = _fork(database, "b", transfers, step)
        child.join()
        with transaction(engine) as connection:
            assert ledger.verify_chain(connection) == []
            if child.exitcode == 0:
                break
            assert child.exitcode == -signal.SIGKILL
            assert ledger.read_batches(connection) == [] and list(ledger.read_postings(connection)) == []
    assert 8 < step < 99
    with transaction(engine) as connection:
        assert not ledger.post_table(connection, batch("b"), encode_many("b", transfers), 2).new


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.usefixtures("small")
def test_a_crashed_server_keeps_what_was_committed() -> None:
    """The server goes down as by a power cut before a statement of a large batch; what had been committed is there."""
    if find_programs() is None:
        pytest.skip("PostgreSQL's server programs are not installed (Debian: postgresql)")
    with start_cluster({}) as cluster:
        url = cluster.create()
        upgrade(open_engine(url))
        for step in (7, 14, _steps(url)):
            engine = open_engine(url)
            _at_step(engine, step, lambda: cluster.stop("immediate"))
            with pytest.raises(DBAPIError), transaction(engine) as connection:
                ledger.post_table(connection, batch(f"b{step}"), encode_many(f"b{step}", 40), 1)
            cluster.start({})
            engine = open_engine(url)
            with transaction(engine) as connection:
                assert ledger.verify_chain(connection) == []
                assert ledger.find_batch(connection, "first") and not ledger.find_batch(connection, f"b{step}")
                assert ledger.post_table(connection, batch(f"b{step}"), encode_many(f"b{step}", 40), 1).new
                assert ledger.verify_chain(connection) == []
            engine.dispose()


def _steps(url: str) -> int:
    """Post a large batch named `first`; returns how many statements that took, with the commit, which is the last."""
    engine, statements = open_engine(url), []
    for name in ("before_cursor_execute", "commit"):
        event.listen(engine, name, lambda *_: statements.append(1))
    with transaction(engine) as connection:
        ledger.post_table(connection, batch("first"), encode_many("first", 40), 1)
    engine.dispose()
    return len(statements)


@pytest.mark.slow
def test_the_same_batch_from_two_processes_is_posted_once(engine: Engine, database: str) -> None:
    children = [_fork(database, "b", 500) for _ in range(2)]
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    with transaction(engine) as connection:
        assert ledger.verify_chain(connection) == [] and len(ledger.read_batches(connection)) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_two_posters_make_one_chain(database: str, engine: Engine) -> None:
    """Two threads with connections of their own post thirty batches each, large and small."""
    problems: list[BaseException] = []

    def post(mine: str) -> None:
        own = open_engine(database)
        try:
            for number in range(30):
                with transaction(own) as connection:
                    ledger.post_table(connection, batch(f"{mine}{number}"), encode_many(f"{mine}{number}", number), number)
        except (DBAPIError, AssertionError) as error:
            problems.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=post, args=(mine,)) for mine in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with transaction(engine) as connection:
        assert ledger.verify_chain(connection) == []
        assert [one.header.seq for one in ledger.read_batches(connection)] == list(range(1, 61))
