"""A DSR report as the same lines that revenue.csv and usage.csv have: one of revenue for each context of sale, one of use for each output in it."""

import hashlib
from dataclasses import replace
from datetime import date

from ritornello.domain.identifiers import parse_own
from ritornello.domain.money import parse_decimal
from ritornello.formats.dsr.reading import Report
from ritornello.formats.dsr.records import ALL_MODELS, MS_UNIT, USES_UNIT
from ritornello.formats.reports_csv import RevenueRow, UsageRow


def revenue_rows(report: Report, model_version: str | None) -> list[RevenueRow]:
    """Lines of revenue in ledger units. `model_version` is meant where the file names none; without it that is a problem of the report's."""
    rows = []
    for summary in report.summaries.values():
        if summary.unit == MS_UNIT:
            continue  # what training read: a use, but no revenue
        model = model_version if summary.model_version in (None, ALL_MODELS) else summary.model_version
        if model is None:
            todo = "name it with --model-version, or ask the sender for the DE01 record of docs/formats/dsr.md"
            report.problems.add(summary.row, "ModelVersion", "no record says which model version this is about", todo)
            continue
        line_id = _make_name(report.message_id, summary.summary_id)
        line = RevenueRow(summary.row, line_id, summary.service, model, summary.territory, summary.currency, summary.net_units)
        if summary.usages is not None and summary.unit in ("", USES_UNIT):
            try:  # what a price per use counts
                line = replace(line, quantity_e6=parse_decimal(str(summary.usages), 6), unit=USES_UNIT)
            except ValueError as error:
                report.problems.add(summary.row, "TotalUsages", str(error), "ask the sender")
        rows.append(line)
    return rows


def usage_rows(report: Report) -> list[UsageRow]:
    """How often each output was used in each context. Usage must be whole and positive: anything else is a problem of the report's."""
    rows = []
    for (summary_id, output_id), usages in report.usages.items():
        summary = report.summaries[summary_id]
        if summary.unit == MS_UNIT:
            continue
        if usages == 0:
            report.untaken["outputs whose usage and returns cancel out"] += 1
            continue
        if not 0 < usages < 10**15 or usages != usages.to_integral_value():
            what = f"the usage of {output_id[:60]!r} totals {usages}"
            report.problems.add(summary.row, "Usages", what, "usage of an output is a whole number of at least 1: ask the sender")
            continue
        usage_id = _make_name(report.message_id, summary_id, output_id)
        rows.append(UsageRow(summary.row, usage_id, output_id, summary.territory, int(usages)))
    return rows


def check_period(report: Report, first_day: date, last_day: date) -> None:
    """A report about other days than the period's is a problem."""
    if report.first_day and report.last_day and not (first_day <= report.first_day <= report.last_day <= last_day):
        what = f"the report is about {report.first_day} to {report.last_day}, the period goes from {first_day} to {last_day}"
        report.problems.add(1, "UsageStartDate", what, "name the period that the report is about")


def _make_name(*parts: str) -> str:
    """An identifier that no other parts give: they themselves where they are plain, else a hash of them (a report may have millions)."""
    try:
        if not any("." in part for part in parts):
            return parse_own(".".join(parts))
    except ValueError:
        pass
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"dsr-{digest[:32]}"
