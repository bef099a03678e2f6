"""Frozen datasets: who is in is decided once, written down, and proved by a root; the files go out as a folder that anyone can verify."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from ritornello.domain.consent import Answer
from ritornello.domain.errors import Problem, Refused, raise_if_any
from ritornello.formats.canonical import (
    build_folder,
    encode_document,
    encode_table,
    fingerprint_table,
    hash_file,
    iterate_files,
    lines,
    write_atomically,
)
from ritornello.formats.schema import PERIOD_TABLES, read_rows
from ritornello.service import consent, membership, programmes
from ritornello.service.context import Context
from ritornello.store import catalogue, schema

SNAPSHOT_FORMAT = "ritornello-snapshot-1"
DATASET_FILES = {"snapshot.json", "manifest.jsonl", "LICENCE.txt"}


@dataclass(frozen=True, slots=True)
class Frozen:
    """A new snapshot, and who stayed outside for which reasons."""

    snapshot_id: str
    manifest_root: str
    assets: int
    recordings: int
    duration_ms: int
    refused: tuple[Answer, ...]


def freeze(context: Context, programme_id: str, day: date | None = None) -> Frozen:
    """Freeze what the programme may train on. Raises Refused when nothing may be used or the programme is not in force."""
    programme, _ = programmes.find(context, programme_id)
    day, now = day or context.today(), context.now_us()
    if not programme.valid_from <= day <= programme.valid_to:
        what = f"{programme_id} is in force from {programme.valid_from} to {programme.valid_to}, not on {day}"
        raise Refused("not_in_force", what, "register a version that is, or choose another day")
    answers = consent.check(context, programme_id, day=day, known_at_us=now)
    allowed = {answer.asset_id: answer for answer in answers if answer.allowed}
    refused = tuple(answer for answer in answers if not answer.allowed)
    if not allowed:
        raise Refused("empty_snapshot", "no asset reaches quorum", "see `ritornello consent check` for who is missing")
    snapshot_id = f"{programme_id}-s{_count(context, programme_id) + 1}"
    assets = [asset for asset in catalogue.read_assets(context.connection).values() if asset.asset_id in allowed]
    rows = [
        {
            "snapshot_id": snapshot_id,
            "asset_id": asset.asset_id,
            "recording_id": asset.recording_id,
            "kind": asset.kind,
            "file": f"audio/{asset.recording_id}-{asset.kind}-{asset.asset_id[7:19]}{Path(asset.file).suffix.lower()}",
            "bytes": asset.bytes,
            "duration_ms": asset.duration_ms,
            "dataset_split": "train",
            "consent_events": list(allowed[asset.asset_id].consent_events),
        }
        for asset in assets
    ]
    manifest = encode_table(rows, ("snapshot_id", "asset_id"))
    refusals = encode_table([_refusal(answer) for answer in refused], ("asset_id",))
    root, duration_ms = fingerprint_table(manifest).hash, sum(asset.duration_ms for asset in assets)
    context.connection.execute(
        insert(schema.snapshot).values(
            snapshot_id=snapshot_id,
            programme_id=programme_id,
            programme_sha256=programme.sha256,
            purposes=" ".join(programme.purposes),
            territory=programme.territory,
            quorum=json.dumps(dict(programme.quorum), sort_keys=True),
            day=day.isoformat(),
            known_at_us=now,
            manifest_root=root,
            manifest_sha256=context.files.put(manifest),
            refusals_sha256=context.files.put(refusals),
            assets=len(rows),
            duration_ms=duration_ms,
            licence=programme.licence,
        )
    )
    context.record("snapshot", snapshot_id, root)
    membership.commit(context, snapshot_id, manifest)
    return Frozen(snapshot_id, root, len(rows), len({asset.recording_id for asset in assets}), duration_ms, refused)


def find_row(context: Context, snapshot_id: str) -> dict[str, Any]:
    """The snapshot as a row of snapshots.jsonl. Raises Refused when there is none."""
    row = context.connection.execute(select(schema.snapshot).where(schema.snapshot.c.snapshot_id == snapshot_id)).first()
    if row is None:
        raise Refused("unknown_snapshot", f"there is no snapshot {snapshot_id!r}", "freeze one: ritornello snapshot freeze")
    wanted = PERIOD_TABLES["snapshots"].names()
    return {
        **{name: value for name, value in row._mapping.items() if name in wanted},
        "purposes": row.purposes.split(" "),
        "quorum": json.loads(row.quorum),
    }


def read_manifest(context: Context, snapshot_id: str) -> list[dict[str, Any]]:
    """The manifest's rows, read back and checked against the root."""
    row = context.connection.execute(select(schema.snapshot).where(schema.snapshot.c.snapshot_id == snapshot_id)).one()
    data = context.files.get(row.manifest_sha256)
    assert fingerprint_table(data).hash == row.manifest_root
    return [json.loads(line) for line in lines(data)]


def find_with(context: Context, recording_id: str) -> list[dict[str, Any]]:
    """The snapshots that a file of this recording is in, as rows of snapshots.jsonl, oldest first."""
    table, named = schema.snapshot, f'"recording_id":"{recording_id}"'.encode()
    rows = context.connection.execute(select(table.c.snapshot_id, table.c.manifest_sha256).order_by(table.c.known_at_us)).all()
    return [find_row(context, row.snapshot_id) for row in rows if named in context.files.get(row.manifest_sha256)]


def refuse_stale(context: Context, snapshot_id: str, day: date) -> None:
    """Raise BadInput naming every asset of a snapshot whose consent no longer stands on a day: training on it then is not licensed."""
    snapshot = find_row(context, snapshot_id)
    answers = {answer.asset_id: answer for answer in consent.check(context, snapshot["programme_id"], day=day)}
    problems = []
    for number, row in enumerate(read_manifest(context, snapshot_id), 1):
        answer = answers[row["asset_id"]]
        if not answer.allowed:
            reasons = sorted({f"{missing.party_id or missing.lane}: {missing.reason}" for missing in answer.missing})
            what = f"{row['recording_id']} ({row['kind']}) may not be used on {day}: {', '.join(reasons)}"
            problems.append(Problem(snapshot_id, number, "asset_id", what, "freeze a new snapshot and train on that"))
    raise_if_any(problems)


def export(context: Context, snapshot_id: str, folder: Path) -> int:
    """Write the dataset as a folder: audio, manifest, terms. Each file is hashed on its way. Returns the number of files.

    Raises BadInput when somebody's consent no longer stands today, Refused when files are gone, changed, or the folder is not empty.
    """
    with build_folder(folder) as building:
        return fill_folder(context, snapshot_id, building)


def fill_folder(context: Context, snapshot_id: str, folder: Path) -> int:
    """The same into a folder that the caller is building."""
    snapshot = find_row(context, snapshot_id)
    refuse_stale(context, snapshot_id, context.today())
    rows = read_manifest(context, snapshot_id)
    paths = catalogue.read_asset_paths(context.connection)
    for number, row in enumerate(rows, 1):
        target = folder / row["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        source = paths[row["asset_id"]]
        if not source.is_file():
            raise Refused(
                "file_gone", f"the file of {row['recording_id']} is no longer at {source}", "put it back or import the catalogue again"
            )
        shutil.copyfile(source, target)
        if f"sha256:{hash_file(target)}" != row["asset_id"]:
            raise Refused("file_changed", f"the file of {row['recording_id']} at {source} has changed since import", "restore the original")
        if number % 10 == 0 or number == len(rows):
            context.tell(f"exporting {number}/{len(rows)}")
    _, terms = programmes.find(context, snapshot["programme_id"])
    write_atomically(folder / "manifest.jsonl", encode_table(rows, ("snapshot_id", "asset_id")))
    write_atomically(folder / "LICENCE.txt", licence_text(snapshot).encode() + terms)
    write_atomically(folder / "snapshot.json", encode_document({"format": SNAPSHOT_FORMAT, **snapshot}))
    return len(rows)


def verify(folder: Path, expected_root: str | None = None) -> tuple[int, list[Problem]]:
    """Check an exported folder against its manifest and the root (given by somebody you trust, or else its own). Needs no database.

    Returns (files that are right, problems). Each changed, missing or foreign file is named.
    """
    problems: list[Problem] = []
    try:
        snapshot = json.loads((folder / "snapshot.json").read_bytes())
        manifest = (folder / "manifest.jsonl").read_bytes()
        root = str(snapshot["manifest_root"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0, [Problem(str(folder), None, None, "is not an exported snapshot (snapshot.json, manifest.jsonl)", "check the path")]
    if expected_root and root != expected_root:
        problems.append(
            Problem("snapshot.json", None, "manifest_root", f"is {root}, not the root you gave", "get the snapshot again from its source")
        )
    if fingerprint_table(manifest).hash != root:
        problems.append(
            Problem(
                "manifest.jsonl", None, None, "does not have the root of snapshot.json: rows were changed, added or removed", "get it again"
            )
        )
    rows = read_rows("manifest", manifest, PERIOD_TABLES["manifest"], problems)
    good = sum(_verify_file(folder, row, number, problems) for number, row in enumerate(rows, 1))
    listed = DATASET_FILES | {row["file"] for row in rows}
    for path in iterate_files(folder):
        if str(path.relative_to(folder)) not in listed:
            problems.append(
                Problem(
                    str(path.relative_to(folder)),
                    None,
                    None,
                    "is not in the manifest: nobody's consent covers it",
                    "remove it from the dataset",
                )
            )
    return good, problems


def _verify_file(folder: Path, row: dict[str, Any], number: int, problems: list[Problem]) -> bool:
    path = folder / row["file"]
    if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()):
        problems.append(Problem(row["file"], number, "file", "is a link or leads out of the folder", "export the snapshot again"))
    elif not path.is_file():
        problems.append(Problem(row["file"], number, "file", f"is missing ({row['recording_id']})", "export the snapshot again"))
    elif f"sha256:{hash_file(path)}" != row["asset_id"]:
        what = f"is not the file that was consented to ({row['recording_id']}): its bytes have changed"
        problems.append(Problem(row["file"], number, "asset_id", what, "export the snapshot again"))
    else:
        return True
    return False


def _refusal(answer: Answer) -> dict[str, Any]:
    return {
        "asset_id": answer.asset_id,
        "recording_id": answer.recording_id,
        "kind": answer.kind,
        "missing": [asdict(missing) for missing in answer.missing],
    }


def _count(context: Context, programme_id: str) -> int:
    query = select(func.count()).select_from(schema.snapshot).where(schema.snapshot.c.programme_id == programme_id)
    return int(context.connection.scalar(query) or 0)


def licence_text(snapshot: dict[str, Any]) -> str:
    purposes: Iterable[str] = snapshot["purposes"]
    return (
        f"Licence {snapshot['licence']} for the dataset {snapshot['snapshot_id']}.\n"
        f"Purposes: {', '.join(purposes)}. No other use is allowed.\n"
        f"Manifest root: {snapshot['manifest_root']}\nThe terms of the programme {snapshot['programme_id']} follow.\n\n"
    )
