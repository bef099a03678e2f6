"""A recording of training, read back: its segments, checkpoints, rates and parent, each checked before it is used (docs/formats/influence.md)."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ritornello.attribution.influence.segments import AGAIN, Segment, read_segments
from ritornello.domain.errors import BadInput, Problem, Refused

FORMAT = "ritornello-influence-recording-1"
DOCUMENT, SEGMENTS, RATES, EXPOSURE, CHECKPOINTS = "recording.json", "segments.jsonl", "rates.i64", "exposure", "checkpoints"
MOST_DOCUMENT = 1 << 22  # bytes
E12 = 10**12


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The model after `step` steps. `rate_e12` is the learning rate of that step and `rate_sum_e12` the sum of those since the checkpoint before,
    both in 10⁻¹²."""

    step: int
    rate_e12: int
    rate_sum_e12: int
    sha256: str

    @property
    def file(self) -> str:
        return checkpoint_file(self.step)


def checkpoint_file(step: int) -> str:
    """Where in the folder the weights after `step` steps lie."""
    return f"{CHECKPOINTS}/{step:09d}.safetensors"


@dataclass(frozen=True, slots=True)
class Recording:
    """One run of training. `segments_root` is also the `manifest_root` of its exposure logs, whose numbers are rows of `segments`.

    `parent_sha256` is the hash of the `recording.json` of the run whose model this one was made from, or None. `complete` is False for a run that was
    interrupted.
    """

    folder: Path
    sha256: str
    model_version: str
    segments: tuple[Segment, ...]
    segments_root: str
    checkpoints: tuple[Checkpoint, ...]
    parent_sha256: str | None
    complete: bool

    @property
    def recording_ids(self) -> tuple[str, ...]:
        return tuple(sorted({segment.recording_id for segment in self.segments}))


def open_recording(folder: Path, *, unfinished: bool = False) -> Recording:
    """Read a recording. Raises BadInput where it isn't one or was changed, Refused (`not_complete`) where training was interrupted, unless
    `unfinished` are asked for."""
    document, sha256 = read_document(folder / DOCUMENT)
    try:
        recording = _parse(folder, document, sha256)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput([Problem(DOCUMENT, None, None, f"is no description of a recording of training ({error})", AGAIN)]) from None
    segments, root = read_segments(folder / SEGMENTS)
    if root != recording.segments_root:
        raise BadInput([Problem(SEGMENTS, None, None, f"has the root {root}, not the one in {DOCUMENT}: rows were changed", AGAIN)])
    if not recording.complete and not unfinished:
        raise Refused("not_complete", f"the training recorded in {folder} was interrupted", "go on with it: record(…, resume_at=STEP)")
    return Recording(
        folder, sha256, recording.model_version, segments, root, recording.checkpoints, recording.parent_sha256, recording.complete
    )


def read_document(path: Path) -> tuple[dict[str, Any], str]:
    """A JSON document of at most 4 MiB and its SHA-256. Raises BadInput where there is none."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_DOCUMENT + 1)
    except OSError:
        raise BadInput(
            [Problem(path.name, None, None, f"is not in {path.parent}", "name a folder that training was recorded into")]
        ) from None
    try:
        value = json.loads(data) if len(data) <= MOST_DOCUMENT else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadInput([Problem(path.name, None, None, "is no JSON object of at most 4 MiB", AGAIN)])
    return value, hashlib.sha256(data).hexdigest()


def encode_document(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _parse(folder: Path, value: dict[str, Any], sha256: str) -> Recording:
    if value["format"] != FORMAT:
        raise ValueError(f"the format is not {FORMAT}")
    checkpoints = tuple(
        Checkpoint(_count(row["step"]), _count(row["rate_e12"]), _count(row["rate_sum_e12"]), _digest(row["sha256"]))
        for row in value["checkpoints"]
    )
    if [checkpoint.step for checkpoint in checkpoints] != sorted({checkpoint.step for checkpoint in checkpoints}):
        raise ValueError("checkpoints are not in the order of their steps")
    parent = None if value["parent_sha256"] is None else _digest(value["parent_sha256"])
    if not isinstance(value["model_version"], str) or not isinstance(value["complete"], bool):
        raise TypeError("model_version is a text, complete true or false")
    return Recording(folder, sha256, value["model_version"], (), _digest(value["segments_root"]), checkpoints, parent, value["complete"])


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError(f"{value!r} is no SHA-256")
    return value
