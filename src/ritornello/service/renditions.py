"""Signed copies of outputs: Content Credentials put into a copy, read back, and registered with both hashes; one file, or a folder that can be resumed."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from ritornello.domain.errors import BadInput, Problem, Refused, raise_if_any
from ritornello.formats.canonical import encode_document, fingerprint_document, hash_file, iterate_files
from ritornello.formats.preferences.convert import read as read_preferences
from ritornello.formats.preferences.convert import write as write_preferences
from ritornello.formats.provenance import reading
from ritornello.formats.provenance.containers import MIME, Unsignable, recognise
from ritornello.formats.provenance.credentials import Credentials
from ritornello.formats.provenance.statement import build_manifest
from ritornello.service.context import Context
from ritornello.service.output_statement import Statements
from ritornello.store import renditions as store
from ritornello.store import schema

RENDITION_FORMAT = "ritornello-rendition-1"
MAX_BYTES = 1 << 30  # the library needs three times as much memory
TEMPORARY = ".signing-"


@dataclass(frozen=True, slots=True)
class Manner:
    """How to sign."""

    credentials: Credentials
    timestamp_url: str | None = None
    preferences: Mapping[str, Any] | None = None  # a cawg.training-mining assertion
    encoded: bool = False  # take the operator's word that other bytes are another encoding of the output


@dataclass(frozen=True, slots=True)
class Job:
    """One file to sign."""

    output_id: str
    source: Path
    out: Path


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed copy, written and durable beside its place: `place` puts it there once its registration is committed."""

    job: Job
    record: Mapping[str, Any]  # the rendition's document
    attribution: Mapping[str, Any] | None


def sign(context: Context, jobs: Sequence[Job], manner: Manner) -> list[Signed | Problem]:
    """Sign and register each file in one transaction; a file that can't be signed gives a problem. Commit, then `place` what was signed.

    Raises Refused without the extra `provenance`, or for an output that nobody registered.
    """
    reading.require_library()
    statements, results = Statements(context), list[Signed | Problem]()
    try:
        for job in jobs:
            try:
                results.append(_sign(context, statements, job, manner))
            except Unsignable as error:
                results.append(Problem(job.source.name, None, None, error.what, error.todo))
    except BaseException:  # nothing of this transaction will be registered
        for job in jobs:
            _temporary(job).unlink(missing_ok=True)
        raise
    return results


def place(signed: Signed) -> None:
    """Put a signed copy in its place. Raises Refused where something lies there by now."""
    if os.path.lexists(signed.job.out):
        raise Refused("out_exists", f"{signed.job.out} exists already", "choose another name")
    _temporary(signed.job).rename(signed.job.out)


def plan_file(context: Context, output_id: str, source: Path, out: Path, encoded: bool) -> Job:
    """One file of one output. Raises Refused where it is not the output's, or something lies at `out`."""
    output = find_output(context, output_id)
    if os.path.lexists(out):
        raise Refused("out_exists", f"{out} exists already", "choose another name")
    if not encoded and hash_file(source) != output.sha256:
        what = f"{source.name} is not the file that was registered as {output_id}"
        raise Refused("not_the_output", what, "sign that file, or say --encoded if this is another encoding of it")
    return Job(output_id, source, out)


def plan_folder(context: Context, folder: Path, out: Path, encoded: bool) -> tuple[list[Job], int]:
    """What is left to sign of a folder, and how many files are signed already. Raises BadInput naming every file that is no output's.

    A file belongs to the output with its hash; with `encoded`, another to the output that its name without suffix is.
    """
    if out.resolve().is_relative_to(folder.resolve()):
        raise Refused("out_exists", f"{out} lies in the folder that is to be signed", "choose a folder elsewhere")
    outputs = context.connection.execute(select(schema.output.c.output_id, schema.output.c.sha256)).all()
    by_hash, names = {row.sha256: row.output_id for row in outputs}, {row.output_id for row in outputs}
    jobs, problems, done = list[Job](), list[Problem](), 0
    sources = [path for path in iterate_files(folder) if not path.name.startswith(".")]
    for number, source in enumerate(sources, 1):
        context.tell(f"looking at {number}/{len(sources)}")
        sha256, target = hash_file(source), out / source.relative_to(folder)
        output_id = by_hash.get(sha256) or (source.stem if encoded and source.stem in names else None)
        if output_id is None:
            todo = "register it, or take it out of the folder"
            todo += "" if encoded else "; or name it after its output and say --encoded, if it is another encoding of one"
            problems.append(Problem(str(source.relative_to(folder)), None, None, "is not the file of a registered output", todo))
        elif _finish(context, target, sha256):
            done += 1
        elif os.path.lexists(target):
            problems.append(
                Problem(str(source.relative_to(folder)), None, None, f"{target} exists and is no copy signed here", "move it away")
            )
        else:
            jobs.append(Job(output_id, source, target))
    raise_if_any(problems)
    return jobs, done


def find_output(context: Context, output_id: str) -> Row[Any]:
    """An output's row. Raises Refused when there is none."""
    row = context.connection.execute(select(schema.output).where(schema.output.c.output_id == output_id)).first()
    if row is None:
        raise Refused(
            "unknown_output", f"there is no output {output_id!r}", "see `ritornello output show`, or register it: ritornello output add"
        )
    return row


def read_records(context: Context, output_id: str) -> list[dict[str, Any]]:
    """The documents of an output's signed copies, oldest first."""
    found = [json.loads(context.files.get(sha256)) for sha256 in store.read_record_hashes(context.connection, output_id)]
    return sorted(found, key=lambda one: (one["signed_at_us"], one["signed_sha256"]))


def list_outputs(context: Context) -> list[dict[str, Any]]:
    """Every output with the number of its signed copies."""
    copies = store.count_renditions(context.connection)
    names = ("output_id", "model_version", "made_on", "duration_ms", "sha256")
    rows = context.connection.execute(select(schema.output).order_by(schema.output.c.output_id))
    return [{**{name: row._mapping[name] for name in names}, "signed_copies": copies.get(row.output_id, 0)} for row in rows]


def read_preferences_file(path: Path) -> dict[str, Any]:
    """A `cawg.training-mining` assertion, as `preferences export --as cawg` writes it. Raises BadInput with every problem."""
    if path.stat().st_size > MAX_BYTES:
        raise BadInput([Problem(path.name, None, None, "is too large", "give a file as `preferences export --as cawg` writes it")])
    records, _ = read_preferences("cawg", path.read_bytes(), path.name)
    data, _ = write_preferences("cawg", records)
    return dict(json.loads(data))


def _sign(context: Context, statements: Statements, job: Job, manner: Manner) -> Signed:
    from ritornello.formats.provenance import library  # here, since it needs the extra

    output, source_sha256 = find_output(context, job.output_id), hash_file(job.source)
    if source_sha256 != output.sha256 and not manner.encoded:
        raise Unsignable("changed while it was being signed", "leave the files alone and run the command again")
    if job.source.stat().st_size > MAX_BYTES:
        raise Unsignable(
            f"is larger than {MAX_BYTES >> 30} GiB, which the signing library would read into memory three times", "sign a FLAC of it"
        )
    container = recognise(job.source)
    statement = statements.make(output, source_sha256)
    job.out.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(job)
    temporary.unlink(missing_ok=True)
    _refuse_signed(job.source, library.read(job.source, b""))
    manifest = build_manifest(statement, manner.preferences)
    library.sign(job.source, temporary, MIME[container], manifest, manner.credentials, manner.timestamp_url)
    found = reading.from_summary(library.read(temporary, b""))
    if not found.validates or found.statement != statement or found.generated is None:
        temporary.unlink()
        raise Unsignable(f"its signed copy doesn't validate: {[one['code'] for one in found.failures]}", "report this with the file")
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    record = {
        "format": RENDITION_FORMAT,
        "output_id": job.output_id,
        "container": container,
        "registered_sha256": output.sha256,
        "source_sha256": source_sha256,
        "relation": statement["relation"],
        "signed_sha256": hash_file(temporary),
        "signed_at_us": context.now_us(),
        "manifest_id": found.manifest_id,
        "certificate_sha256": manner.credentials.certificate_sha256,
        "library": library.VERSION,
    }
    document = encode_document(record)
    store.add_rendition(
        context.connection,
        job.output_id,
        signed_sha256=str(record["signed_sha256"]),
        source_sha256=source_sha256,
        record_sha256=context.files.put(document),
        path=str(job.out.resolve()),
    )
    context.record("rendition", job.output_id, fingerprint_document(document).hash)
    return Signed(job, record, statement["attribution"])


def _temporary(job: Job) -> Path:
    return job.out.with_name(TEMPORARY + job.out.name)


def _refuse_signed(source: Path, summary: Mapping[str, Any]) -> None:
    if summary["state"] not in ("none", "unsupported"):
        raise Unsignable("carries Content Credentials already, which signing would replace", "sign the file as the generator wrote it")


def _finish(context: Context, target: Path, source_sha256: str) -> bool:
    """True when a copy signed from these bytes lies at the target; one that was committed but not yet put in place is put there."""
    signed = store.read_signed_from(context.connection, str(target.resolve()), source_sha256)
    if not signed:
        return False
    temporary = target.with_name(TEMPORARY + target.name)
    if not os.path.lexists(target) and temporary.is_file() and hash_file(temporary) in signed:
        temporary.rename(target)
    return target.is_file() and hash_file(target) in signed
