"""The stored tree is the tree of all entries at every size, and old homes get it when they are opened."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, text

import ritornello.store.database as database
from ritornello.domain import merkle
from ritornello.store import log
from ritornello.store.database import open_engine, transaction, upgrade

SIZES = (1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_000)


def entry(number: int) -> bytes:
    return f'{{"id":"{number}","kind":"test"}}'.encode()


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('log')}/log.db")
    upgrade(engine)
    with transaction(engine) as connection:
        yield connection


@pytest.fixture(scope="module")
def leaves(connection: Connection) -> list[bytes]:
    """The log grown in unequal steps, compared with the whole at each."""
    leaves: list[bytes] = []
    for size in SIZES:
        assert log.append_entries(connection, [entry(number) for number in range(len(leaves), size)]) == len(leaves)
        leaves += [merkle.leaf_hash(entry(number)) for number in range(len(leaves), size)]
        assert log.read_tree(connection).root() == merkle.root(leaves)
    assert log.read_leaves(connection) == leaves
    return leaves


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_root_and_proof_is_that_of_the_entries(connection: Connection, leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.one_of(st.sampled_from(SIZES), st.integers(1, len(leaves))))
    tree = log.Tree(connection, size)
    root = merkle.root(leaves[:size])
    assert tree.root() == root
    index = data.draw(st.integers(0, size - 1))
    (proof,) = log.prove(tree, {index: entry(index).decode()})
    assert merkle.verify_inclusion(leaves[index], index, size, [bytes.fromhex(step) for step in proof.hashes], root)
    old = data.draw(st.integers(1, size))
    path = [merkle.range_root(tree.node, start, end) for start, end in merkle.consistency_ranges(old, size)]
    assert merkle.verify_consistency(old, size, tree.root(old), root, path)
    assert path == [merkle.root(leaves[start:end]) for start, end in merkle.consistency_ranges(old, size)]


def test_appending_and_proving_read_little(connection: Connection, leaves: list[bytes]) -> None:
    """However long the log is: an entry takes three statements, a proof a few."""
    statements: list[str] = []
    listener = lambda *arguments: statements.append(arguments[2])  # noqa: E731
    event.listen(connection.engine, "before_cursor_execute", listener)
    try:
        position = log.append(connection, [("test", "one", "00")], 0)
        assert len(statements) == 3
        statements.clear()
        assert log.find(connection, "test", "one")[0] == position
        assert len(statements) == 1
        statements.clear()
        tree = log.read_tree(connection)
        log.prove(tree, {7: entry(7).decode()})
        assert len(statements) < 12
    finally:
        event.remove(connection.engine, "before_cursor_execute", listener)
    assert position == len(leaves)
    connection.execute(text("DROP TRIGGER log_entry_no_delete"))
    connection.execute(text(f"DELETE FROM log_entry WHERE position = {position}"))


def test_a_changed_leaf_is_noticed_when_it_is_proved(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/log.db")
    upgrade(engine)
    with transaction(engine) as connection:
        log.append_entries(connection, [entry(number) for number in range(600)])
        connection.execute(text("DROP TRIGGER log_entry_no_update"))
        forged = entry(9999)
        connection.execute(
            text("UPDATE log_entry SET entry = :entry, leaf = :leaf WHERE position = 5"),
            {"entry": forged.decode(), "leaf": merkle.leaf_hash(forged)},
        )
        with pytest.raises(AssertionError, match="changed on disk"):
            log.prove(log.read_tree(connection), {5: forged.decode()})
        connection.execute(text("DROP TRIGGER log_subtree_no_delete"))
        connection.execute(text("DELETE FROM log_subtree WHERE number = 1"))
        with pytest.raises(AssertionError, match="hole"):
            log.read_tree(connection).root()


def test_an_old_log_gets_its_tree(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/log.db")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    leaves = [merkle.leaf_hash(entry(number)) for number in range(66_000)]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        rows = [{"position": number, "entry": entry(number).decode(), "leaf": leaf} for number, leaf in enumerate(leaves)]
        connection.execute(text("INSERT INTO log_entry VALUES (:position, :entry, :leaf)"), rows)
    upgrade(engine)
    with transaction(engine) as connection:
        assert log.read_tree(connection).root() == merkle.root(leaves)
        assert log.find(connection, "test", "41000") == (41_000, entry(41_000).decode())
        log.append_entries(connection, [entry(66_000)])
        assert log.read_tree(connection).root() == merkle.root([*leaves, merkle.leaf_hash(entry(66_000))])


def test_the_latest_entry_of_a_name_is_found(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/log.db")
    upgrade(engine)
    with transaction(engine) as connection:
        assert log.append(connection, [("a", "x", "00"), ("b", "x", "00"), ("a", "y", "00"), ("a", "x", "00")], 0) == 0
        assert log.append(connection, [], 0) == 4
        for kind, name, position in (("a", "x", 3), ("b", "x", 1), ("a", "y", 2)):
            assert log.find(connection, kind, name) == log.read_entries(connection, position, 1)[0]
        with pytest.raises(AssertionError, match="b y is not in the log"):
            log.find(connection, "b", "y")
        connection.execute(text("INSERT INTO log_name VALUES ('b', 'x', 2)"))
        with pytest.raises(AssertionError, match="changed on disk"):
            log.find(connection, "b", "x")


def test_an_entry_that_cant_be_published_is_not_taken(connection: Connection) -> None:
    with pytest.raises(AssertionError, match="too long"):
        log.append_entries(connection, [b"x" * 65_536])
