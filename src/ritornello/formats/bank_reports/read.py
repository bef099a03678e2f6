"""A bank's file, whatever its format: told apart by its first bytes and its namespace."""

from pathlib import Path

from ritornello.domain.errors import raise_if_any
from ritornello.formats.bank_reports import camt, nacha_return, pain002
from ritornello.formats.bank_reports.report import BankReport
from ritornello.formats.bank_reports.xml import MAX_BYTES, read_message


def read_bank_report(path: Path) -> tuple[BankReport, bytes]:
    """What the file says, and its bytes. Raises BadInput with every problem; then nothing of it may be used."""
    report, data = BankReport(path.name, ""), b""
    if path.stat().st_size > MAX_BYTES:
        report.problem(None, None, f"is larger than {MAX_BYTES >> 20} MiB", "ask the bank for smaller files")
    else:
        data = path.read_bytes()
        _read(report, data)
    raise_if_any(report.problems)
    return report, data


def _read(report: BankReport, data: bytes) -> None:
    if data.startswith(b"101"):
        report.kind = "nacha"
        nacha_return.read(report, data.decode("latin-1"))
        return
    message = read_message(report, data)
    if message is None:
        return
    if report.kind.startswith("pain.002"):
        pain002.read(report, message)
    elif report.kind[:8] in {"camt.053", "camt.054"}:
        camt.read(report, message)
    else:
        report.problem(None, None, f"is a {report.kind}", "bring pain.002, camt.053, camt.054 or NACHA returns")
