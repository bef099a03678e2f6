"""The columns of every table, in one place, and the reader that checks them: docs/formats/period-folder.md and settlement.md in code."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ritornello.domain.errors import Problem
from ritornello.formats.canonical import encode, lines
from ritornello.formats.sheet import parse_day

_UNITS = re.compile(r"-?[1-9][0-9]{0,37}|0")
_HEX = re.compile(r"[0-9a-f]{64}")
_LARGEST = 2**53 - 1
MAX_PROBLEMS = 1000  # per file; more than anybody reads

TEXT, COUNT, BIG, DAY, HASH, FLAG, WORDS = (
    "text",
    "whole number",
    "string of digits",
    "day YYYY-MM-DD",
    "64 hex digits",
    "true or false",
    "list of texts",
)
COUNTS = "object of whole numbers"


@dataclass(frozen=True, slots=True)
class Table:
    """A table's key and columns; the name of a column that may be null ends in `?` here, of one that a row may also lack (it is null then) in `??`."""

    key: tuple[str, ...]
    columns: Mapping[str, str]

    def names(self) -> list[str]:
        """The columns as rows have them."""
        return [column.rstrip("?") for column in self.columns]

    def complete(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The table's columns of a row, with null for those it may lack. Raises KeyError for others."""
        return {name.rstrip("?"): row.get(name[:-2]) if name.endswith("??") else row[name.rstrip("?")] for name in self.columns}


PERIOD_TABLES: Mapping[str, Table] = {
    "parties": Table(("party_id",), {"party_id": TEXT, "name": TEXT, "kind": TEXT, "payable": FLAG}),
    "works": Table(("work_id",), {"work_id": TEXT, "title": TEXT, "iswc?": TEXT}),
    "recordings": Table(("recording_id",), {"recording_id": TEXT, "title": TEXT, "artist": TEXT, "isrc?": TEXT, "work_id?": TEXT}),
    "claims": Table(
        ("claim_id",),
        {
            "claim_id": TEXT,
            "subject_kind": TEXT,
            "subject_id": TEXT,
            "lane": TEXT,
            "party_id": TEXT,
            "share_e8": COUNT,
            "territory": TEXT,
            "valid_from": DAY,
            "valid_to?": DAY,
            "recorded_at_us": COUNT,
            "retracted_at_us?": COUNT,
        },
    ),
    "mandates": Table(
        ("mandate_id",),
        {
            "mandate_id": TEXT,
            "party_id": TEXT,
            "representative_id": TEXT,
            "lanes": WORDS,
            "purposes": WORDS,
            "programme_id": TEXT,
            "valid_from": DAY,
            "valid_to?": DAY,
            "recorded_at_us": COUNT,
            "retracted_at_us?": COUNT,
        },
    ),
    "classes": Table(("class_sha256",), {"class_sha256": HASH, "class_id": TEXT, "text": TEXT}),
    "admissions": Table(
        ("admission_id",),
        {
            "admission_id": TEXT,
            "class_id": TEXT,
            "class_sha256": HASH,
            "programme_id": TEXT,
            "programme_sha256": HASH,
            "basis": TEXT,
            "valid_from": DAY,
            "valid_to?": DAY,
            "recorded_at_us": COUNT,
            "ended_from?": DAY,
            "ended_at_us?": COUNT,
        },
    ),
    "consents": Table(
        ("seq",),
        {
            "seq": COUNT,
            "event_id": TEXT,
            "decision": TEXT,
            "party_id": TEXT,
            "actor_id": TEXT,
            "mandate_id?": TEXT,
            "asset_id": TEXT,
            "recording_id": TEXT,
            "purpose": TEXT,
            "programme_id": TEXT,
            "terms_sha256": HASH,
            "territory": TEXT,
            "effective_from": DAY,
            "effective_to?": DAY,
            "recorded_at_us": COUNT,
            "channel": TEXT,
            "authentication": TEXT,
            "evidence_sha256?": HASH,
            "previous_sha256": HASH,
        },
    ),
    "snapshots": Table(
        ("snapshot_id",),
        {
            "snapshot_id": TEXT,
            "programme_id": TEXT,
            "programme_sha256": HASH,
            "purposes": WORDS,
            "territory": TEXT,
            "quorum": COUNTS,
            "day": DAY,
            "known_at_us": COUNT,
            "manifest_root": HASH,
            "assets": COUNT,
            "duration_ms": COUNT,
            "licence": TEXT,
        },
    ),
    "manifest": Table(
        ("snapshot_id", "asset_id"),
        {
            "snapshot_id": TEXT,
            "asset_id": TEXT,
            "recording_id": TEXT,
            "kind": TEXT,
            "file": TEXT,
            "bytes": COUNT,
            "duration_ms": COUNT,
            "dataset_split": TEXT,
            "consent_events": WORDS,
        },
    ),
    "runs": Table(
        ("model_version",),
        {
            "model_version": TEXT,
            "run_id": TEXT,
            "parents": WORDS,
            "snapshot_ids": WORDS,
            "code_sha256": HASH,
            "weights_sha256": HASH,
            "trained_on": DAY,
            "exposure_root": HASH,
        },
    ),
    "exposure": Table(("model_version", "asset_id"), {"model_version": TEXT, "asset_id": TEXT, "recording_id": TEXT, "exposure_ms": COUNT}),
    "outputs": Table(("output_id",), {"output_id": TEXT, "model_version": TEXT, "sha256": HASH, "duration_ms": COUNT, "made_on": DAY}),
    "usage": Table(
        ("usage_id",),
        {"usage_id": TEXT, "output_id": TEXT, "territory": TEXT, "uses": COUNT, "user_id?": TEXT, "report_sha256": HASH},
    ),
    "quality": Table(
        ("model_version",),
        {
            "model_version": TEXT,
            "method": TEXT,
            "method_version": TEXT,
            "outputs_with_truth": COUNT,
            "error_ppm?": COUNT,
            "error_low_ppm?": COUNT,
            "error_high_ppm?": COUNT,
            "aggregate_error_ppm?": COUNT,
            "leak_ppm": COUNT,
            "evidence_ppm??": COUNT,
            "influence_ppm??": COUNT,
            "exposure_ppm??": COUNT,
            "noise_recording_ppm??": COUNT,
            "noise_catalogue_ppm??": COUNT,
        },
    ),
    "attribution": Table(("output_id", "recording_id"), {"output_id": TEXT, "recording_id": TEXT, "weight_ppm": COUNT}),
    "revenue": Table(
        ("report_sha256", "line_id"),
        {
            "report_sha256": HASH,
            "line_id": TEXT,
            "row": COUNT,
            "product": TEXT,
            "model_version": TEXT,
            "territory": TEXT,
            "currency": TEXT,
            "net_units": BIG,
            "gross_units?": BIG,
            "quantity_e6?": BIG,
            "unit?": TEXT,
            "user_id?": TEXT,
        },
    ),
    "opening": Table(("account", "currency"), {"account": TEXT, "currency": TEXT, "balance_units": BIG}),
    "points": Table(("recording_id",), {"recording_id": TEXT, "points": COUNT, "tier": TEXT, "report_sha256": HASH}),
    "clusters": Table(("recording_id",), {"recording_id": TEXT, "cluster": TEXT}),
    "rates": Table(
        ("currency", "into"), {"currency": TEXT, "into": TEXT, "rate_e12": BIG, "day": DAY, "source": TEXT, "recorded_at_us": COUNT}
    ),
    "disputes": Table(
        ("dispute_id",), {"dispute_id": TEXT, "claim_id": TEXT, "opened_at_us": COUNT, "resolved_at_us?": COUNT, "reason": TEXT}
    ),
    "reserves": Table(
        ("party_id", "currency", "settlement_id"),
        {"party_id": TEXT, "currency": TEXT, "settlement_id": TEXT, "units": BIG, "release_on": DAY},
    ),
    "advances": Table(
        ("advance_id",),
        {
            "advance_id": TEXT,
            "party_id": TEXT,
            "group": TEXT,
            "currency": TEXT,
            "recordings": WORDS,
            "rate_ppm": COUNT,
            "granted_on": DAY,
            "open_units": BIG,
        },
    ),
    "taxes": Table(("party_id",), {"party_id": TEXT, "rate_ppm": COUNT, "authority": TEXT}),
    "previous_receipts": Table(
        ("income", "model_version", "territory", "reported_currency"),
        {
            "income": TEXT,
            "model_version": TEXT,
            "territory": TEXT,
            "reported_currency": TEXT,
            "reported_units": BIG,
            "currency": TEXT,
            "added_units": BIG,
            "units": BIG,
            "fee_units": BIG,
            "upstream_units": BIG,
        },
    ),
    "previous_pools": Table(
        ("pool",), {"pool": TEXT, "income": TEXT, "currency": TEXT, "amount_units": BIG, "denominator": BIG, "terms_version": COUNT}
    ),
    "previous_allocations": Table(
        ("pool", "payee", "recording_id"), {"pool": TEXT, "payee": TEXT, "recording_id": TEXT, "numerator": BIG, "amount_units": BIG}
    ),
}

RESULT_KEYS: Mapping[str, tuple[str, ...]] = {
    "receipts": ("income", "model_version", "territory", "reported_currency"),
    "pools": ("pool",),
    "splits": ("recording_id", "lane", "territory", "payee"),
    "allocations": ("pool", "payee", "recording_id"),
    "deltas": ("pool", "payee", "recording_id"),
    "postings": ("transfer_id", "account", "currency"),
    "balances": ("account", "currency"),
    "reserves_closing": ("party_id", "currency", "settlement_id"),
    "recoupments": ("advance_id",),
    "payouts": ("party_id", "currency"),
    "statements": ("party_id", "currency"),
    "after_tail": ("model_version", "recording_id", "party_id"),
}


def read_rows(name: str, data: bytes, table: Table, problems: list[Problem]) -> list[dict[str, Any]]:
    """The rows of a table; every row that is not canonical, not of the columns' types, or out of order adds to `problems` and is left out."""
    file = f"{name}.jsonl"
    if data and not data.endswith(b"\n"):
        problems.append(Problem(file, None, None, "breaks off in the middle of its last row", "get the whole file"))
        return []
    rows: list[dict[str, Any]] = []
    last: tuple[Any, ...] | None = None
    start = len(problems)
    for number, line in enumerate(lines(data), 1):
        if len(problems) - start >= MAX_PROBLEMS:
            problems.append(Problem(file, number, None, "and more: reading stopped here", "correct the rows above first"))
            break
        row = check_row(file, number, line, table, problems)
        if row is None:
            continue
        key = tuple(row[column] for column in table.key)
        if last is not None and key <= last:
            what = "has the same key as the row before" if key == last else "is not in ascending order of " + ", ".join(table.key)
            problems.append(Problem(file, number, table.key[0], what, "sort the rows and keep each key once"))
            continue
        last = key
        rows.append(row)
    return rows


def check_row(file: str, number: int, line: bytes, table: Table, problems: list[Problem]) -> dict[str, Any] | None:
    """One row, or None where it adds to `problems`."""
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or encode(row) != line:
            raise ValueError("it is not one canonical JSON object")
    except (ValueError, RecursionError) as error:
        problems.append(Problem(file, number, None, f"can't be read: {error}", "write it as RFC 8785 canonical JSON"))
        return None
    wanted, optional = set(table.names()), {column[:-2] for column in table.columns if column.endswith("??")}
    missing, foreign = sorted(wanted - optional - set(row)), sorted(set(row) - wanted)
    if missing or foreign:
        what = "; ".join(
            text
            for text in (f"lacks {', '.join(missing)}" if missing else "", f"has unknown {', '.join(foreign)}" if foreign else "")
            if text
        )
        problems.append(Problem(file, number, None, what, "give every row exactly the documented columns"))
        return None
    row = table.complete(row)
    wrong = [
        (column.rstrip("?"), kind)
        for column, kind in table.columns.items()
        if not _fits(row[column.rstrip("?")], kind, null=column.endswith("?"))
    ]
    for column, kind in wrong:
        problems.append(Problem(file, number, column, f"{row[column]!r} is not a {kind}", "correct the value"))
    return None if wrong else row


def _fits(value: object, kind: str, *, null: bool) -> bool:
    if value is None:
        return null
    if kind == COUNT:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST
    if kind == COUNTS:
        return isinstance(value, dict) and all(_fits(part, COUNT, null=False) for part in value.values())
    if kind == FLAG:
        return isinstance(value, bool)
    if kind == WORDS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not isinstance(value, str):
        return False
    if kind == BIG:
        return bool(_UNITS.fullmatch(value))
    if kind == HASH:
        return bool(_HEX.fullmatch(value))
    return _is_day(value) if kind == DAY else True


def _is_day(text: str) -> bool:
    try:
        parse_day(text)
    except ValueError:
        return False
    return True
