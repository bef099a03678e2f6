"""What an audit found out about a method of attribution: how far its scores may divide money, and how wrong it is then (docs/formats/attribution-audit.md)."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ritornello.domain.errors import BadInput, Problem, raise_if_any

FORMAT = "ritornello-attribution-audit-1"
MAX_BYTES = 1 << 20
MAX_TEXT = 4_000
WHOLE_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Fit:
    """`a_ppm`, fitted on `outputs` outputs, with its 95 % interval."""

    outputs: int
    a_ppm: int
    a_low_ppm: int
    a_high_ppm: int


@dataclass(frozen=True, slots=True)
class Report:
    """How wrong shares with that a are, on `outputs` other outputs. Distances are total variation distances in ppm; None where it was not measured.

    `error` is that of one output from the truth, with its 95 % interval; `aggregate_error` that of all outputs together. `noise_recording` and `noise_catalogue`:
    how far the money of `noise_outputs` outputs moves between two trainings that differ by their seed alone, by recording and by catalogue.
    """

    outputs: int
    error_ppm: int
    error_low_ppm: int
    error_high_ppm: int
    aggregate_error_ppm: int
    noise_outputs: int | None
    noise_recording_ppm: int | None
    noise_catalogue_ppm: int | None


@dataclass(frozen=True, slots=True)
class Audit:
    """`truth` says what the shares were compared with and `world` on which model and music, in words for whoever reads a statement."""

    method: str
    method_version: str
    truth: str
    world: str
    fit: Fit
    report: Report


def write_audit(audit: Audit) -> dict[str, Any]:
    """The document (canonical JSON makes its bytes)."""
    parts = {
        name: {field.name: getattr(part, field.name) for field in fields(part)}
        for name, part in (("fit", audit.fit), ("report", audit.report))
    }
    return {"format": FORMAT, **{name: getattr(audit, name) for name in _TEXTS}, **parts}


def read_audit(path: Path) -> Audit:
    """The audit in a file. Raises BadInput with every problem."""
    data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    reader = _Reader(path.name)
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadInput(
            [Problem(path.name, None, "format", f"is no JSON document of the format {FORMAT!r}", "give the audit that the benchmark wrote")]
        )
    reader.only(document, {"format", *_TEXTS, "fit", "report"}, "")
    texts = {name: reader.text(document, name) for name in _TEXTS}
    fit = reader.numbers(document.get("fit"), "fit", optional=frozenset())
    report = reader.numbers(
        document.get("report"), "report", optional=frozenset({"noise_outputs", "noise_recording_ppm", "noise_catalogue_ppm"})
    )
    raise_if_any(reader.problems)
    audit = Audit(**texts, fit=Fit(**fit), report=Report(**report))
    reader.in_order("fit", audit.fit.a_low_ppm, audit.fit.a_ppm, audit.fit.a_high_ppm)
    reader.in_order("report", audit.report.error_low_ppm, audit.report.error_ppm, audit.report.error_high_ppm)
    raise_if_any(reader.problems)
    return audit


_TEXTS = ("method", "method_version", "truth", "world")
_NUMBERS = {"fit": tuple(field.name for field in fields(Fit)), "report": tuple(field.name for field in fields(Report))}


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def problem(self, field: str, what: str, advice: str) -> None:
        self.problems.append(Problem(self.file, None, field, what, advice))

    def only(self, found: dict[str, Any], known: set[str], prefix: str) -> None:
        for name in sorted(found.keys() - known):
            self.problem(prefix + name[:100], "is unknown", "remove it")

    def text(self, found: dict[str, Any], name: str) -> str:
        value = found.get(name)
        if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
            self.problem(name, "is no text, or too long", f"say it in words, at most {MAX_TEXT:,} characters")
            return ""
        return value

    def numbers(self, found: Any, part: str, *, optional: frozenset[str]) -> dict[str, Any]:
        if not isinstance(found, dict):
            self.problem(part, "is missing or no object", "see docs/formats/attribution-audit.md")
            return {}
        self.only(found, set(_NUMBERS[part]), part + ".")
        values = {}
        for name in _NUMBERS[part]:
            value = values[name] = found.get(name)
            if value is None and name in optional:
                continue
            least, most = (1, 10**12) if name.endswith("outputs") else (0, WHOLE_PPM)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                self.problem(f"{part}.{name}", f"is no whole number from {least:,} to {most:,}", "correct it")
        return values

    def in_order(self, part: str, low: int, value: int, high: int) -> None:
        if not low <= value <= high:
            self.problem(part, "has a figure outside its interval", "correct it")
