"""The training-and-data-mining assertion of CAWG (1.1) and its older form in C2PA (1.4): JSON, about the asset whose manifest carries it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ritornello.domain.consent import PURPOSES
from ritornello.domain.preference import (
    ALLOWED,
    CONSTRAINED,
    NO,
    NOT_ALLOWED,
    SILENT,
    UNKNOWN,
    YES,
    Preference,
    Statement,
    Subject,
    constrain,
)
from ritornello.formats.canonical import encode_document
from ritornello.formats.preferences.codec import Codec
from ritornello.formats.preferences.conditions import read_conditions, write_conditions
from ritornello.formats.preferences.source import Source

SHARED = ("ai_training", "ai_generative_training", "ai_inference", "data_mining")
OURS = "org.ritornello."  # entries of our own: a custom label, as both specifications allow
INFO = ("constraint_info", "constraints_info")  # the CDDL's name, which we write, and the prose's


def _codec(prefix: str, title: str) -> Codec:
    label = f"{prefix}.training-mining"
    keys = {purpose: f"{prefix}.{purpose}" if purpose in SHARED else OURS + purpose for purpose in PURPOSES}

    def encode(preferences: Sequence[Preference]) -> bytes:
        (preference,) = preferences
        entries = {keys[purpose]: _entry(preference.says(purpose)) for purpose in PURPOSES if preference.says(purpose).use != SILENT}
        return encode_document({"label": label, "data": {"entries": entries}})

    def decode(source: Source) -> list[Preference]:
        found = source.json()
        if source.problems:
            return []
        data = found.get("data", found) if isinstance(found, dict) else None
        if isinstance(found, dict) and found.get("label", label) != label:
            source.problem("label", f"is {str(found['label'])[:60]!r}, not {label!r}", f"read it as what it is; this is {title}")
        entries = data.get("entries") if isinstance(data, dict) else None
        if not isinstance(entries, dict):
            source.problem("data.entries", "is missing, or no object", "write one entry for each use")
            return []
        purposes = {key: purpose for purpose, key in keys.items()}
        statements = {}
        for key, entry in entries.items():
            if key in purposes:
                statements[purposes[key]] = _read_entry(source, key, entry)
            else:
                source.foreign(f"the entry {key[:80]!r} is not one of ours and is not kept")
        return [Preference(Subject(), statements)]

    return Codec(label.split(".")[0], title, (), encode, decode, lambda preference: {})


def _entry(statement: Statement) -> dict[str, str]:
    conditions = write_conditions(statement.constraint) if statement.constraint else None
    return {"use": statement.use, **({INFO[0]: conditions} if conditions else {})}


def _read_entry(source: Source, key: str, entry: Any) -> Statement:
    use = entry.get("use") if isinstance(entry, Mapping) else None
    if use not in (ALLOWED, NOT_ALLOWED, CONSTRAINED):
        source.problem(f"{key[:60]}.use", f"{str(use)[:60]!r} is not known", f"use one of: {ALLOWED}, {NOT_ALLOWED}, {CONSTRAINED}")
        return NO
    told = [name for name in INFO if entry.get(name) not in (None, "")]
    if use == CONSTRAINED:
        constraint = read_conditions(entry[told[0]]) if len(told) == 1 and isinstance(entry[told[0]], str) else None
        if constraint is None and told:
            source.foreign(f"{key} is constrained by a text that only people can read: {str(entry[told[0]])[:200]!r}")
        return constrain(constraint) if constraint else UNKNOWN
    if use == ALLOWED and told:
        source.foreign(f"{key} is allowed and yet has conditions: it is read as constrained by something unknown")
        return UNKNOWN
    return YES if use == ALLOWED else NO


CAWG = _codec("cawg", "CAWG Training and Data Mining Assertion 1.1")
C2PA = _codec("c2pa", "C2PA Technical Specification 1.4, training and data mining assertion")
