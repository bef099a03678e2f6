"""A DSR flat file read line by line: its contexts of sale with their totals, and what its usage lines add up to. Memory does not grow with the lines.

Quoting means nothing in these files: titles have bare quotes. Every total that the file states is compared with its lines. Profile: docs/formats/dsr.md.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from ritornello.domain.identifiers import parse_territory
from ritornello.domain.money import minor_digits, parse_decimal
from ritornello.formats.dsr.records import DESCRIPTIVE, EXTENSION, LAYOUTS, MONEY_UNIT, MS_UNIT, NAMESPACE, USES, USES_UNIT, Problems
from ritornello.formats.sheet import parse_day

MAX_LINE_BYTES = 4 * 1024 * 1024
_USAGES = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_PROFILES = ("BasicAudioProfile", "UGCProfile", "UgcProfile", "RoyaltyReportingProfile")


@dataclass(slots=True)
class Summary:
    """One context of sale: what the file says of it, and what its lines add up to."""

    row: int
    summary_id: str
    service: str
    territory: str
    use: str
    currency: str
    net_units: int  # as stated
    usages: Decimal | None  # as stated
    model_version: str | None = None
    lines: int = 0
    line_usages: Decimal = Decimal(0)
    amount_lines: int = 0
    line_units: int = 0
    unit: str = ""  # of our extension: what usages count
    lane: str = ""
    basis: str = ""
    income: str = ""
    corrects: str = ""  # the settlement whose amounts these change
    allocated_units: int = 0  # as stated
    licensor_units: int = 0


@dataclass(slots=True)
class Report:
    """What a file says. With problems it is incomplete."""

    file: str
    problems: Problems
    message_id: str = ""
    profile: str = ""
    service: str = ""
    first_day: date | None = None
    last_day: date | None = None
    sender: str = ""
    summaries: dict[str, Summary] = field(default_factory=dict)
    usages: dict[tuple[str, str], Decimal] = field(default_factory=dict)  # (summary, the sender's identifier of the resource) → usages
    counts: Counter[str] = field(default_factory=Counter)  # record type → how many
    untaken: Counter[str] = field(default_factory=Counter)  # what was read past, in words → how often


def read_dsr(path: Path, last_day: date) -> Report:
    """Read a report; currencies must be valid on `last_day`. Problems are in the report."""
    report = Report(path.name, Problems(path.name))
    if not path.is_file():
        report.problems.add(None, None, "there is no such file (or it is a folder)", "check the path")
        return report
    with path.open("rb") as stream:
        _Reader(report, last_day).read(_lines(stream, report.problems))
    return report


def _lines(stream: BinaryIO, problems: Problems) -> Iterator[tuple[int, str]]:
    """Numbered lines as text, without their ends. A line that is too long or no UTF-8 ends the reading."""
    number = 0
    while block := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1 and block[:2] in (b"\x1f\x8b", b"PK", b"\xff\xfe", b"\xfe\xff"):
            problems.add(None, None, "is compressed, or not text in UTF-8", "unpack it first; DSR files are UTF-8")
            return
        if len(block) > MAX_LINE_BYTES:
            problems.add(number, None, f"the line is longer than {MAX_LINE_BYTES >> 20} MiB", "check that this is a DSR flat file")
            return
        try:
            text = block.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            problems.add(number, None, "the line is not text in UTF-8", "ask for the file in UTF-8")
            return
        if "\x00" in text:
            problems.add(number, None, "the line has zero bytes in it", "check that this is a DSR flat file")
            return
        yield number, text.removeprefix("\ufeff") if number == 1 else text


class _Reader:
    def __init__(self, report: Report, last_day: date) -> None:
        self.report, self.last_day = report, last_day
        self.block: str | None = None
        self.resources: dict[str, str] = {}  # of the block: reference → the sender's identifier
        self.blocks = 0
        self.summary: Summary | None = None  # the one that an extension record may follow
        self.footer: tuple[int, dict[str, str]] | None = None

    def read(self, lines: Iterator[tuple[int, str]]) -> None:
        last = 0
        for number, text in lines:
            last = number
            if not text.strip() or text.startswith("#"):
                continue  # part 1, 7.6 and 7.7: empty records, and records to be ignored
            cells = text.split("\t")
            kind = cells[0].strip()
            if number == 1 and kind != "HEAD":
                self.problem(
                    number, None, f"does not begin with a HEAD record but with {kind[:20]!r}", "check that this is a DSR flat file"
                )
                return
            if self.footer:
                self.problem(number, None, "there are records after the footer", "remove them, or ask for the report again")
                return
            self._take(number, kind, cells)
            if kind == "SRFO" or (kind == "HEAD" and not self.report.message_id):
                return
        if last and not self.report.problems.kept:
            self._check(last)
        elif not last and not self.report.problems.kept:
            self.problem(None, None, "is empty", "check the file")

    def problem(self, row: int | None, column: str | None, what: str, todo: str) -> None:
        self.report.problems.add(row, column, what, todo)

    def _take(self, number: int, kind: str, cells: list[str]) -> None:
        base, report = kind[:4], self.report
        report.counts[base] += 1
        layout = LAYOUTS.get(base)
        values = dict(zip(layout, (cell.strip() for cell in cells), strict=False)) if layout else {}
        if base not in ("HEAD", "FOOT", "SY01", "SY02", "SY07", "DE01") and (base in DESCRIPTIVE or layout):
            self._enter_block(number, values.get("BlockId") or (cells[1].strip() if len(cells) > 1 else ""))
        if base == "HEAD":
            self._take_head(number, values)
        elif base in ("SY01", "SY02", "SY07"):
            self._take_summary(number, base, values)
        elif base == "DE01":
            self._take_context(number, values)
        elif base in ("AS01", "AS02"):
            if values.get("ResourceReference"):
                self.resources[values["ResourceReference"]] = values.get("DspResourceId", "")
        elif base in ("SU01", "SU02", "SU03"):
            self._take_usage(number, base, values)
        elif base == "LI01":
            self._take_licensor(number, values)
        elif base == "FOOT":
            self.footer = (number, values)
        elif base in DESCRIPTIVE:
            report.untaken[f"{base} records: they describe what was used, and count nothing"] += 1
        elif kind.startswith("DE"):
            report.untaken[f"{base} records: deal-specific, agreed with somebody else"] += 1
        elif kind == "SRFO" or kind.startswith("SR0"):
            self.problem(
                number,
                None,
                f"{kind} belongs to the single-record-block variant",
                "ask for the multi-record-block variant (docs/formats/dsr.md)",
            )
        else:
            todo = "ask for a profile of docs/formats/dsr.md: BasicAudioProfile, UGCProfile or RoyaltyReportingProfile"
            self.problem(number, None, f"{kind[:20]!r} is no record that can be read here", todo)

    def _enter_block(self, number: int, block: str) -> None:
        if not block:
            self.problem(number, "BlockId", "is empty", "ask for the report again")
        if block != self.block:
            self.block, self.resources = block, {}
            self.blocks += 1
        self.summary = None

    def _take_head(self, number: int, values: Mapping[str, str]) -> None:
        report = self.report
        if number != 1:
            self.problem(number, None, "there is a second HEAD record", "bring each file by itself")
            return
        if not values.get("MessageVersion", "").startswith("dsrf/"):
            self.problem(
                number,
                "MessageVersion",
                f"{values.get('MessageVersion', '')[:40]!r} is not a version of DSR flat files",
                "bring a DSR flat file (version 3)",
            )
        report.profile = values.get("Profile", "")
        if report.profile not in _PROFILES:
            self.problem(number, "Profile", f"{report.profile[:60]!r} can't be read here", f"ask for one of: {', '.join(_PROFILES)}")
        if values.get("NumberOfFiles", "1") != "1":
            self.problem(
                number,
                "NumberOfFiles",
                f"the report has {values['NumberOfFiles'][:10]} files",
                "ask for it in one file: totals span all of them",
            )
        report.message_id, report.service, report.sender = (
            values.get(name, "") for name in ("MessageId", "ServiceDescription", "SenderName")
        )
        if not report.message_id:
            self.problem(number, "MessageId", "is empty", "ask for the report again")
        for name, last in (("UsageStartDate", False), ("UsageEndDate", True)):
            try:
                setattr(report, "last_day" if last else "first_day", parse_iso_day(values.get(name, ""), last))
            except ValueError as error:
                self.problem(number, name, str(error), "ask for the report again")

    def _take_summary(self, number: int, base: str, values: Mapping[str, str]) -> None:
        if self.block is not None:
            self.problem(number, None, "a summary record comes after the blocks", "summaries belong before them")
        summary_id = values.get("SummaryRecordId", "")
        if not summary_id or summary_id in self.report.summaries:
            self.problem(
                number, "SummaryRecordId", f"{summary_id!r} is empty or stands twice", "each context of sale needs an identifier of its own"
            )
            return
        currency, net, allocated, territory = "", None, 0, None
        try:
            currency = values.get("Currency", "").upper()
            digits = minor_digits(currency, self.last_day) + 4
            net = self._amount(number, "NetRevenue", values.get("NetRevenue", "") or ("0" if base == "SY07" else ""), digits)
            allocated = self._amount(number, "AllocatedAmount", values.get("AllocatedAmount") or "0", digits) or 0
        except ValueError as error:
            self.problem(number, "Currency", str(error), "write an ISO 4217 code")
        try:
            territory = parse_territory(values.get("Territory", ""))
        except ValueError as error:
            self.problem(number, "Territory", str(error), "write a country (ISO 3166-1 alpha-2) or Worldwide")
        usages = self._decimal(number, "TotalUsages", values["TotalUsages"]) if values.get("TotalUsages") else None
        service = values.get("ServiceDescription") or self.report.service
        if not service:
            self.problem(number, "ServiceDescription", "is empty here and in HEAD", "name the product")
        use = values.get("UseType", "").removeprefix(f"{NAMESPACE}::")
        summary = Summary(number, summary_id, service, territory or "", use, currency, net or 0, usages, allocated_units=allocated)
        self.report.summaries[summary_id] = self.summary = summary

    def _take_context(self, number: int, values: Mapping[str, str]) -> None:
        """Our extension: which model version a context is about. A deal-specific record of others is read past."""
        if values.get("Extension") != EXTENSION:
            self.report.untaken["DE01 records: deal-specific, agreed with somebody else"] += 1
            return
        summary = self.summary
        if summary is None or values.get("SummaryRecordId") != summary.summary_id:
            self.problem(
                number, "SummaryRecordId", "the record does not follow the summary that it is about", "write DE01 right after its SY record"
            )
            return
        if values.get("Use") not in USES:
            self.problem(number, "Use", f"{values.get('Use', '')[:60]!r} is not known", f"use one of: {', '.join(USES)}")
        summary.model_version = values.get("ModelVersion") or None
        summary.use, summary.unit, summary.lane, summary.basis, summary.income, summary.corrects = (
            values.get(name, "") for name in ("Use", "Unit", "Lane", "Basis", "Income", "Corrects")
        )
        if summary.unit not in ("", USES_UNIT, MS_UNIT, MONEY_UNIT):
            self.problem(number, "Unit", f"{summary.unit[:40]!r} is not known", f"use one of: {USES_UNIT}, {MS_UNIT}, {MONEY_UNIT}")

    def _take_usage(self, number: int, base: str, values: Mapping[str, str]) -> None:
        summary = self.report.summaries.get(values.get("SummaryRecordId", ""))
        if summary is None:
            if base == "SU03" and not values.get("SummaryRecordId"):
                return  # part 8: the licensor's records that follow it name theirs
            self.problem(
                number,
                "SummaryRecordId",
                f"there is no summary record {values.get('SummaryRecordId', '')[:40]!r}",
                "ask for the report again",
            )
            return
        usages = self._decimal(number, "Usages", values.get("Usages") or ("0" if base == "SU03" else ""))
        returns = self._decimal(number, "Returns", values["Returns"]) if values.get("Returns") else Decimal(0)
        if usages is None or returns is None:
            return
        summary.lines += 1
        summary.line_usages += usages - returns
        if base == "SU03":
            digits = minor_digits(summary.currency, self.last_day) + 4 if summary.currency else 6
            units = self._amount(number, "NetRevenue", values.get("NetRevenue", ""), digits)
            summary.amount_lines += 1
            summary.line_units += units or 0
            resource = values.get("DspResourceId", "")
        else:
            reference = values.get("TransactedResource", "")
            resource = self.resources.get(reference, "") if reference else ""
            if reference and not resource:
                self.problem(number, "TransactedResource", f"the block has no resource {reference[:40]!r}", "ask for the report again")
        if resource:
            key = (summary.summary_id, resource)
            self.report.usages[key] = self.report.usages.get(key, Decimal(0)) + usages - returns
        else:
            self.report.untaken[f"{base} records about releases: their usage counts in totals only"] += 1

    def _take_licensor(self, number: int, values: Mapping[str, str]) -> None:
        summary = self.report.summaries.get(values.get("SummaryRecordId", ""))
        if summary is None or not summary.currency:
            self.problem(
                number,
                "SummaryRecordId",
                f"there is no summary record {values.get('SummaryRecordId', '')[:40]!r}",
                "ask for the report again",
            )
            return
        digits = minor_digits(summary.currency, self.last_day) + 4
        summary.licensor_units += self._amount(number, "AllocatedAmount", values.get("AllocatedAmount", ""), digits) or 0

    def _amount(self, number: int, column: str, text: str, digits: int) -> int | None:
        try:
            return parse_decimal(text, digits)
        except ValueError as error:
            self.problem(number, column, str(error), "ask for the report again")
            return None

    def _decimal(self, number: int, column: str, text: str) -> Decimal | None:
        """A number of usages; what is let in can be added up exactly."""
        if _USAGES.fullmatch(text):
            return Decimal(text)
        self.problem(
            number, column, f"{text[:40]!r} is not a number such as 12 or 12.5, with six decimals at most", "ask for the report again"
        )
        return None

    def _check(self, last: int) -> None:
        """The totals that the file states against what its lines add up to."""
        if self.footer is None:
            self.problem(last, None, "the file ends without a FOOT record", "it may be cut off: ask for it again")
            return
        number, foot = self.footer
        stated = {
            "NumberOfLinesInFile": last,
            "NumberOfLinesInReport": last,
            "NumberOfSummaryRecords": len(self.report.summaries),
            "NumberOfBlocksInFile": self.blocks,
            "NumberOfBlocksInReport": self.blocks,
        }
        for name, found in stated.items():
            if foot.get(name) and foot[name] != str(found):
                self.problem(
                    number,
                    name,
                    f"says {foot[name][:20]}, but the file has {found}",
                    "the file may be cut off or changed: ask for it again",
                )
        if not self.report.summaries:
            self.problem(last, None, "there is no summary record", "a report has at least one")
        for summary in self.report.summaries.values():
            self._check_summary(summary)

    def _check_summary(self, summary: Summary) -> None:
        if summary.lines and summary.usages is not None and summary.usages != summary.line_usages:
            what = f"says {summary.usages}, but its {summary.lines} lines total {summary.line_usages}"
            self.problem(summary.row, "TotalUsages", what, "ask the sender which is right")
        if summary.amount_lines and summary.net_units != summary.line_units:
            digits = minor_digits(summary.currency, self.last_day) + 4
            shown = [Decimal(units).scaleb(-digits) for units in (summary.net_units, summary.line_units)]
            what = f"says {shown[0]} {summary.currency}, but its {summary.amount_lines} lines total {shown[1]}"
            self.problem(summary.row, "NetRevenue", what, "ask the sender which is right")
        if self.report.counts["LI01"] and summary.allocated_units != summary.licensor_units:
            self.problem(summary.row, "AllocatedAmount", "is not what its LI01 records total", "ask the sender which is right")


def parse_iso_day(text: str, last: bool) -> date:
    """A day, or the first or last day of a month or year: `2026-10-31`, `2026-10`, `2026`."""
    if len(text) == 4:
        return parse_day(f"{text}-12-31" if last else f"{text}-01-01")
    if len(text) == 7:
        first = parse_day(f"{text}-01")
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        return date.fromordinal(following.toordinal() - 1) if last else first
    return parse_day(text)
