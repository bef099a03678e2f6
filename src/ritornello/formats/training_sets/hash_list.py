"""A list of what somebody trains on, without the sound: SHA-256 hashes and ISRCs in the lines of a text, CSV or JSON-lines file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ritornello.formats.training_sets.item import Refusal

ENDINGS = frozenset({".csv", ".tsv", ".txt", ".jsonl"})
LINE_LIMIT = 1 << 16
_SHA256 = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])")
_ISRC = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}-?[0-9A-Za-z]{3}-?[0-9]{2}-?[0-9]{5}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Listed:
    """A line with identifiers: hashes in lower case, ISRCs without hyphens in upper case."""

    name: str
    sha256s: tuple[str, ...]
    isrcs: tuple[str, ...]


def is_list(place: Path) -> bool:
    return place.is_file() and place.suffix.lower() in ENDINGS


def read_list(path: Path) -> Iterator[Listed | Refusal]:
    """Every line that names something; one that doesn't is refused, but for the first, which may be a header, and for empty ones."""
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(LINE_LIMIT + 1):
            number += 1
            if len(line) > LINE_LIMIT:
                yield Refusal(f"{path.name}/{number}", f"is longer than {LINE_LIMIT:,} bytes: the rest of the list was not read")
                return
            text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
            hashes = tuple(dict.fromkeys(found.lower() for found in _SHA256.findall(text)))
            isrcs = tuple(dict.fromkeys(found.replace("-", "").upper() for found in _ISRC.findall(text)))
            if hashes or isrcs:
                yield Listed(f"{path.name}/{number}", hashes, isrcs)
            elif text and number > 1:
                yield Refusal(f"{path.name}/{number}", "names no SHA-256 and no ISRC")
