"""The schema is what the migrations make on either database, and a transaction is all or nothing."""

import re
import threading
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from ritornello.domain.errors import Refused
from ritornello.store import append_only, ledger, schema
from ritornello.store.database import open_engine, transaction, upgrade
from tests.postgres import Cluster
from tests.store.ledgers import EARN, batch, transfer


def test_the_migrations_lead_to_the_schema(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        options = {"include_object": _is_compared}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata) == []


def _is_compared(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """All but the partitions of postings on PostgreSQL, each of which has the reference to the header that their table has not."""
    if kind == "table":
        return re.fullmatch("posting_([0-9_]+|open)", name or "") is None
    partitioned = kind == "foreign_key_constraint" and thing.table.name == "posting" and "_reflected" not in thing.__dict__
    return not partitioned


def test_append_only_tables_are_guarded(engine: Engine) -> None:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            names = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
            wanted = {f"{table}_no_{verb}" for table in append_only.TABLES for verb in ("update", "delete")}
        else:
            names = set(connection.scalars(text("SELECT tgname FROM pg_trigger WHERE tgenabled = 'O'")))
            wanted = {f"{table}_no_{verb}" for table in append_only.TABLES for verb in ("change", "truncate")}
    assert wanted - names == set()
    assert set(append_only.TABLES) <= set(schema.metadata.tables)


def test_a_transaction_is_all_or_nothing(engine: Engine) -> None:
    row = {"work_id": "w", "title": "T", "iswc": None}
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(insert(schema.work).values(row))
        connection.execute(insert(schema.work).values(row))
    with transaction(engine) as connection:
        assert connection.execute(select(schema.work)).all() == []


def test_transactions_wait_for_each_other(engine: Engine) -> None:
    """A second transaction begins when the first has ended, and sees all of it."""
    seen = []

    def look() -> None:
        with transaction(engine) as connection:
            seen.append(len(ledger.read_batches(connection)))

    with transaction(engine) as connection:
        other = threading.Thread(target=look)
        other.start()
        for name in ("a", "b"):
            ledger.post_batch(connection, batch(name), transfer(f"{name}/1", EARN), 1)
            other.join(0.2)
        assert seen == []
    other.join()
    assert seen == [2]


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("options", ["ENCODING 'LATIN1' LOCALE 'C'", "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en'"])
def test_a_database_that_sorts_otherwise_is_refused(cluster: Cluster, options: str) -> None:
    engine = open_engine(cluster.create(options=options))
    with pytest.raises(Refused, match="createdb"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_other_databases_are_refused() -> None:
    for url in ("mysql+pymysql://localhost/x", "mssql://localhost/x"):
        with pytest.raises(Refused):
            open_engine(url)
