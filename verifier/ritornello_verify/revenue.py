"""Step 5 of bundle.md: each report file has the hash that its rows name."""

from ritornello_verify.bundle import REPORT_FORM, Bundle
from ritornello_verify.reading import identify
from ritornello_verify.report import Report, Step
from ritornello_verify.tables import TABLES

REPORTED = ("period/revenue.jsonl", "period/usage.jsonl", "period/points.jsonl")
"""Tables whose rows name the report they came in."""


def check_reports(bundle: Bundle, step: Step, report: Report) -> None:
    reports = {match[1]: path for path in bundle.entries if (match := REPORT_FORM.fullmatch(path))}
    for name, path in reports.items():
        step.count("reports checked")
        if path in bundle.hashes and bundle.hashes[path] != name:
            step.fail(path, f"SHA-256 is {bundle.hashes[path]}, its name says otherwise")
    named: set[str] = set()
    for table in REPORTED:
        for row in bundle.read_rows(table):
            step.count("reported lines looked up")
            named.add(row.values["report_sha256"])
            if row.values["report_sha256"] not in reports:
                step.fail(table, "report_sha256 names a report that is not in reports/", row.number, identify(row.values, TABLES[table]))
    unnamed = len(reports.keys() - named)
    if unnamed:
        report.notes.append(f"{unnamed} reports have no line in {' or '.join(REPORTED)}")
