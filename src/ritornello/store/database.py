"""Opening the database: SQLite in WAL mode by default, PostgreSQL by its URL; schema by Alembic."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event

from ritornello.domain.errors import Refused

LOCK_TIMEOUT_MS = 30_000
WRITE_LOCK = 0x5249_544F_524E  # of PostgreSQL's advisory locks: "RITORN"


def open_engine(url: str) -> Engine:
    """An engine whose transactions take the write lock at once, so that two commands never see half of each other.

    Raises Refused when the database's driver is not installed.
    """
    try:
        engine = create_engine(url)
    except ModuleNotFoundError as error:
        raise Refused(
            "no_driver", f"the database needs {error.name}", "install it; for PostgreSQL: pip install 'ritornello[postgres]'"
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _begin_postgres)
    else:
        raise Refused("no_driver", f"{engine.dialect.name} is not supported", "use SQLite or PostgreSQL")
    return engine


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to the newest version (or an older one, in tests); does nothing, and waits for nobody, when it is there."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with transaction(engine, read_only=True) as connection:
        newest = ScriptDirectory.from_config(config).get_current_head()
        if revision == "head" and MigrationContext.configure(connection).get_current_revision() == newest:
            _refuse_other_orders(connection)
            return
    with engine.begin() as connection:
        _refuse_other_orders(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@contextmanager
def transaction(engine: Engine, *, read_only: bool = False) -> Iterator[Connection]:
    """One transaction: all of it or nothing. `read_only`: sees one state throughout, waits for nobody, and can't write."""
    if not read_only:
        with engine.begin() as connection:
            yield connection
        return
    with engine.connect().execution_options(ritornello_read_only=True) as connection:
        try:
            with connection.begin():
                yield connection
        finally:
            if engine.dialect.name == "sqlite":
                connection.connection.driver_connection.execute("PRAGMA query_only = OFF")  # type: ignore[union-attr]


def _prepare_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # the begin listener below starts transactions
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        "journal_mode = WAL",
        "foreign_keys = ON",
        f"busy_timeout = {LOCK_TIMEOUT_MS}",
        "synchronous = FULL",
        "cache_size = -65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("ritornello_read_only"):
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_postgres(connection: Connection) -> None:
    """READ COMMITTED behind one lock: what was committed before the lock was got is seen, and nobody commits after that. Readers take a snapshot instead."""
    if connection.get_execution_options().get("ritornello_read_only"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")


def _refuse_other_orders(connection: Connection) -> None:
    """Tables are sorted by code point everywhere (docs/formats/conventions.md); so must the database sort."""
    if connection.dialect.name == "postgresql":
        encoding, by_code_point = connection.exec_driver_sql(
            "SELECT pg_encoding_to_char(encoding), 'B' < 'a' AND 'z' < 'é' FROM pg_database WHERE datname = current_database()"
        ).one()
        if encoding != "UTF8" or not by_code_point:
            what = f"the database holds text as {encoding} and sorts it {'by code point' if by_code_point else 'as a dictionary does'}"
            raise Refused("bad_database", what, "make another: createdb --template=template0 --encoding=UTF8 --locale=C NAME")
