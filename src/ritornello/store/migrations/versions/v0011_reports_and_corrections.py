"""Reports that can be withdrawn, corrections, what payees agreed about money, and the catalogue as it was known."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from ritornello.formats.canonical import encode
from ritornello.store import append_only

revision = "0011"
down_revision = "0010"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in ("run", "output"):
        op.add_column(table, sa.Column("recorded_at_us", WHOLE, nullable=False, server_default="0"))
    _open_reports()
    for name in ("gross_units", "quantity_e6"):
        op.add_column("revenue_line", sa.Column(name, WHOLE, nullable=True))
    for name in ("unit", "user_id"):
        op.add_column("revenue_line", sa.Column(name, sa.Text(), nullable=True))
    _create("report_withdrawal", _text("report_sha256", "report.report_sha256"), _whole("withdrawn_at_us"), _text("reason"), key=1)
    _create(
        "usage_record",
        *(_text("report_sha256", "report.report_sha256"), _text("usage_id"), _text("output_id", "output.output_id")),
        *(_text("territory"), _whole("uses"), _text("user_id", null=True)),
        key=2,
    )
    _move_usage()
    _create(
        "points",
        _text("report_sha256", "report.report_sha256"),
        _text("recording_id", "recording.recording_id"),
        _whole("points"),
        _text("tier"),
        key=2,
    )
    _create("rate", _text("currency"), _text("into"), _text("day"), _whole("recorded_at_us"), _text("rate_e12"), _text("source"), key=4)
    _create(
        "dispute",
        _text("dispute_id"),
        _text("claim_id", "claim.claim_id"),
        _text("opened_by"),
        _text("reason"),
        _whole("opened_at_us"),
        key=1,
    )
    _create(
        "dispute_resolution",
        _text("dispute_id", "dispute.dispute_id"),
        _text("resolved_by"),
        _text("outcome"),
        _whole("resolved_at_us"),
        key=1,
    )
    _create(
        "advance",
        *(_text("advance_id"), _text("programme_id"), _text("party_id", "party.party_id"), _text("collateral_group"), _text("currency")),
        *(_text("recordings"), _whole("rate_ppm"), _text("granted_on"), _whole("recorded_at_us")),
        key=1,
    )
    _create("tax", _text("party_id", "party.party_id"), _whole("recorded_at_us"), _whole("rate_ppm"), _text("authority"), key=2)
    _create("catalogue_version", _text("kind"), _text("subject_id"), _whole("recorded_at_us"), _text("content"), key=3)
    _seed_versions()
    _create(
        "correction",
        *(_text("correction_id"), _text("settlement_id", "settlement.settlement_id"), _whole("number"), _whole("settled_at_us")),
        key=1,
        unique=("settlement_id", "number"),
    )
    for table in (
        *("report", "report_withdrawal", "usage_record", "points", "rate", "dispute", "dispute_resolution", "advance", "tax"),
        *("catalogue_version", "correction"),
    ):
        append_only.protect(op.get_bind(), table)


def _open_reports() -> None:
    """Reports of revenue become reports of any kind."""
    append_only.unprotect(op.get_bind(), "revenue_report")
    op.rename_table("revenue_report", "report")
    op.add_column("report", sa.Column("kind", sa.Text(), nullable=False, server_default="revenue"))


def _move_usage() -> None:
    """Usage that was imported before becomes one report for each programme and period."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT * FROM usage ORDER BY programme_id, period_id, usage_id")).mappings().all()
    reports: dict[tuple[str, str], str] = {}
    for row in rows:
        key = (row["programme_id"], row["period_id"])
        if key not in reports:
            reports[key] = hashlib.sha256("/".join(("usage", *key)).encode()).hexdigest()
            values = {"sha": reports[key], "programme": key[0], "period": key[1]}
            connection.execute(sa.text("INSERT INTO report VALUES (:sha, :programme, :period, 'usage', 0, 'usage')"), values)
        values = {**row, "sha": reports[key]}
        connection.execute(sa.text("INSERT INTO usage_record VALUES (:sha, :usage_id, :output_id, :territory, :uses, NULL)"), values)
    op.drop_table("usage")


def _seed_versions() -> None:
    """What the catalogue says now is how it was always known."""
    connection = op.get_bind()
    for kind in ("party", "work", "recording"):
        for row in connection.execute(sa.text(f"SELECT * FROM {kind}")).mappings().all():  # noqa: S608  (names above)
            content = dict(row)
            if kind == "party":
                content = {name: row[name] for name in ("party_id", "name", "kind")}
            values = {"kind": kind, "subject": row[f"{kind}_id"], "content": encode(json.loads(json.dumps(content))).decode()}
            connection.execute(sa.text("INSERT INTO catalogue_version VALUES (:kind, :subject, 0, :content)"), values)


def _create(name: str, *columns: "sa.Column[object]", key: int, unique: tuple[str, ...] = ()) -> None:
    """A table whose first `key` columns are its primary key."""
    foreign = [
        sa.ForeignKeyConstraint([column.name], [target], name=op.f(f"fk_{name}_{column.name}"))
        for column in columns
        if (target := column.info.get("of"))
    ]
    primary = sa.PrimaryKeyConstraint(*(column.name for column in columns[:key]), name=op.f(f"pk_{name}"))
    more = [sa.UniqueConstraint(*unique, name=op.f(f"uq_{name}_{unique[0]}"))] if unique else []
    op.create_table(name, *columns, *foreign, primary, *more, sqlite_strict=True)


def _text(name: str, of: str | None = None, *, null: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.Text(), nullable=null, info={"of": of})


def _whole(name: str) -> "sa.Column[object]":
    return sa.Column(name, WHOLE, autoincrement=False, nullable=False)
