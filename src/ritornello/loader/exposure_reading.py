"""Reads exposure logs back: what a crash cut off is dropped and told, what somebody changed is refused."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ritornello.domain.errors import BadInput, Problem
from ritornello.loader.exposure import LOG_FORMAT, START, SUFFIX

LINE_BYTES = 1 << 12  # longer than any line of ours
WITNESS = "only what was recorded while reading can be reported: keep the log as it was written"
READING = {"asset", "epoch", "frames", "rate_hz"}

Frames = Mapping[tuple[int, int, int], int]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One log. `frames` maps (epoch, asset's number, rate in Hz) to the frames that were read; `sealed` is False after a crash,
    or when the end was cut off; `dropped_bytes` is the half line that a crash left; `head` is the last chain value in hex."""

    file: str
    snapshot_id: str | None  # None: the process died before the first line was whole, and had read nothing
    manifest_root: str | None
    frames: Frames
    sealed: bool
    dropped_bytes: int
    head: str

    def milliseconds(self) -> dict[tuple[int, int], int]:
        """(epoch, asset's number) → milliseconds, rounded down once per rate."""
        totals: Counter[tuple[int, int]] = Counter()
        for (epoch, number, rate_hz), frames in self.frames.items():
            totals[epoch, number] += frames * 1000 // rate_hz
        return dict(totals)


def read_logs(folder: Path) -> list[Recorded]:
    """Every log of a folder, by name. Raises BadInput with all that is wrong with any of them, or when there is none."""
    found: list[Recorded] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found.append(read_log(path))
        except BadInput as error:
            problems += error.problems
    if not found and not problems:
        problems.append(Problem(str(folder), None, None, f"holds no exposure log (*{SUFFIX})", "name the folder that training logged to"))
    if problems:
        raise BadInput(problems)
    return found


def read_log(path: Path, expected_head: str | None = None) -> Recorded:
    """Read one log, in memory that doesn't grow with its length. Raises BadInput where a line was changed, put in, taken out or moved.

    A last line without its line end is what a crash leaves, and is dropped. The chain has no key: whoever rewrites the log
    from some line on, or cuts whole lines off its end, is found out by `expected_head` alone (what `ExposureLog.close` returned).
    """
    chain, frames, header, end, count = START, Counter[tuple[int, int, int]](), None, None, 0
    with path.open("rb") as stream:
        for row in range(1, 1 << 62):
            start = stream.tell()
            line = stream.readline(LINE_BYTES)
            if not line.endswith(b"\n"):
                dropped = _measure_tail(path, stream, row, start)
                break
            stated, _, body = line[:-1].partition(b" ")
            chain = hashlib.sha256(chain + body).digest()
            value = _parse(body) if stated == chain.hex().encode() else None
            if value is None or end is not None:
                what = "does not follow from the lines before it: the log was changed" if end is None else "comes after the end of the log"
                raise BadInput([Problem(path.name, row, None, what, WITNESS)])
            if row == 1:
                header = _check_header(path, value)
            elif set(value) == {"end"} and value["end"] == count:
                end = count
            elif set(value) == READING and all(isinstance(part, int) and part >= 0 for part in value.values()) and value["rate_hz"]:
                frames[value["epoch"], value["asset"], value["rate_hz"]] += value["frames"]
                count += 1
            else:
                raise BadInput([Problem(path.name, row, None, "is neither a reading nor the end of the log", WITNESS)])
    if expected_head is not None and chain.hex() != expected_head:
        raise BadInput([Problem(path.name, None, None, f"ends in {chain.hex()}, not in the head you gave", WITNESS)])
    return Recorded(
        path.name,
        header["snapshot_id"] if header else None,
        header["manifest_root"] if header else None,
        dict(frames),
        end is not None,
        dropped,
        chain.hex(),
    )


def _measure_tail(path: Path, stream: BinaryIO, row: int, start: int) -> int:
    """The bytes from `start` to the end, in which no further line may end."""
    while block := stream.read(1 << 20):
        if b"\n" in block:
            raise BadInput([Problem(path.name, row, None, "is no line of an exposure log", WITNESS)])
    return stream.tell() - start


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _check_header(path: Path, value: dict[str, Any]) -> dict[str, str]:
    if value.get("format") != LOG_FORMAT or not all(
        isinstance(value.get(name), str) for name in ("snapshot_id", "manifest_root", "writer")
    ):
        raise BadInput([Problem(path.name, 1, "format", f"is not {LOG_FORMAT!r}", "name the folder that training logged to")])
    return value
