"""What a licensee reports for a period: revenue, use, points. The same report never counts twice; a report can be withdrawn or replaced."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ritornello.domain.errors import Problem, Refused, raise_if_any
from ritornello.domain.period import parse_period_id
from ritornello.formats.canonical import hash_file
from ritornello.formats.dsr.reading import read_dsr
from ritornello.formats.dsr.revenue import check_period, revenue_rows, usage_rows
from ritornello.formats.reports_csv import RevenueRow, UsageRow, read_points, read_revenue, read_usage
from ritornello.service import models, programmes
from ritornello.service.context import Context
from ritornello.store import catalogue, reports, schema

_FIELDS = {
    "revenue": (
        "line_id", "row", "product", "model_version", "territory", "currency", "net_units", "gross_units", "quantity_e6", "unit", "user_id",
    ),
    "usage": ("usage_id", "output_id", "territory", "uses", "user_id"),
    "points": ("recording_id", "points", "tier"),
}  # fmt: skip
_KEYS = {kind: fields[0] for kind, fields in _FIELDS.items()}
_Note = Callable[[int | None, str | None, str, str], None]  # of a problem: row, column, what, what to do


@dataclass(frozen=True, slots=True)
class Target:
    """The period that a report is for, and how it comes in."""

    programme_id: str
    period_id: str
    late: bool = False  # although the period is settled: a correction will follow
    replaces: str | None = None  # the report that this one corrects; withdrawn in the same step


@dataclass(frozen=True, slots=True)
class Sales:
    """What a report of revenue brought."""

    net_units: Mapping[str, int]  # currency → units
    usage_records: int = 0
    not_taken: Mapping[str, int] = field(default_factory=dict)  # what was read past, in words → how often


@dataclass(frozen=True, slots=True)
class _Part:
    """A report's lines of one kind; `check` notes what is wrong with them beside the lines that stand: id → file."""

    kind: str
    rows: Sequence[Any]
    check: Callable[[Mapping[str, str]], None]


def period_days(period_id: str) -> tuple[date, date]:
    """First and last day of a period as people write it. Raises Refused."""
    try:
        return parse_period_id(period_id)
    except ValueError as error:
        raise Refused("bad_period", str(error), "correct the period") from None


def import_revenue(context: Context, target: Target, path: Path) -> Sales:
    """Take in revenue.csv. Raises BadInput, or Refused when the report is known or the period is settled."""
    _, last_day = _open(context, target)
    rows, sheet = read_revenue(path, last_day)
    _import(context, target, path, "revenue", lambda: sheet.problems, [_revenue(context, target, rows, sheet.problem)])
    return Sales(_total(rows))


def import_dsr(context: Context, target: Target, path: Path, model_version: str | None, *, revenue_only: bool) -> Sales:
    """Take in a DSR flat file: its revenue and, unless `revenue_only`, how often outputs were used: one report, to be withdrawn as one.

    `model_version` is meant where the file names none. Raises as `import_revenue` does.
    """
    first_day, last_day = _open(context, target)
    report = read_dsr(path, last_day)
    check_period(report, first_day, last_day)
    revenue = revenue_rows(report, model_version)
    usage = [] if revenue_only else usage_rows(report)
    problems = report.problems
    if not revenue and not usage and not problems.kept:
        problems.add(None, None, "has nothing that is revenue or use of outputs", "check that this is the licensee's report")
    parts = [_revenue(context, target, revenue, problems.add), _usage(context, target, usage, problems.add)]
    _import(context, target, path, "dsr", problems.all, parts)
    return Sales(_total(revenue), len(usage), dict(sorted(report.untaken.items())))


def import_usage(context: Context, target: Target, path: Path) -> int:
    """Take in usage records of registered outputs. Returns how many."""
    _open(context, target)
    rows, sheet = read_usage(path)
    return _import(context, target, path, "usage", lambda: sheet.problems, [_usage(context, target, rows, sheet.problem)])


def import_points(context: Context, target: Target, path: Path) -> int:
    """Take in the period's points of recordings. Returns how many."""
    _open(context, target)
    rows, sheet = read_points(path)
    tiers = {tier for terms in models.find_followed(context, target.programme_id) for tier in terms.tiers_e6}

    def check(standing: Mapping[str, str]) -> None:
        recordings = catalogue.read_recordings(context.connection)
        for row in rows:
            _refuse_known(sheet.problem, row.row, "recording_id", row.recording_id, standing)
            if row.recording_id not in recordings:
                sheet.problem(row.row, "recording_id", f"{row.recording_id!r} is not in the catalogue", "import it first")
            if row.tier not in tiers:
                known = ", ".join(sorted(tiers)) or "none"
                sheet.problem(row.row, "tier", f"{row.tier!r} is no tier of {target.programme_id}", f"its tiers are: {known}")

    return _import(context, target, path, "points", lambda: sheet.problems, [_Part("points", rows, check)])


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


def _revenue(context: Context, target: Target, rows: Sequence[RevenueRow], note: _Note) -> _Part:
    def check(standing: Mapping[str, str]) -> None:
        programme_id = target.programme_id
        known = set(context.connection.scalars(select(schema.run.c.model_version).where(schema.run.c.programme_id == programme_id)))
        gross = any(income.of == "gross" for terms in models.find_followed(context, programme_id) for income in terms.incomes)
        for row in rows:
            _refuse_known(note, row.row, "line_id", row.line_id, standing)
            if row.model_version not in known:
                what = f"{row.model_version!r} is no model version of {programme_id}"
                note(row.row, "model_version", what, f"registered are: {', '.join(sorted(known)) or 'none'}")
            if gross and row.gross_units is None:
                note(row.row, "gross_amount", "is missing, and the programme takes a part of gross revenue", "report it")

    return _Part("revenue", rows, check)


def _usage(context: Context, target: Target, rows: Sequence[UsageRow], note: _Note) -> _Part:
    def check(standing: Mapping[str, str]) -> None:
        run, output = schema.run, schema.output
        of_programme = (
            select(output.c.output_id)
            .join(run, run.c.model_version == output.c.model_version)
            .where(run.c.programme_id == target.programme_id)
        )
        outputs = set(context.connection.scalars(of_programme))
        for row in rows:
            _refuse_known(note, row.row, "usage_id", row.usage_id, standing)
            if row.output_id not in outputs:
                what = f"{row.output_id!r} is no output of a model of {target.programme_id}"
                note(row.row, "output_id", what, "register it first: ritornello output add")

    return _Part("usage", rows, check)


def _total(rows: Sequence[RevenueRow]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.currency] = totals.get(row.currency, 0) + row.net_units
    return totals


def _import(
    context: Context, target: Target, path: Path, kind: str, problems: Callable[[], Sequence[Problem]], parts: Sequence[_Part]
) -> int:
    """Keep a report and its lines when nothing is wrong with any. Returns how many lines."""
    raise_if_any([] if any(part.rows for part in parts) else problems())
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
    for part in parts:
        standing = reports.read_lines(context.connection, part.kind, target.programme_id, target.period_id, now)
        part.check({row[_KEYS[part.kind]]: row["file"] for row in standing})
    raise_if_any(problems())
    context.files.put_file(path)
    header = {
        "report_sha256": report_sha256,
        "kind": kind,
        "programme_id": target.programme_id,
        "period_id": target.period_id,
        "file": path.name,
        "recorded_at_us": now,
    }
    lines = {part.kind: [{name: getattr(row, name) for name in _FIELDS[part.kind]} for row in part.rows] for part in parts}
    reports.append_report(context.connection, header, lines)
    context.record("report", report_sha256, report_sha256)
    return sum(len(part.rows) for part in parts)


def _refuse_known(note: _Note, number: int, column: str, value: str, standing: Mapping[str, str]) -> None:
    if value in standing:
        what = f"{value!r} was reported in {standing[value]} already"
        note(number, column, what, "leave the row out, or replace that report: --replaces SHA256 (ritornello report list)")


def _find_standing(context: Context, report_sha256: str) -> dict[str, Any]:
    row = reports.find_report(context.connection, report_sha256)
    if row is None:
        raise Refused("unknown_report", f"there is no report {report_sha256!r}", "see them: ritornello report list")
    if row.withdrawn_at_us is not None:
        raise Refused("withdrawn_already", f"{row.file} was withdrawn already", "nothing to do")
    return dict(row._mapping)


def _open(context: Context, target: Target) -> tuple[date, date]:
    """The period's days. Raises Refused when the period is settled and the report does not say that it is late."""
    programmes.find(context, target.programme_id)
    first_day, last_day = period_days(target.period_id)
    table = schema.settlement
    newest = context.connection.execute(
        select(table).where(table.c.programme_id == target.programme_id).order_by(table.c.last_day.desc()).limit(1)
    ).first()
    if newest and newest.last_day >= first_day.isoformat() and not target.late:
        what = f"{target.programme_id} is settled up to {newest.last_day} ({newest.settlement_id})"
        raise Refused("period_settled", what, "report it in the next period, or say --late and then: ritornello correct")
    return first_day, last_day
