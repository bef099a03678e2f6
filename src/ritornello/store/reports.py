"""Reports of a period (revenue, usage, points) with their lines: appended, and withdrawn by a further row."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, insert, select

from ritornello.store import schema

LINES: dict[str, Table] = {"revenue": schema.revenue_line, "usage": schema.usage_record, "points": schema.points}


def append_report(connection: Connection, header: dict[str, Any], lines: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """Keep a report (columns of `report`) and its lines of each kind."""
    connection.execute(insert(schema.report).values(header))
    for kind, rows in lines.items():
        if rows:
            connection.execute(insert(LINES[kind]), [{"report_sha256": header["report_sha256"], **row} for row in rows])


def find_report(connection: Connection, report_sha256: str) -> Row[Any] | None:
    """The report with `withdrawn_at_us` and `reason` (null while it stands)."""
    return connection.execute(_with_withdrawal().where(schema.report.c.report_sha256 == report_sha256)).first()


def read_reports(connection: Connection, programme_id: str) -> Sequence[Row[Any]]:
    """Every report of a programme, oldest first, withdrawn ones too."""
    query = _with_withdrawal().where(schema.report.c.programme_id == programme_id)
    return connection.execute(query.order_by(schema.report.c.recorded_at_us, schema.report.c.report_sha256)).all()


def read_lines(connection: Connection, kind: str, programme_id: str, period_id: str, known_at_us: int) -> list[dict[str, Any]]:
    """Lines of the reports that stand at a moment: recorded by then, and not withdrawn by then."""
    return [dict(row._mapping) for row in connection.execute(_standing(kind, programme_id, period_id, known_at_us))]


def withdraw_report(connection: Connection, report_sha256: str, reason: str, at_us: int) -> None:
    connection.execute(insert(schema.report_withdrawal).values(report_sha256=report_sha256, withdrawn_at_us=at_us, reason=reason))


def _with_withdrawal() -> Select[Any]:
    report, withdrawal = schema.report, schema.report_withdrawal
    joined = report.outerjoin(withdrawal, withdrawal.c.report_sha256 == report.c.report_sha256)
    return select(report, withdrawal.c.withdrawn_at_us, withdrawal.c.reason).select_from(joined)


def _standing(kind: str, programme_id: str, period_id: str, known_at_us: int) -> Select[Any]:
    line, report, withdrawal = LINES[kind], schema.report, schema.report_withdrawal
    joined = line.join(report, report.c.report_sha256 == line.c.report_sha256).outerjoin(
        withdrawal, withdrawal.c.report_sha256 == report.c.report_sha256
    )
    return (
        select(line, report.c.file)
        .select_from(joined)
        .where(
            report.c.programme_id == programme_id,
            report.c.period_id == period_id,
            report.c.recorded_at_us <= known_at_us,
            withdrawal.c.withdrawn_at_us.is_(None) | (withdrawal.c.withdrawn_at_us > known_at_us),
        )
    )
