"""The schema is what the migrations make, and a transaction is all or nothing."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from ritornello.store import schema
from ritornello.store.database import open_engine, transaction, upgrade


def test_the_migrations_lead_to_the_schema(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(engine)
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(engine)
    row = {"work_id": "w", "title": "T", "iswc": None}
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(insert(schema.work).values(row))
        connection.execute(insert(schema.work).values(row))
    with transaction(engine) as connection:
        assert connection.execute(select(schema.work)).all() == []
    engine.dispose()
