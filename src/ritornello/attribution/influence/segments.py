"""The training segments of a recording of training: which piece of which asset each one is. A table, one line a segment (docs/formats/influence.md)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ritornello.domain import merkle
from ritornello.domain.errors import BadInput, Problem

COLUMNS = ("asset_id", "duration_ms", "recording_id", "segment_id")
MOST_NAME = 200  # characters
AGAIN = "get the folder again as training wrote it"


@dataclass(frozen=True, slots=True)
class Segment:
    """What a model reads at once. `duration_ms` is its length, for exposure; `recording_id` is what its influence is added up under."""

    segment_id: str
    asset_id: str
    recording_id: str
    duration_ms: int


def write_segments(path: Path, segments: Iterable[Segment]) -> tuple[tuple[Segment, ...], str]:
    """Write the table; returns its rows in order and its root. Raises ValueError for ids that can't be written, a negative duration, two segments of
    one id, or none."""
    ordered = tuple(sorted(segments, key=lambda segment: segment.segment_id))
    lines = [_encode(segment) for segment in ordered]
    if not ordered:
        raise ValueError("a recording of training names its segments: there is none")
    for before, after in pairwise(ordered):
        if before.segment_id == after.segment_id:
            raise ValueError(f"two segments are called {after.segment_id!r}")
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return ordered, root_of(lines)


def read_segments(path: Path) -> tuple[tuple[Segment, ...], str]:
    """The rows of a table and its root. Raises BadInput with the first row that is not one of ours."""
    lines = path.read_bytes().split(b"\n")[:-1]
    rows: list[Segment] = []
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
            segment = Segment(value["segment_id"], value["asset_id"], value["recording_id"], value["duration_ms"])
            whole = _encode(segment) == line and (not rows or rows[-1].segment_id < segment.segment_id)
        except (ValueError, TypeError, KeyError, RecursionError):
            whole = False
        if not whole:
            raise BadInput([Problem(path.name, number, None, "is no row of a table of segments, or out of order", AGAIN)])
        rows.append(segment)
    return tuple(rows), root_of(lines)


def root_of(lines: Iterable[bytes]) -> str:
    """A table's hash (docs/formats/conventions.md)."""
    return merkle.root(merkle.leaf_hash(line) for line in lines).hex()


def _encode(segment: Segment) -> bytes:
    for name in (segment.segment_id, segment.asset_id, segment.recording_id):
        if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME or not name.isprintable():
            raise ValueError(f"{name!r} is no id: 1 to {MOST_NAME} printable characters")
    if not isinstance(segment.duration_ms, int) or isinstance(segment.duration_ms, bool) or not 0 <= segment.duration_ms < 2**53:
        raise ValueError(f"{segment.segment_id}: a duration is a whole number of milliseconds")
    row = {column: getattr(segment, column) for column in COLUMNS}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
