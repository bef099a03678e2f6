"""What comes in during a period: the licensee's outputs, their use, and revenue. Columns: docs/formats/spreadsheets.md."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ritornello.domain import identifiers
from ritornello.domain.money import minor_digits
from ritornello.formats.sheet import Cells, Sheet, check_unique, parse_count, parse_day, parse_relative_path, read_sheet


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


@dataclass(frozen=True, slots=True)
class RevenueRow:
    row: int
    line_id: str
    product: str
    model_version: str
    territory: str
    currency: str
    net_units: int


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
    sheet = read_sheet(path, ["usage_id", "output_id", "territory", "uses"])
    rows, seen = [], []
    for cells in sheet.rows:
        usage_id = cells.required("usage_id", identifiers.parse_own)
        output_id = cells.required("output_id", identifiers.parse_own)
        territory = cells.required("territory", identifiers.parse_territory)
        uses = cells.required("uses", parse_count)
        seen.append((cells.number, usage_id))
        if usage_id and output_id and territory and uses:
            rows.append(UsageRow(cells.number, usage_id, output_id, territory, uses))
    check_unique(sheet, "usage_id", seen)
    return rows, sheet


def read_revenue(path: Path, last_day: date) -> tuple[list[RevenueRow], Sheet]:
    """Revenue lines in ledger units; the currency must be valid on the period's last day."""
    sheet = read_sheet(path, ["line_id", "product", "model_version", "territory", "currency", "net_amount"])
    rows, seen = [], []
    for cells in sheet.rows:
        line_id = cells.required("line_id", identifiers.parse_own)
        product = cells.required("product", str)
        model_version = cells.required("model_version", identifiers.parse_own)
        territory = cells.required("territory", identifiers.parse_territory)
        currency = cells.required("currency", lambda text: _currency(text, last_day))
        net_units = _amount(cells, currency, last_day)
        seen.append((cells.number, line_id))
        if line_id and product and model_version and territory and currency and net_units is not None:
            rows.append(RevenueRow(cells.number, line_id, product, model_version, territory, currency, net_units))
    check_unique(sheet, "line_id", seen)
    return rows, sheet


def _currency(text: str, day: date) -> str:
    code = text.upper()
    minor_digits(code, day)
    return code


def _amount(cells: Cells, currency: str | None, day: date) -> int | None:
    digits = minor_digits(currency, day) if currency else 2
    return cells.decimal("net_amount", digits + 4)
