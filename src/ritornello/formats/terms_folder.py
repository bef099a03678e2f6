"""The terms that rows of a period folder name by hash, besides programme.toml: docs/formats/period-folder.md, `terms/`."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ritornello.domain.consent import CLASS
from ritornello.domain.errors import BadInput, Problem
from ritornello.domain.programme import Programme
from ritornello.formats.programme_toml import MAX_BYTES, read_programme

TERMS = "terms"
Rows = list[dict[str, Any]]


def list_named(tables: Mapping[str, Rows]) -> set[str]:
    """The hash of every programme file that a snapshot was frozen under or a decision was made under."""
    decided = {row["terms_sha256"] for row in tables["consents"] if not row["programme_id"].startswith(CLASS)}
    return {row["programme_sha256"] for row in tables["snapshots"]} | decided


def list_followed(run: Mapping[str, Any], tables: Mapping[str, Rows]) -> set[str]:
    """The hashes of the terms that a run's snapshots were frozen under: those that its model version's money follows."""
    return {row["programme_sha256"] for row in tables["snapshots"] if row["snapshot_id"] in run["snapshot_ids"]}


def path_of(sha256: str) -> str:
    return f"{TERMS}/{sha256}.toml"


def load_terms(folder: Path, problems: list[Problem]) -> dict[str, bytes]:
    """Path → bytes of the files under `terms/` of a folder; too large ones are problems."""
    paths = sorted((folder / TERMS).iterdir()) if (folder / TERMS).is_dir() else []
    for path in (path for path in paths if not path.is_file() or path.stat().st_size > MAX_BYTES):
        problems.append(Problem(f"{TERMS}/{path.name}", None, None, "is no file, or larger than 1 MiB", "restore the original"))
    return {f"{TERMS}/{path.name}": path.read_bytes() for path in paths if path.is_file() and path.stat().st_size <= MAX_BYTES}


def check_terms(
    files: Mapping[str, bytes], programme: Programme, tables: Mapping[str, Rows], problems: list[Problem]
) -> Mapping[str, Programme]:
    """The terms by hash. Files under `terms/` that are missing, foreign, changed or not what the rows say are problems."""
    wanted = {path_of(sha256): sha256 for sha256 in list_named(tables) - {programme.sha256}}
    terms = {programme.sha256: programme}
    for path, sha256 in sorted(wanted.items()):
        if path not in files:
            what = "is missing: a snapshot or consent of this folder was made under these terms"
            problems.append(Problem(path, None, None, what, "add the programme's file as it was registered then"))
        elif hashlib.sha256(files[path]).hexdigest() != sha256:
            what = "does not have the hash that it is named by: it was changed"
            problems.append(Problem(path, None, None, what, "restore the original"))
        else:
            try:
                terms[sha256] = read_programme(path, files[path])
            except BadInput as error:
                problems += error.problems
    for path in sorted(path for path in files if path.startswith(f"{TERMS}/") and path not in wanted):
        problems.append(Problem(path, None, None, "is named by no snapshot and no consent", "take it out of the folder"))
    problems += [*_compare(terms, tables), *_compare_classes(tables), *_compare_followed(terms, programme, tables)]
    return terms


def _compare(terms: Mapping[str, Programme], tables: Mapping[str, Rows]) -> Iterator[Problem]:
    """Rows against the terms that they name. A snapshot repeats what decides it."""
    for number, row in enumerate(tables["snapshots"], 1):
        programme = terms.get(row["programme_sha256"])
        if programme is None:
            continue
        said = {
            "programme_id": programme.programme_id,
            "purposes": list(programme.purposes),
            "territory": programme.territory,
            "quorum": dict(programme.quorum),
            "licence": programme.licence,
        }
        for column, value in said.items():
            if row[column] != value:
                yield Problem("snapshots.jsonl", number, column, f"is {row[column]!r}, its terms say {value!r}", "correct the row")
        if not programme.valid_from.isoformat() <= row["day"] <= programme.valid_to.isoformat():
            what = f"is {row['day']}, its terms are in force from {programme.valid_from} to {programme.valid_to}"
            yield Problem("snapshots.jsonl", number, "day", what, "correct the row")
    for number, row in enumerate(tables["consents"], 1):
        programme = terms.get(row["terms_sha256"])
        if programme is not None and programme.programme_id != row["programme_id"]:
            what = f"is {row['programme_id']!r}, its terms are of {programme.programme_id!r}"
            yield Problem("consents.jsonl", number, "programme_id", what, "correct the row")


def _compare_followed(terms: Mapping[str, Programme], own: Programme, tables: Mapping[str, Rows]) -> Iterator[Problem]:
    """Money follows one version of one programme for each model version, and a version is told by its number."""
    versions = {own.version: own.sha256}
    for number, row in enumerate(tables["runs"], 1):
        followed = sorted(list_followed(row, tables))
        if len(followed) > 1:
            todo = "train on snapshots of one version at a time, the later run with the earlier as its parent"
            yield Problem("runs.jsonl", number, "snapshot_ids", "were frozen under several versions of the terms", todo)
        for programme in (terms[sha256] for sha256 in followed if sha256 in terms):
            if programme.programme_id != own.programme_id:
                what = f"are of {programme.programme_id}, not of {own.programme_id}"
                yield Problem("runs.jsonl", number, "snapshot_ids", what, "settle each programme by itself")
            elif versions.setdefault(programme.version, programme.sha256) != programme.sha256:
                what = (
                    f"were frozen under other terms with the version {programme.version} than those of another model or of programme.toml"
                )
                yield Problem("runs.jsonl", number, "snapshot_ids", what, "give each terms a version of their own")


def _compare_classes(tables: Mapping[str, Rows]) -> Iterator[Problem]:
    """Class documents against their hashes, and the decisions about classes against their documents."""
    known = {}
    for number, row in enumerate(tables["classes"], 1):
        known[row["class_sha256"]] = CLASS + row["class_id"]
        if hashlib.sha256(row["text"].encode()).hexdigest() != row["class_sha256"]:
            yield Problem("classes.jsonl", number, "text", "does not have the hash of its row: it was changed", "restore the original")
    for number, row in enumerate(tables["consents"], 1):
        if row["programme_id"].startswith(CLASS) and known.get(row["terms_sha256"]) != row["programme_id"]:
            what = f"no document of {row['programme_id']} with the hash that it names is in classes.jsonl"
            yield Problem("consents.jsonl", number, "terms_sha256", what, "add the class document")
