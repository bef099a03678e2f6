"""The evidence of an attribution batch: what is heard in each output, passage by passage. Format: docs/formats/attribution-evidence.md."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ritornello.formats.canonical import encode

FORMAT = "ritornello-attribution-evidence-1"


def encode_output(
    output_id: str, sha256: str, duration_ms: int, coverage_ppm: int, passages: Iterable[Any], unreadable: str | None
) -> bytes:
    """One output's line, canonical, without its end. `passages` are frozen records of the method."""
    rows = [asdict(one) for one in passages]
    facts = {"output_id": output_id, "sha256": sha256, "duration_ms": duration_ms, "coverage_ppm": coverage_ppm, "passages": rows}
    return encode(facts | ({"unreadable": unreadable} if unreadable else {}))


def encode_evidence(header: Mapping[str, Any], outputs: Iterable[bytes]) -> bytes:
    """The whole document: a line that says what was heard by which method in what, and one for each output, in the order given."""
    return b"".join(line + b"\n" for line in (encode({"format": FORMAT, **header}), *outputs))


def read_evidence(document: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The header and the outputs of a document. Raises ValueError for anything else."""
    header, *outputs = map(json.loads, document.splitlines())
    if header.get("format") != FORMAT:
        raise ValueError("not attribution evidence of a known format")
    return header, outputs
