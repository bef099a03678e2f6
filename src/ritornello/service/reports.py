"""What the licensee reports for a period: revenue and use. The same report never counts twice."""

from datetime import date
from pathlib import Path

from sqlalchemy import insert, select

from ritornello.domain.errors import Refused, raise_if_any
from ritornello.domain.period import parse_period_id
from ritornello.formats.canonical import hash_file
from ritornello.formats.reports_csv import read_revenue, read_usage
from ritornello.service import programmes
from ritornello.service.context import Context
from ritornello.store import schema


def period_days(period_id: str) -> tuple[date, date]:
    """First and last day of a period as people write it. Raises Refused."""
    try:
        return parse_period_id(period_id)
    except ValueError as error:
        raise Refused("bad_period", str(error), "correct the period") from None


def import_revenue(context: Context, programme_id: str, period_id: str, path: Path) -> dict[str, int]:
    """Take in a revenue report. Returns currency → units. Raises BadInput, or Refused when the report is known or the period is settled."""
    programme, _ = programmes.find(context, programme_id)
    _, last_day = _open_period(context, programme.programme_id, period_id)
    rows, sheet = read_revenue(path, last_day)
    raise_if_any(sheet.problems if not rows else [])
    report_sha256 = hash_file(path)
    connection = context.connection
    known = connection.execute(select(schema.revenue_report).where(schema.revenue_report.c.report_sha256 == report_sha256)).first()
    if known:
        what = f"{path.name} is the report {known.file} that was imported for {known.period_id} already"
        raise Refused("report_twice", what, "nothing to do: it counts once")
    line, report = schema.revenue_line, schema.revenue_report
    same_period = (report.c.programme_id == programme_id) & (report.c.period_id == period_id)
    taken = dict(connection.execute(select(line.c.line_id, report.c.file).join(report).where(same_period)).all())
    models = set(connection.scalars(select(schema.run.c.model_version).where(schema.run.c.programme_id == programme_id)))
    for row in rows:
        if row.line_id in taken:
            sheet.problem(
                row.row,
                "line_id",
                f"{row.line_id!r} was reported in {taken[row.line_id]} already",
                "leave it out; corrections are not built yet",
            )
        if row.model_version not in models:
            what = f"{row.model_version!r} is no model version of {programme_id}"
            sheet.problem(row.row, "model_version", what, f"registered are: {', '.join(sorted(models)) or 'none'}")
    raise_if_any(sheet.problems)
    context.files.put(path.read_bytes())
    connection.execute(
        insert(report).values(
            report_sha256=report_sha256, programme_id=programme_id, period_id=period_id, file=path.name, recorded_at_us=context.now_us()
        )
    )
    fields = ("line_id", "row", "product", "model_version", "territory", "currency", "net_units")
    connection.execute(insert(line), [{"report_sha256": report_sha256, **{name: getattr(row, name) for name in fields}} for row in rows])
    context.record("report", report_sha256, report_sha256)
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.currency] = totals.get(row.currency, 0) + row.net_units
    return totals


def import_usage(context: Context, programme_id: str, period_id: str, path: Path) -> int:
    """Take in usage records of registered outputs. Returns how many."""
    programmes.find(context, programme_id)
    _open_period(context, programme_id, period_id)
    rows, sheet = read_usage(path)
    run, output = schema.run, schema.output
    of_programme = (
        select(output.c.output_id).join(run, run.c.model_version == output.c.model_version).where(run.c.programme_id == programme_id)
    )
    outputs = set(context.connection.scalars(of_programme))
    taken = set(context.connection.scalars(select(schema.usage.c.usage_id).where(schema.usage.c.programme_id == programme_id)))
    for row in rows:
        if row.output_id not in outputs:
            sheet.problem(
                row.row,
                "output_id",
                f"{row.output_id!r} is no output of a model of {programme_id}",
                "register it first: ritornello output add",
            )
        if row.usage_id in taken:
            sheet.problem(row.row, "usage_id", f"{row.usage_id!r} was reported already", "leave the row out: it counts once")
    raise_if_any(sheet.problems)
    fields = ("usage_id", "output_id", "territory", "uses")
    context.connection.execute(
        insert(schema.usage),
        [{"programme_id": programme_id, "period_id": period_id, **{name: getattr(row, name) for name in fields}} for row in rows],
    )
    context.record("import", path.name, hash_file(path))
    return len(rows)


def _open_period(context: Context, programme_id: str, period_id: str) -> tuple[date, date]:
    first_day, last_day = period_days(period_id)
    table = schema.settlement
    newest = context.connection.execute(
        select(table).where(table.c.programme_id == programme_id).order_by(table.c.last_day.desc()).limit(1)
    ).first()
    if newest and newest.last_day >= first_day.isoformat():
        what = f"{programme_id} is settled up to {newest.last_day} ({newest.settlement_id})"
        raise Refused("period_settled", what, "report it in the next period")
    return first_day, last_day
