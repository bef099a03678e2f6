"""`ritornello revenue …`, `usage …`, `points …`, `report …`, `rates …`: what comes in for a period."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, Frame, pass_frame
from ritornello.domain.money import format_units
from ritornello.service import overview, rates, reports
from ritornello.service.reports import Target

_OPTIONS = (
    click.argument("file", type=FILE),
    click.option("--programme", "programme_id", required=True),
    click.option("--period", "period_id", required=True, help="2026-10, 2026-Q4 or 2026."),
    click.option("--late", is_flag=True, help="Although the period is settled; then: ritornello correct."),
    click.option("--replaces", metavar="REPORT", help="The SHA-256 of the report that this one corrects."),
)


def _for_a_period(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def revenue() -> None:
    """What the licensee earned."""


@revenue.command("import")
@_for_a_period
@click.option("--format", "form", type=click.Choice(["csv", "dsr"]), default="csv", help="revenue.csv, or a DSR flat file.")
@click.option("--model-version", metavar="M", help="Meant where a DSR file names no model version.")
@click.option("--revenue-only", is_flag=True, help="Leave out what a DSR file says about the use of outputs.")
@pass_frame
def import_revenue(frame: Frame, /, file: Path, form: str, model_version: str | None, revenue_only: bool, **target: Any) -> None:
    """Import revenue.csv, or a DSR file with revenue and use; all or nothing; the same report never counts twice."""
    if form == "csv" and (model_version or revenue_only):
        raise click.UsageError("--model-version and --revenue-only go with --format dsr")
    with frame.context() as context:
        if form == "csv":
            sales = reports.import_revenue(context, Target(**target), file)
        else:
            sales = reports.import_dsr(context, Target(**target), file, model_version, revenue_only=revenue_only)
        shown = [overview.money(units, currency) for currency, units in sorted(sales.net_units.items())]
    answer: dict[str, Any] = {"net_units": {currency: str(units) for currency, units in sales.net_units.items()}}
    text = [f"net revenue: {', '.join(shown) or 'none'}"]
    if form == "dsr":
        answer |= {"usage_records": sales.usage_records, "not_taken": sales.not_taken}
        text.append(f"{sales.usage_records:,} usage records")
        text += [f"not taken: {times:,} × {what}" for what, times in sales.not_taken.items()]
    frame.show(answer, "\n".join(text))


@click.group()
def usage() -> None:
    """How often outputs were used."""


@usage.command("import")
@_for_a_period
@pass_frame
def import_usage(frame: Frame, /, file: Path, **target: Any) -> None:
    """Import usage.csv, all or nothing."""
    with frame.context() as context:
        count = reports.import_usage(context, Target(**target), file)
    frame.show({"usage_records": count}, f"{count} usage records")


@click.group()
def points() -> None:
    """What recordings were given, where a programme divides by points."""


@points.command("import")
@_for_a_period
@pass_frame
def import_points(frame: Frame, /, file: Path, **target: Any) -> None:
    """Import points.csv, all or nothing."""
    with frame.context() as context:
        count = reports.import_points(context, Target(**target), file)
    frame.show({"recordings": count}, f"points of {count} recordings")


@click.group()
def report() -> None:
    """Reports that came in: revenue, usage, points."""


@report.command("list")
@click.option("--programme", required=True)
@pass_frame
def list_reports(frame: Frame, programme: str) -> None:
    """Every report of a programme, oldest first, withdrawn ones too."""
    with frame.context() as context:
        rows = reports.list_reports(context, programme)
    text = [
        f"{row['report_sha256']}  {row['period_id']:<8} {row['kind']:<8} {row['file']}"
        + (f"  withdrawn: {row['reason']}" if row["withdrawn_at_us"] is not None else "")
        for row in rows
    ]
    frame.show(rows, "\n".join(text) or "no report")


@report.command("withdraw")
@click.argument("sha256")
@click.option("--reason", required=True)
@pass_frame
def withdraw_report(frame: Frame, sha256: str, reason: str) -> None:
    """Strike the report SHA256 out from now on; a settled period needs `ritornello correct` then."""
    with frame.context() as context:
        row = reports.withdraw(context, sha256, reason)
    frame.show({"report_sha256": sha256}, f"withdrawn: {row['file']} ({row['kind']} of {row['programme_id']} for {row['period_id']})")


@click.group("rates")
def exchange_rates() -> None:
    """Exchange rates, for programmes that convert."""


@exchange_rates.command("import")
@click.argument("file", type=FILE)
@pass_frame
def import_rates(frame: Frame, file: Path) -> None:
    """Import rates.csv, all or nothing."""
    with frame.context() as context:
        done = rates.import_rates(context, file)
    text = [f"{done.stored} rates stored, {done.known} stood already", *done.replaced]
    if done.replaced:
        text.append("periods that are settled already come to something else now: ritornello correct")
    frame.show(asdict(done), "\n".join(text))


@exchange_rates.command("list")
@pass_frame
def list_rates(frame: Frame) -> None:
    """Every rate ever stored."""
    with frame.context() as context:
        rows = rates.list_rates(context)
    text = [f"{row['day']}  1 {row['currency']} = {format_units(int(row['rate_e12']), 8)} {row['into']}  ({row['source']})" for row in rows]
    frame.show(rows, "\n".join(text) or "no rate")
