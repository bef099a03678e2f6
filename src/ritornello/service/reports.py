"""What a licensee reports for a period: revenue, use, points. The same report never counts twice; a report can be withdrawn or replaced."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ritornello.domain.errors import Refused, raise_if_any
from ritornello.domain.period import parse_period_id
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import hash_file
from ritornello.formats.reports_csv import read_points, read_revenue, read_usage
from ritornello.formats.sheet import Sheet
from ritornello.service import programmes
from ritornello.service.context import Context
from ritornello.store import catalogue, reports, schema

REVENUE_FIELDS = (
    "line_id", "row", "product", "model_version", "territory", "currency", "net_units", "gross_units", "quantity_e6", "unit", "user_id",
)  # fmt: skip
USAGE_FIELDS = ("usage_id", "output_id", "territory", "uses", "user_id")
POINTS_FIELDS = ("recording_id", "points", "tier")


@dataclass(frozen=True, slots=True)
class Target:
    """The period that a report is for, and how it comes in."""

    programme_id: str
    period_id: str
    late: bool = False  # although the period is settled: a correction will follow
    replaces: str | None = None  # the report that this one corrects; withdrawn in the same step


def period_days(period_id: str) -> tuple[date, date]:
    """First and last day of a period as people write it. Raises Refused."""
    try:
        return parse_period_id(period_id)
    except ValueError as error:
        raise Refused("bad_period", str(error), "correct the period") from None


def import_revenue(context: Context, target: Target, path: Path) -> dict[str, int]:
    """Take in a revenue report. Returns currency → units. Raises BadInput, or Refused when the report is known or the period is settled."""
    programme, (_, last_day) = _open(context, target)
    rows, sheet = read_revenue(path, last_day)

    def check(standing: Mapping[str, str]) -> None:
        models = set(context.connection.scalars(select(schema.run.c.model_version).where(schema.run.c.programme_id == target.programme_id)))
        gross = any(income.of == "gross" for income in programme.incomes)
        for row in rows:
            _refuse_known(sheet, row.row, "line_id", row.line_id, standing)
            if row.model_version not in models:
                what = f"{row.model_version!r} is no model version of {target.programme_id}"
                sheet.problem(row.row, "model_version", what, f"registered are: {', '.join(sorted(models)) or 'none'}")
            if gross and row.gross_units is None:
                sheet.problem(row.row, "gross_amount", "is missing, and the programme takes a part of gross revenue", "report it")

    _import(context, target, path, "revenue", sheet, rows, REVENUE_FIELDS, check)
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.currency] = totals.get(row.currency, 0) + row.net_units
    return totals


def import_usage(context: Context, target: Target, path: Path) -> int:
    """Take in usage records of registered outputs. Returns how many."""
    _open(context, target)
    rows, sheet = read_usage(path)

    def check(standing: Mapping[str, str]) -> None:
        run, output = schema.run, schema.output
        of_programme = (
            select(output.c.output_id)
            .join(run, run.c.model_version == output.c.model_version)
            .where(run.c.programme_id == target.programme_id)
        )
        outputs = set(context.connection.scalars(of_programme))
        for row in rows:
            _refuse_known(sheet, row.row, "usage_id", row.usage_id, standing)
            if row.output_id not in outputs:
                what = f"{row.output_id!r} is no output of a model of {target.programme_id}"
                sheet.problem(row.row, "output_id", what, "register it first: ritornello output add")

    return _import(context, target, path, "usage", sheet, rows, USAGE_FIELDS, check)


def import_points(context: Context, target: Target, path: Path) -> int:
    """Take in the period's points of recordings. Returns how many."""
    programme, _ = _open(context, target)
    rows, sheet = read_points(path)

    def check(standing: Mapping[str, str]) -> None:
        recordings = catalogue.read_recordings(context.connection)
        for row in rows:
            _refuse_known(sheet, row.row, "recording_id", row.recording_id, standing)
            if row.recording_id not in recordings:
                sheet.problem(row.row, "recording_id", f"{row.recording_id!r} is not in the catalogue", "import it first")
            if row.tier not in programme.tiers_e6:
                known = ", ".join(programme.tiers_e6) or "none"
                sheet.problem(row.row, "tier", f"{row.tier!r} is no tier of {target.programme_id}", f"its tiers are: {known}")

    return _import(context, target, path, "points", sheet, rows, POINTS_FIELDS, check)


def withdraw(context: Context, report_sha256: str, reason: str) -> dict[str, Any]:
    """Strike a report out from now on. Returns its row; a settled period needs a correction then."""
    row = _find_standing(context, report_sha256)
    reports.withdraw_report(context.connection, row["report_sha256"], reason, context.now_us())
    context.record("report-withdrawal", row["report_sha256"], row["report_sha256"])
    return row


def list_reports(context: Context, programme_id: str) -> list[dict[str, Any]]:
    """Every report of a programme, oldest first, withdrawn ones too."""
    programmes.find(context, programme_id)
    return [dict(row._mapping) for row in reports.read_reports(context.connection, programme_id)]


def _import(
    context: Context,
    target: Target,
    path: Path,
    kind: str,
    sheet: Sheet,
    rows: Sequence[Any],
    fields: Sequence[str],
    check: Callable[[Mapping[str, str]], None],
) -> int:
    """Keep a report and its lines when nothing is wrong with any; `check` is given the lines that stand: id → file."""
    raise_if_any(sheet.problems if not rows else [])
    report_sha256 = hash_file(path)
    if known := reports.find_report(context.connection, report_sha256):
        what = f"{path.name} is the report {known.file} that was imported for {known.period_id} already"
        todo = (
            "nothing to do: it counts once" if known.withdrawn_at_us is None else "it was withdrawn; save the file anew to report it again"
        )
        raise Refused("report_twice", what, todo)
    if target.replaces is not None:
        replaced = _find_standing(context, target.replaces)
        if (replaced["kind"], replaced["programme_id"], replaced["period_id"]) != (kind, target.programme_id, target.period_id):
            what = f"{replaced['file']} reports {replaced['kind']} of {replaced['programme_id']} for {replaced['period_id']}"
            raise Refused("other_report", what, "name a report of the same kind, programme and period")
        withdraw(context, target.replaces, f"replaced by {report_sha256}")
    now = context.now_us()
    key = {"revenue": "line_id", "usage": "usage_id", "points": "recording_id"}[kind]
    standing = reports.read_lines(context.connection, kind, target.programme_id, target.period_id, now)
    check({row[key]: row["file"] for row in standing})
    raise_if_any(sheet.problems)
    context.files.put(path.read_bytes())
    header = {
        "report_sha256": report_sha256,
        "kind": kind,
        "programme_id": target.programme_id,
        "period_id": target.period_id,
        "file": path.name,
        "recorded_at_us": now,
    }
    reports.append_report(context.connection, header, [{name: getattr(row, name) for name in fields} for row in rows])
    context.record("report", report_sha256, report_sha256)
    return len(rows)


def _refuse_known(sheet: Sheet, number: int, column: str, value: str, standing: Mapping[str, str]) -> None:
    if value in standing:
        what = f"{value!r} was reported in {standing[value]} already"
        sheet.problem(number, column, what, "leave the row out, or replace that report: --replaces")


def _find_standing(context: Context, report_sha256: str) -> dict[str, Any]:
    row = reports.find_report(context.connection, report_sha256)
    if row is None:
        raise Refused("unknown_report", f"there is no report {report_sha256!r}", "see them: ritornello report list")
    if row.withdrawn_at_us is not None:
        raise Refused("withdrawn_already", f"{row.file} was withdrawn already", "nothing to do")
    return dict(row._mapping)


def _open(context: Context, target: Target) -> tuple[Programme, tuple[date, date]]:
    """The programme and the period's days. Raises Refused when the period is settled and the report does not say that it is late."""
    programme, _ = programmes.find(context, target.programme_id)
    first_day, last_day = period_days(target.period_id)
    table = schema.settlement
    newest = context.connection.execute(
        select(table).where(table.c.programme_id == target.programme_id).order_by(table.c.last_day.desc()).limit(1)
    ).first()
    if newest and newest.last_day >= first_day.isoformat() and not target.late:
        what = f"{target.programme_id} is settled up to {newest.last_day} ({newest.settlement_id})"
        raise Refused("period_settled", what, "report it in the next period, or say --late and then: ritornello correct")
    return programme, (first_day, last_day)
