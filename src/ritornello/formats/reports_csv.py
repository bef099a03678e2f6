"""What comes in during a period: the licensee's outputs, their use, and revenue. Columns: docs/formats/spreadsheets.md."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ritornello.domain import identifiers
from ritornello.domain.money import minor_digits
from ritornello.formats.sheet import Sheet, check_unique, parse_count, parse_day, parse_relative_path, read_sheet


@dataclass(frozen=True, slots=True)
class OutputRow:
    row: int
    output_id: str
    file: str
    model_version: str
    made_on: date


@dataclass(frozen=True, slots=True)
class UsageRow:
    row: int
    usage_id: str
    output_id: str
    territory: str
    uses: int
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class RevenueRow:
    row: int
    line_id: str
    product: str
    model_version: str
    territory: str
    currency: str
    net_units: int
    gross_units: int | None = None
    quantity_e6: int | None = None
    unit: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class PointsRow:
    row: int
    recording_id: str
    points: int
    tier: str


@dataclass(frozen=True, slots=True)
class RateRow:
    row: int
    currency: str
    into: str
    day: date
    rate_e12: int
    source: str


def read_outputs(path: Path) -> tuple[list[OutputRow], Sheet]:
    sheet = read_sheet(path, ["output_id", "file", "model_version", "made_on"])
    rows, seen = [], []
    for cells in sheet.rows:
        output_id = cells.required("output_id", identifiers.parse_own)
        file = cells.required("file", parse_relative_path)
        model_version = cells.required("model_version", identifiers.parse_own)
        made_on = cells.required("made_on", parse_day)
        seen.append((cells.number, output_id))
        if output_id and file and model_version and made_on:
            if output_id == "unattributed":
                cells.problem("output_id", "'unattributed' is a reserved word", "rename the output")
            rows.append(OutputRow(cells.number, output_id, file, model_version, made_on))
    check_unique(sheet, "output_id", seen)
    return rows, sheet


def read_usage(path: Path) -> tuple[list[UsageRow], Sheet]:
    sheet = read_sheet(path, ["usage_id", "output_id", "territory", "uses"], ["user"])
    rows, seen = [], []
    for cells in sheet.rows:
        usage_id = cells.required("usage_id", identifiers.parse_own)
        output_id = cells.required("output_id", identifiers.parse_own)
        territory = cells.required("territory", identifiers.parse_territory)
        uses = cells.required("uses", parse_count)
        seen.append((cells.number, usage_id))
        if usage_id and output_id and territory and uses:
            rows.append(UsageRow(cells.number, usage_id, output_id, territory, uses, cells.text("user")))
    check_unique(sheet, "usage_id", seen)
    return rows, sheet


def read_revenue(path: Path, last_day: date) -> tuple[list[RevenueRow], Sheet]:
    """Revenue lines in ledger units; the currency must be valid on the period's last day."""
    optional = ["gross_amount", "quantity", "unit", "user"]
    sheet = read_sheet(path, ["line_id", "product", "model_version", "territory", "currency", "net_amount"], optional)
    rows, seen = [], []
    for cells in sheet.rows:
        line_id = cells.required("line_id", identifiers.parse_own)
        product = cells.required("product", str)
        model_version = cells.required("model_version", identifiers.parse_own)
        territory = cells.required("territory", identifiers.parse_territory)
        currency = cells.required("currency", lambda text: _currency(text, last_day))
        digits = minor_digits(currency, last_day) if currency else 2
        net_units = cells.decimal("net_amount", digits + 4)
        gross_units = cells.decimal("gross_amount", digits + 4) if cells.text("gross_amount") else None
        quantity_e6 = cells.decimal("quantity", 6) if cells.text("quantity") else None
        unit = cells.text("unit")
        if (quantity_e6 is None) != (unit is None):
            cells.problem("unit", "quantity and unit go together", "give both, or neither")
        seen.append((cells.number, line_id))
        if line_id and product and model_version and territory and currency and net_units is not None:
            more = (gross_units, quantity_e6, unit, cells.text("user"))
            rows.append(RevenueRow(cells.number, line_id, product, model_version, territory, currency, net_units, *more))
    check_unique(sheet, "line_id", seen)
    return rows, sheet


def _currency(text: str, day: date) -> str:
    code = text.upper()
    minor_digits(code, day)
    return code


def _code_on(day: date | None) -> Callable[[str], str]:
    return (lambda text: _currency(text, day)) if day else str.upper


def read_points(path: Path) -> tuple[list[PointsRow], Sheet]:
    """Points of recordings for a period."""
    sheet = read_sheet(path, ["recording_id", "points", "tier"])
    rows, seen = [], []
    for cells in sheet.rows:
        recording_id = cells.required("recording_id", identifiers.parse_own)
        points = cells.required("points", parse_count)
        tier = cells.required("tier", str)
        seen.append((cells.number, recording_id))
        if recording_id and points and tier:
            rows.append(PointsRow(cells.number, recording_id, points, tier))
    check_unique(sheet, "recording_id", seen)
    return rows, sheet


def read_rates(path: Path) -> tuple[list[RateRow], Sheet]:
    """Exchange rates: how much of `into` one of `currency` is."""
    sheet = read_sheet(path, ["currency", "into", "day", "rate", "source"])
    rows, seen = [], []
    for cells in sheet.rows:
        day = cells.required("day", parse_day)
        currency, into = (cells.required(column, _code_on(day)) for column in ("currency", "into"))
        rate = cells.decimal("rate", 12, large=False)
        source = cells.required("source", str)
        seen.append((cells.number, f"{currency} into {into} on {day}"))
        if rate is not None and rate <= 0:
            cells.problem("rate", "is not above 0", "correct it")
        if currency and currency == into:
            cells.problem("into", "is the same currency", "leave the row out")
        if day and currency and into and rate and source:
            rows.append(RateRow(cells.number, currency, into, day, rate, source))
    check_unique(sheet, "currency", seen)
    return rows, sheet
