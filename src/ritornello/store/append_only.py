"""Triggers that refuse to change or delete rows of append-only tables, and to touch a ledger batch once its header is written."""

from sqlalchemy import Connection

from ritornello.domain.ledger import NO_BATCH

TABLES = (
    "access_event",
    "admission",
    "admission_end",
    "advance",
    "canary",
    "catalogue_version",
    "claim",
    "claim_retraction",
    "clone_check",
    "clone_decision",
    "clone_verdict",
    "consent_event",
    "declaration",
    "correction",
    "dispute",
    "dispute_resolution",
    "ledger_batch",
    "licensee_class",
    "log_entry",
    "log_name",
    "log_subtree",
    "mandate",
    "mandate_retraction",
    "membership_map",
    "payout_account",
    "payout_account_end",
    "payout_batch",
    "payout_event",
    "payout_open_item",
    "payout_open_item_end",
    "payout_report",
    "points",
    "posting",
    "rate",
    "rendition",
    "report",
    "report_withdrawal",
    "revenue_line",
    "settlement",
    "settlement_file",
    "tax",
    "usage_record",
)
_REFUSALS = (  # of a new header: when, why
    ("NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger_batch)", "ledger batch refused: it is not the next batch"),
    (
        f"NEW.previous_sha256 <> coalesce((SELECT sha256 FROM ledger_batch WHERE seq = NEW.seq - 1), '{NO_BATCH}')",  # noqa: S608
        "ledger batch refused: it is not chained to the batch before",
    ),
    (
        "NEW.recorded_at_us < (SELECT recorded_at_us FROM ledger_batch WHERE seq = NEW.seq - 1)",
        "ledger batch refused: it is older than the batch before",
    ),
    (
        "NEW.postings <> (SELECT count(*) FROM posting WHERE batch_seq = NEW.seq)",
        "ledger batch refused: it has other postings than its header counts",
    ),
    (
        "EXISTS (SELECT 1 FROM posting WHERE batch_seq = NEW.seq GROUP BY transfer_id, currency HAVING sum(amount_units) <> 0)",
        "ledger batch refused: a transfer does not sum to zero",
    ),
)


def protect(connection: Connection, table: str) -> None:
    """Make the table append-only."""
    if connection.dialect.name == "postgresql":
        _define(
            connection,
            "refuse_change",
            "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';",
        )
        _trigger(connection, f"{table}_no_change", f"UPDATE OR DELETE ON {table}", "ROW", "refuse_change")
        protect_partition(connection, table)
        return
    for verb in ("UPDATE", "DELETE"):
        body = f"SELECT RAISE(ABORT, '{table} is append-only');"
        connection.exec_driver_sql(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN {body} END")


def unprotect(connection: Connection, table: str) -> None:
    """Take the protection off, to change the table's shape in a migration."""
    if connection.dialect.name == "postgresql":
        for name in ("no_change", "no_truncate"):
            _execute(connection, f"DROP TRIGGER {table}_{name} ON {table}")
        return
    for verb in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER {table}_no_{verb}")


def protect_partition(connection: Connection, table: str) -> None:
    """On PostgreSQL: what a partition does not inherit from its table's protection."""
    _trigger(connection, f"{table}_no_truncate", f"TRUNCATE ON {table}", "STATEMENT", "refuse_change")


def close_batches(connection: Connection) -> None:
    """Let a header be written only over what it says, next in the chain; and no posting after it."""
    closed, late = "EXISTS (SELECT 1 FROM ledger_batch WHERE seq = NEW.batch_seq)", "the ledger batch is closed"
    if connection.dialect.name == "postgresql":
        for name, table, refusals in (("posting_closed", "posting", [(closed, late)]), ("ledger_batch_closes", "ledger_batch", _REFUSALS)):
            body = " ".join(
                f"IF {when} THEN RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
                for when, why in refusals
            )
            _define(connection, name, f"{body} RETURN NEW;")
            _trigger(connection, name, f"INSERT ON {table}", "ROW", name)
        return
    connection.exec_driver_sql(
        f"CREATE TRIGGER posting_closed BEFORE INSERT ON posting WHEN {closed} BEGIN SELECT RAISE(ABORT, '{late}'); END"
    )
    checks = " ".join(f"SELECT RAISE(ABORT, '{why}') WHERE {when};" for when, why in _REFUSALS)
    connection.exec_driver_sql(f"CREATE TRIGGER ledger_batch_closes BEFORE INSERT ON ledger_batch BEGIN {checks} END")


def _define(connection: Connection, name: str, body: str) -> None:
    _execute(connection, f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")


def _trigger(connection: Connection, name: str, what: str, each: str, function: str) -> None:
    _execute(connection, f"CREATE TRIGGER {name} BEFORE {what} FOR EACH {each} EXECUTE FUNCTION {function}()")


def _execute(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement.replace("%", "%%"))  # the driver's own mark
