"""The papers of an exported dataset: what form it has and what its side files are (docs/formats/dataset.md)."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ritornello.domain.errors import Problem
from ritornello.formats.canonical import encode_document, hash_file
from ritornello.formats.croissant import File

DATASET_FORMAT = "ritornello-dataset-1"
FORMS = ("folder", "webdataset", "parquet")
BASE = frozenset({"snapshot.json", "manifest.jsonl", "LICENCE.txt"})  # in every form, older exports too
PAPERS = BASE | {"dataset.json", "croissant.json", "index.parquet", "samples.jsonl"}  # everything beside the audio
AGAIN = "export the snapshot again"


def encode_papers(snapshot: Mapping[str, Any], form: str, not_after: date, shard_bytes: int | None, files: Iterable[File]) -> bytes:
    """The bytes of dataset.json, which is written last: it lists the other side files and shards."""
    return encode_document(
        {
            "format": DATASET_FORMAT,
            "form": form,
            "snapshot_id": snapshot["snapshot_id"],
            "manifest_root": snapshot["manifest_root"],
            "not_after": not_after.isoformat(),
            "shard_bytes": shard_bytes,
            "files": [
                {"file": file.file, "bytes": file.bytes, "sha256": file.sha256} for file in sorted(files, key=lambda file: file.file)
            ],
        }
    )


def measure_file(folder: Path, file: str) -> File:
    """A file of the dataset as it lies there."""
    return File(file, (folder / file).stat().st_size, hash_file(folder / file))


def read_papers(folder: Path, problems: list[Problem]) -> dict[str, Any] | None:
    """The content of dataset.json, or None (with a problem noted) where it is none."""
    try:
        papers = json.loads((folder / "dataset.json").read_bytes())
        files = [(str(item["file"]), str(item["sha256"])) for item in papers["files"]]
        if papers["format"] != DATASET_FORMAT or papers["form"] not in FORMS or not date.fromisoformat(papers["not_after"]):
            raise ValueError("it is of another format")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        problems.append(Problem("dataset.json", None, None, "is missing, or is not the papers of a dataset", AGAIN))
        return None
    return {**papers, "files": files}


def verify_papers(folder: Path, papers: Mapping[str, Any], problems: list[Problem]) -> None:
    """Name each side file that is not as dataset.json lists it, and each link. The root pins the manifest alone: papers are as good as where they came from."""
    listed = {name: sha256 for name, sha256 in papers["files"] if name in PAPERS}
    for name, sha256 in sorted(listed.items()):
        path = folder / name
        if not path.is_file():
            problems.append(Problem(name, None, None, "is missing", AGAIN))
        elif not path.is_symlink() and hash_file(path) != sha256:
            problems.append(Problem(name, None, None, "has been changed since the export", AGAIN))
    for name in sorted(PAPERS - set(listed) - {"dataset.json"}):
        if (folder / name).is_file():
            problems.append(Problem(name, None, None, "is not listed in dataset.json", "remove it from the dataset"))
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            problems.append(Problem(str(path.relative_to(folder)), None, None, "is a link: a dataset holds plain files only", AGAIN))
