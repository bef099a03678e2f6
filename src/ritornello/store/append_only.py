"""Triggers that refuse to change or delete rows of append-only tables, and to touch a ledger batch once its header is written."""

from sqlalchemy import Connection, text

from ritornello.domain.ledger import NO_BATCH

TABLES = (
    "claim",
    "claim_retraction",
    "consent_event",
    "ledger_batch",
    "log_entry",
    "log_subtree",
    "mandate",
    "mandate_retraction",
    "membership_map",
    "payout_account",
    "payout_account_end",
    "posting",
    "revenue_line",
    "revenue_report",
    "settlement",
    "settlement_file",
)
_REFUSALS = (  # of a new header: when, why
    ("NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger_batch)", "it is not the next batch"),
    (
        f"NEW.previous_sha256 <> coalesce((SELECT sha256 FROM ledger_batch WHERE seq = NEW.seq - 1), '{NO_BATCH}')",  # noqa: S608
        "it is not chained to the batch before",
    ),
    ("NEW.recorded_at_us < (SELECT recorded_at_us FROM ledger_batch WHERE seq = NEW.seq - 1)", "it is older than the batch before"),
    ("NEW.postings <> (SELECT count(*) FROM posting WHERE batch_seq = NEW.seq)", "it has other postings than its header counts"),
    (
        "EXISTS (SELECT 1 FROM posting WHERE batch_seq = NEW.seq GROUP BY transfer_id, currency HAVING sum(amount_units) <> 0)",
        "a transfer does not sum to zero",
    ),
)


def protect(connection: Connection, table: str) -> None:
    """Make the table append-only."""
    for verb in ("UPDATE", "DELETE"):
        name = f"{table}_no_{verb.lower()}"
        connection.execute(text(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"))


def close_batches(connection: Connection) -> None:
    """Let a header be written only over what it says, next in the chain; and no posting after it."""
    connection.execute(
        text(
            "CREATE TRIGGER posting_closed BEFORE INSERT ON posting WHEN EXISTS (SELECT 1 FROM ledger_batch WHERE seq = NEW.batch_seq)"
            " BEGIN SELECT RAISE(ABORT, 'the ledger batch is closed'); END"
        )
    )
    checks = " ".join(f"SELECT RAISE(ABORT, 'ledger batch refused: {why}') WHERE {when};" for when, why in _REFUSALS)
    connection.execute(text(f"CREATE TRIGGER ledger_batch_closes BEFORE INSERT ON ledger_batch BEGIN {checks} END"))
