"""Checks tar shards against their manifest without trusting a byte of them: nothing is unpacked, no length is believed, every difference is named."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ritornello.domain.errors import BadInput, Problem
from ritornello.formats.canonical import encode_table, fingerprint_table, iterate_files
from ritornello.formats.dataset_folder import PAPERS
from ritornello.formats.schema import PERIOD_TABLES, read_rows
from ritornello.formats.shards import BLOCK_BYTES, END, READ_BYTES, SHARD_BYTES, Sample, header, pad, plan_shards

AGAIN = "export the snapshot again"
FOREIGN_LIMIT = 1000  # members beyond the planned ones; more than anybody reads
KINDS = {b"1": "a hard link", b"2": "a link", b"3": "a device", b"4": "a device", b"5": "a folder", b"6": "a pipe"}


def verify_shards(folder: Path, expected_root: str | None = None) -> tuple[int, list[Problem]]:
    """Check the shards of an exported dataset against its manifest and the root (from somebody you trust, or else the folder's own).

    Returns (samples that are right, problems). Since a manifest decides every byte of its shards, each flipped byte, missing, foreign, moved or repeated
    member, cut tar, link, device or path that leads out is named, with the shard in `file` and the member in `field`. Memory is bounded by the manifest.
    """
    problems: list[Problem] = []
    try:
        snapshot = json.loads((folder / "snapshot.json").read_bytes())
        manifest = (folder / "manifest.jsonl").read_bytes()
        samples = (folder / "samples.jsonl").read_bytes()
        shard_bytes = json.loads((folder / "dataset.json").read_bytes()).get("shard_bytes") or SHARD_BYTES
        root, licence = str(snapshot["manifest_root"]), str(snapshot["licence"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        what = "is not a dataset exported as shards (snapshot.json, manifest.jsonl, samples.jsonl, dataset.json)"
        return 0, [Problem(str(folder), None, None, what, "check the path")]
    if expected_root and root != expected_root:
        what = f"is {root}, not the root you gave"
        problems.append(Problem("snapshot.json", None, "manifest_root", what, "get the snapshot again from its source"))
    if fingerprint_table(manifest).hash != root:
        what = "does not have the root of snapshot.json: rows were changed, added or removed"
        problems.append(Problem("manifest.jsonl", None, None, what, AGAIN))
    rows = read_rows("manifest", manifest, PERIOD_TABLES["manifest"], problems)
    try:
        plan = plan_shards(rows, licence, int(shard_bytes))
    except (BadInput, TypeError, ValueError):
        return 0, [*problems, Problem("manifest.jsonl", None, None, "can't be the manifest of these shards", AGAIN)]
    if samples != encode_table([sample.as_row() for shard in plan for sample in shard], ("asset_id",)):
        problems.append(Problem("samples.jsonl", None, None, "does not say where the manifest's assets are", AGAIN))
    good = sum(_verify_shard(folder, shard, problems) for shard in plan)
    planned = {shard[0].shard for shard in plan}
    for path in iterate_files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in planned | PAPERS:
            problems.append(Problem(name, None, None, "is not in the manifest: nobody's consent covers it", "remove it from the dataset"))
    return good, problems


@dataclass(frozen=True, slots=True)
class _Member:
    """A header's fields as they stand there."""

    name: str
    size_bytes: int
    kind: bytes


def _verify_shard(folder: Path, samples: Sequence[Sample], problems: list[Problem]) -> int:
    file = samples[0].shard
    path = folder / file
    if path.is_symlink() or path.parent.is_symlink():
        problems.append(Problem(file, None, None, "is a link or leads out of the folder", AGAIN))
        return 0
    if not path.is_file():
        problems.append(Problem(file, None, None, f"is missing ({len(samples)} samples)", AGAIN))
        return 0
    with path.open("rb") as stream:
        return _Walk(file, stream, path.stat().st_size, samples, problems).walk()


class _Walk:
    """One walk over a shard's headers. After a damaged header it goes on where the plan has the next one."""

    def __init__(self, file: str, stream: BinaryIO, size_bytes: int, samples: Sequence[Sample], problems: list[Problem]) -> None:
        self.file, self.stream, self.size_bytes, self.problems = file, stream, size_bytes, problems
        self.expected: dict[str, tuple[int, int, str, Mapping[str, Any]]] = {}  # name → header's place, size, SHA-256, manifest row
        for sample in samples:
            size, key = sample.row["bytes"], str(sample.row["asset_id"]).removeprefix("sha256:")
            self.expected[sample.audio_name] = (sample.offset - BLOCK_BYTES, size, key, sample.row)
            digest = hashlib.sha256(sample.text).hexdigest()
            self.expected[sample.text_name] = (sample.offset + pad(size), len(sample.text), digest, sample.row)
        self.seen: set[str] = set()
        self.good: dict[str, int] = {}

    def walk(self) -> int:
        position, foreign = 0, 0
        while True:
            self.stream.seek(position)
            block = self.stream.read(BLOCK_BYTES)
            if len(block) < BLOCK_BYTES:
                self.note(None, f"is cut off at byte {self.size_bytes}")
                break
            if not any(block):
                if self.size_bytes - position != len(END) or any(self.stream.read(BLOCK_BYTES)):
                    self.note(None, f"holds something after its end at byte {position}, or is cut off there")
                break
            member = _parse(block)
            if member is None:
                planned = [(place, name) for name, (place, *_) in self.expected.items() if place >= position]
                self.note(next((name for place, name in planned if place == position), None), f"has a damaged header at byte {position}")
                self.seen.update(name for place, name in planned if place == position)
                later = [place for place, _ in planned if place > position]
                if not later:
                    break
                position = min(later)
                continue
            foreign += not self.check(member, block, position)
            if foreign > FOREIGN_LIMIT:
                self.note(None, "holds more members than its manifest has, and more: reading stopped here")
                break
            position += BLOCK_BYTES + pad(member.size_bytes)
            if position > self.size_bytes:
                self.note(member.name, f"says it is {member.size_bytes} bytes long, but the shard is cut off at byte {self.size_bytes}")
                break
        for name, (_, _, _, row) in self.expected.items():
            if name not in self.seen:
                self.note(name, f"is missing ({row['recording_id']})")
        return sum(count == 2 for count in self.good.values())

    def check(self, member: _Member, block: bytes, position: int) -> bool:
        """Whether the member is one of the planned ones; whatever is wrong with it is noted."""
        wanted = self.expected.get(member.name)
        if member.kind != b"0":
            self.note(member.name, f"is {KINDS.get(member.kind, 'no plain file')}: a shard holds plain files only")
        elif wanted is None:
            parts = member.name.split("/")
            leads_out = member.name.startswith("/") or ".." in parts or "\\" in member.name
            self.note(member.name, "leads out of the folder" if leads_out else "is not in the manifest: nobody's consent covers it")
        elif member.name in self.seen:
            self.note(member.name, "appears twice")
        else:
            self.seen.add(member.name)
            place, size_bytes, sha256, row = wanted
            if block != header(member.name, size_bytes):
                self.note(member.name, "has another header than was exported (length, owner, mode or time)")
            elif position != place:
                self.note(member.name, f"is at byte {position}, not at {place}: something was put in or taken out before it")
            elif not self.holds(size_bytes, sha256):
                self.note(member.name, f"is not what was consented to ({row['recording_id']}): its bytes have changed")
            else:
                self.good[row["asset_id"]] = self.good.get(row["asset_id"], 0) + 1
            return True
        return False

    def holds(self, size_bytes: int, sha256: str) -> bool:
        """Whether the next bytes have this hash and are followed by zeros up to the next block."""
        digest, left = hashlib.sha256(), size_bytes
        while left:
            block = self.stream.read(min(left, READ_BYTES))
            if not block:
                return False
            digest.update(block)
            left -= len(block)
        filling = self.stream.read(pad(size_bytes) - size_bytes)
        return digest.hexdigest() == sha256 and not any(filling)

    def note(self, member: str | None, what: str) -> None:
        self.problems.append(Problem(self.file, None, member, what, AGAIN))


def _parse(block: bytes) -> _Member | None:
    """A header's fields, or None where its checksum or its length can't be right."""
    try:
        stated = int(block[148:156].strip(b" \0"), 8)
        size = block[124:136].strip(b" \0")
        size_bytes = int(size, 8) if size else 0
    except ValueError:
        return None
    if stated != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]) or size_bytes < 0:
        return None
    name, prefix = (part.split(b"\0", 1)[0].decode("ascii", "backslashreplace") for part in (block[:100], block[345:500]))
    kind = block[156:157]
    return _Member(f"{prefix}/{name}" if prefix else name, size_bytes, b"0" if kind == b"\0" else kind)
