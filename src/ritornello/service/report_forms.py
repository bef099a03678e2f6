"""The forms in which licensees report: our CSV, or DDEX DSR flat files. Both give the same lines, and every problem at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from ritornello.formats.dsr.reading import Report, read_dsr
from ritornello.formats.dsr.revenue import check_period, revenue_rows, usage_rows
from ritornello.formats.reports_csv import RevenueRow, UsageRow, read_revenue, read_usage
from ritornello.formats.sheet import Sheet

FORMS = ("csv", "dsr")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Form:
    """How a report is written. `notes` fills with what of it counts nothing, for people."""

    name: str = "csv"
    model_version: str | None = None  # meant where a DSR file names none
    notes: list[str] = field(default_factory=list)

    def read_revenue(self, path: Path, first_day: date, last_day: date) -> tuple[list[RevenueRow], Sheet]:
        """Lines of revenue, and the sheet that holds the report's problems."""
        if self.name == "csv":
            return read_revenue(path, last_day)
        return self._read_dsr(path, first_day, last_day, lambda report: revenue_rows(report, self.model_version))

    def read_usage(self, path: Path, first_day: date, last_day: date) -> tuple[list[UsageRow], Sheet]:
        if self.name == "csv":
            return read_usage(path)
        return self._read_dsr(path, first_day, last_day, usage_rows)

    def _read_dsr(self, path: Path, first_day: date, last_day: date, take: Callable[[Report], list[Row]]) -> tuple[list[Row], Sheet]:
        report = read_dsr(path, last_day)
        check_period(report, first_day, last_day)
        rows = take(report)
        self.notes.extend(f"{times:,} × {what}" for what, times in sorted(report.untaken.items()))
        return rows, Sheet(path.name, (), [], "\t", {}, report.problems.all())
