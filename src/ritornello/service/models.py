"""What was trained and what was made: training runs with what they really read, and outputs."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select

from ritornello.audio.decode import UnreadableAudio, examine
from ritornello.domain import identifiers
from ritornello.domain.errors import BadInput, Problem, Refused, raise_if_any
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import encode_table, fingerprint_table, hash_file, lines
from ritornello.formats.reports_csv import read_outputs
from ritornello.formats.schema import PERIOD_TABLES
from ritornello.formats.sheet import parse_day
from ritornello.service import programmes, snapshots
from ritornello.service.context import Context
from ritornello.store import schema

RUN_FORMAT = "ritornello-run-1"
_RUN = {"format", "run_id", "model_version", "parents", "snapshot_ids", "code_sha256", "weights_sha256", "trained_on", "exposure"}
MAX_BYTES = 256 << 20


def register_run(context: Context, path: Path) -> dict[str, Any]:
    """Register a training run from the licensee's file (docs/formats/run.md). Returns its row of runs.jsonl.

    Raises BadInput with every problem: above all, each asset that training read without being in the named snapshots.
    """
    note = _Notes(path.name)
    run = _read_run(path, note)
    manifests: dict[str, dict[str, Any]] = {}
    programme_ids, versions = set(), set()
    for snapshot_id in run["snapshot_ids"]:
        try:
            snapshot = snapshots.find_row(context, snapshot_id)
            programme_ids.add(snapshot["programme_id"])
            versions.add(snapshot["programme_sha256"])
            manifests.update({row["asset_id"]: row for row in snapshots.read_manifest(context, snapshot_id)})
        except Refused as error:
            note("snapshot_ids", error.what, error.todo)
    raise_if_any(note.problems)
    for snapshot_id in run["snapshot_ids"]:
        _check_day(context, snapshot_id, date.fromisoformat(run["trained_on"]), note)
    if len(programme_ids) != 1:
        note("snapshot_ids", "are of several programmes", "register one run per programme")
    elif len(versions) != 1:
        todo = "its money can follow only one of them: train on one at a time, the later run with the earlier as its parent"
        note("snapshot_ids", f"were frozen under {len(versions)} versions of the terms", todo)
    for number, (asset_id, _) in enumerate(run["exposure"], 1):
        if asset_id not in manifests:
            what = f"exposure {number}: {asset_id} is in no manifest of {', '.join(run['snapshot_ids'])}: training read what it had no licence for"
            note("exposure", what, "clear it up with the licensor before this model earns or pays")
    known = set(context.connection.scalars(select(schema.run.c.model_version)))
    for parent in run["parents"]:
        if parent not in known:
            note("parents", f"there is no model version {parent!r}", "register the parent first")
    if run["model_version"] in known:
        note("model_version", f"{run['model_version']} is registered already", "a changed model is a new version")
    if context.connection.scalar(select(schema.run.c.model_version).where(schema.run.c.run_id == run["run_id"])):
        note("run_id", f"{run['run_id']} is registered already", "give each run an id of its own")
    if run["exposure"] and not any(exposure_ms for _, exposure_ms in run["exposure"]):
        note("exposure", "is 0 for every asset: money of this model could not be divided", "register what training really read")
    raise_if_any(note.problems)
    rows = [
        {
            "model_version": run["model_version"],
            "asset_id": asset_id,
            "recording_id": manifests[asset_id]["recording_id"],
            "exposure_ms": exposure_ms,
        }
        for asset_id, exposure_ms in run["exposure"]
    ]
    table = encode_table(rows, ("model_version", "asset_id"))
    root = fingerprint_table(table).hash
    row = {name: run[name] for name in ("model_version", "run_id", "code_sha256", "weights_sha256", "trained_on")}
    context.connection.execute(
        insert(schema.run).values(
            **row,
            programme_id=programme_ids.pop(),
            parents=" ".join(sorted(run["parents"])),
            snapshot_ids=" ".join(sorted(run["snapshot_ids"])),
            exposure_root=root,
            exposure_sha256=context.files.put(table),
            recorded_at_us=context.now_us(),
        )
    )
    context.record("run", run["model_version"], root)
    return find_run(context, run["model_version"])


def find_run(context: Context, model_version: str) -> dict[str, Any]:
    """The row of runs.jsonl of a model version. Raises Refused when there is none."""
    row = context.connection.execute(select(schema.run).where(schema.run.c.model_version == model_version)).first()
    if row is None:
        known = sorted(context.connection.scalars(select(schema.run.c.model_version)))
        raise Refused("unknown_model", f"there is no model version {model_version!r}", f"registered are: {', '.join(known) or 'none'}")
    return _as_row(row)


def list_runs(context: Context) -> list[dict[str, Any]]:
    """The row of runs.jsonl of every model version, oldest first."""
    rows = context.connection.execute(select(schema.run).order_by(schema.run.c.recorded_at_us, schema.run.c.model_version))
    return [_as_row(row) for row in rows]


def find_trained(runs: Iterable[Mapping[str, Any]], snapshot_id: str) -> list[str]:
    """Of these runs, oldest first, the model versions trained on the snapshot, or made from one that was."""
    found: list[str] = []
    for run in runs:
        if snapshot_id in run["snapshot_ids"] or not set(found).isdisjoint(run["parents"]):
            found.append(run["model_version"])
    return found


def _as_row(run: Row[Any]) -> dict[str, Any]:
    wanted = {name: value for name, value in run._mapping.items() if name in PERIOD_TABLES["runs"].columns}
    return {**wanted, "parents": run.parents.split(), "snapshot_ids": run.snapshot_ids.split()}


def find_followed(context: Context, programme_id: str) -> list[Programme]:
    """The terms that the programme's models were trained under, whose money rules they follow; before the first model, the newest."""
    snapshot, run = schema.snapshot, schema.run
    trained = {
        name
        for ids in context.connection.scalars(select(run.c.snapshot_ids).where(run.c.programme_id == programme_id))
        for name in ids.split()
    }
    query = select(snapshot.c.programme_sha256).where(snapshot.c.snapshot_id.in_(trained))
    found = [programmes.find_terms(context, sha256) for sha256 in sorted(set(context.connection.scalars(query)))]
    return found or [programmes.find(context, programme_id)[0]]


def read_exposure(context: Context, model_version: str) -> list[dict[str, Any]]:
    """The rows of exposure.jsonl of a model version, checked against the run's root."""
    row = context.connection.execute(select(schema.run).where(schema.run.c.model_version == model_version)).one()
    data = context.files.get(row.exposure_sha256)
    assert fingerprint_table(data).hash == row.exposure_root
    return [json.loads(line) for line in lines(data)]


def add_outputs(context: Context, path: Path) -> int:
    """Register generated items from outputs.csv; their audio is hashed and examined. Returns how many."""
    rows, sheet = read_outputs(path)
    models = set(context.connection.scalars(select(schema.run.c.model_version)))
    present = set(context.connection.scalars(select(schema.output.c.output_id)))
    values = []
    for row in rows:
        file = path.parent / row.file
        if row.model_version not in models:
            sheet.problem(row.row, "model_version", f"there is no model version {row.model_version!r}", "register the run first")
        if row.output_id in present:
            sheet.problem(
                row.row, "output_id", f"{row.output_id!r} is registered already", "leave the row out, or give a new output a new id"
            )
        if not file.is_file():
            sheet.problem(row.row, "file", f"there is no file {row.file!r} beside the sheet", "correct the path")
            continue
        try:
            facts = examine(file)
        except UnreadableAudio as error:
            sheet.problem(row.row, "file", f"{row.file!r}: {error.what}", error.todo)
            continue
        values.append(
            {
                "output_id": row.output_id,
                "model_version": row.model_version,
                "sha256": hash_file(file),
                "duration_ms": facts.duration_ms,
                "made_on": row.made_on.isoformat(),
                "path": str(file.resolve()),
                "recorded_at_us": context.now_us(),
            }
        )
    raise_if_any(sheet.problems)
    context.connection.execute(insert(schema.output), values)
    context.record_all("output", ((str(value["output_id"]), str(value["sha256"])) for value in values))
    return len(values)


def _check_day(context: Context, snapshot_id: str, trained_on: date, note: "_Notes") -> None:
    """Training must come after the snapshot was frozen, and before any consent in it ended."""
    frozen = snapshots.find_row(context, snapshot_id)["day"]
    if trained_on.isoformat() < frozen:
        note("trained_on", f"{trained_on} is before {snapshot_id} was frozen ({frozen})", "name the day on which training ended")
        return
    try:
        snapshots.refuse_stale(context, snapshot_id, trained_on)
    except BadInput as error:
        note.problems += [
            Problem(note.file, None, "trained_on", f"{problem.file}: {problem.what}", problem.todo) for problem in error.problems
        ]


class _Notes:
    """Collects the problems of one file."""

    def __init__(self, file: str) -> None:
        self.file, self.problems = file, list[Problem]()

    def __call__(self, field: str | None, what: str, todo: str) -> None:
        self.problems.append(Problem(self.file, None, field, what, todo))


def _read_run(path: Path, note: _Notes) -> dict[str, Any]:
    """The run's fields, sound ones only; `exposure` as (asset_id, exposure_ms) pairs. Raises BadInput when nothing can go on."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise BadInput([Problem(path.name, None, None, "there is no such file, or it is larger than 256 MiB", "check the path")])
    try:
        run = json.loads(path.read_bytes())
        if not isinstance(run, dict):
            raise ValueError("it is not an object")
    except (ValueError, RecursionError) as error:
        raise BadInput([Problem(path.name, None, None, f"is not JSON: {error}", "see docs/formats/run.md")]) from None
    for field in sorted(_RUN - set(run)):
        note(field, "is missing", "see docs/formats/run.md")
    for field in sorted(set(run) - _RUN):
        note(field, "is not a field of this format", "remove it or correct its spelling")
    raise_if_any(note.problems)
    if run["format"] != RUN_FORMAT:
        note("format", f"is not {RUN_FORMAT!r}", f"write {RUN_FORMAT}")
    for field in ("run_id", "model_version"):
        _check(
            note,
            field,
            lambda value: identifiers.parse_own(value) and value != "*",
            run[field],
            "an identifier of 1–64 letters, digits, '.', '_', '-'",
        )
    for field in ("parents", "snapshot_ids"):
        _check(
            note,
            field,
            lambda value: isinstance(value, list) and all(identifiers.parse_own(item) for item in value),
            run[field],
            "a list of identifiers",
        )
    if not run["snapshot_ids"]:
        note("snapshot_ids", "is empty", "name the snapshots that were trained on")
    for field in ("code_sha256", "weights_sha256"):
        _check(
            note,
            field,
            lambda value: re.fullmatch("[0-9a-f]{64}", value),
            run[field],
            "64 lower-case hex digits",
        )
    _check(note, "trained_on", parse_day, run["trained_on"], "a day YYYY-MM-DD")
    run["exposure"] = _read_exposures(run["exposure"], note)
    raise_if_any(note.problems)
    return run


def _check(note: _Notes, field: str, accept: Any, value: Any, wanted: str) -> None:
    try:
        sound = bool(accept(value))
    except (TypeError, ValueError, AttributeError):
        sound = False
    if not sound:
        note(field, f"{str(value)[:80]!r} is not {wanted}", "correct it")


def _read_exposures(value: Any, note: _Notes) -> list[tuple[str, int]]:
    if not isinstance(value, list) or not value:
        note("exposure", "is not a list of objects with asset_id and exposure_ms", "see docs/formats/run.md")
        return []
    found = []
    for number, item in enumerate(value, 1):
        if not isinstance(item, dict) or set(item) != {"asset_id", "exposure_ms"}:
            note("exposure", f"exposure {number}: is not an object of asset_id and exposure_ms", "correct it")
        elif not isinstance(item["exposure_ms"], int) or isinstance(item["exposure_ms"], bool) or not 0 <= item["exposure_ms"] < 2**53:
            note("exposure", f"exposure {number}: exposure_ms {item['exposure_ms']!r} is not a whole number of milliseconds", "correct it")
        else:
            found.append((str(item["asset_id"]), item["exposure_ms"]))
    for asset_id, count in Counter(asset_id for asset_id, _ in found).items():
        if count > 1:
            note("exposure", f"{asset_id} is listed {count} times", "add its exposure up")
    return found
