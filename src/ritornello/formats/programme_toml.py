"""Reading a programme from TOML: docs/formats/programme.md. All problems of a file at once."""

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ritornello.domain import identifiers
from ritornello.domain.catalogue import LANES
from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import raise_if_any
from ritornello.domain.programme import WHOLE_PPM, Programme
from ritornello.formats import programme_money as money
from ritornello.formats.toml_reader import Reader, parse_toml

FORMAT = "ritornello-programme-1"
MAX_BYTES = 1 << 20
_HASH = re.compile("[0-9a-f]{64}")
_TOP = {
    "format", "programme_id", "version", "title", "licensor", "licensee", "purposes", "licence", "valid_from", "valid_to",
    "notice_days", "tail_days", "territory", "quorum", "classes", "min_count_shown", *money.KEYS,
}  # fmt: skip


def read_programme(name: str, data: bytes) -> Programme:
    """The programme in a file's bytes; `name` is the file's name for messages. Raises BadInput with every problem."""
    table = parse_toml(name, data)
    reader = Reader(name)
    programme = _programme(reader, table, hashlib.sha256(data).hexdigest())
    raise_if_any(reader.problems)
    return programme


def _programme(reader: Reader, table: Mapping[str, Any], sha256: str) -> Programme:
    reader.unknown(table, _TOP, "")
    if table.get("format") != FORMAT:
        reader.problem("format", f"is not {FORMAT!r}", f'write format = "{FORMAT}"')
    programme_id = reader.get(table, "programme_id", str, "", "x")
    try:
        if len(identifiers.parse_own(programme_id)) > 48:
            raise ValueError("is longer than 48 characters")
    except ValueError as error:
        reader.problem("programme_id", str(error), "choose another")
    valid_from = reader.get(table, "valid_from", date, "", date(2000, 1, 1))
    valid_to = reader.get(table, "valid_to", date, "", date(2100, 1, 1))
    if valid_to < valid_from:
        reader.problem("valid_to", "is before valid_from", "correct one of the days")
    counts = {key: reader.whole(table, key, "", 0, 100_000) for key in ("version", "notice_days", "tail_days")}
    terms = money.read_money(reader, table, counts["notice_days"], valid_from)
    return Programme(
        programme_id,
        counts["version"],
        reader.get(table, "title", str, "", ""),
        reader.get(table, "licensor", str, "", ""),
        reader.get(table, "licensee", str, "", ""),
        reader.words(table, "purposes", PURPOSES),
        reader.get(table, "licence", str, "", ""),
        valid_from,
        valid_to,
        counts["notice_days"],
        counts["tail_days"],
        read_territory(reader, table.get("territory", "WW")),
        read_quorum(reader, table),
        terms.lanes,
        terms.incomes,
        terms.thresholds,
        sha256,
        terms.payout_fees,
        terms.tiers_e6,
        terms.lineage,
        terms.convert_to,
        terms.fees,
        terms.reserve,
        _classes(reader, table.get("classes", {})),
        terms.held,
        reader.whole(table, "min_count_shown", "", 0, 100_000) if "min_count_shown" in table else 0,
    )


def read_territory(reader: Reader, value: Any) -> str:
    try:
        return identifiers.parse_territory(str(value))
    except ValueError as error:
        reader.problem("territory", str(error), 'write "WW" or a country')
        return "WW"


def _classes(reader: Reader, table: Any) -> dict[str, str]:
    """Class → hash of the class document that the programme falls under."""
    if not isinstance(table, dict):
        reader.problem("classes", f"{table!r} is not a table", 'write classes = { research = "64 hex digits" }')
        return {}
    for class_id, sha256 in table.items():
        if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
            todo = "write the SHA-256 of the class document, 64 lower-case hex digits: `ritornello class list` shows it"
            reader.problem(f"classes.{class_id}", f"{str(sha256)[:80]!r} is no hash", todo)
    return {str(class_id): str(sha256) for class_id, sha256 in sorted(table.items())}


def read_quorum(reader: Reader, table: Mapping[str, Any]) -> dict[str, int]:
    """Lane → share (ppm) that must agree, from a list of lanes (everyone) or a table of rules."""
    rules = table.get("quorum")
    if not isinstance(rules, dict):
        return dict.fromkeys(sorted(reader.words(table, "quorum", LANES)), WHOLE_PPM)
    if not rules:
        reader.problem("quorum", "is empty", "name at least one lane")
    reader.unknown(rules, set(LANES), "quorum.")
    found = {}
    for lane, rule in sorted(rules.items()):
        share = (
            WHOLE_PPM if rule == "everyone" else rule.get("share_ppm") if isinstance(rule, dict) and set(rule) == {"share_ppm"} else None
        )
        if not isinstance(share, int) or isinstance(share, bool) or not 0 < share <= WHOLE_PPM:
            reader.problem(f"quorum.{lane}", f"{rule!r} is no rule", 'write "everyone" or { share_ppm = 666_667 }')
            continue
        found[lane] = share
    return found
