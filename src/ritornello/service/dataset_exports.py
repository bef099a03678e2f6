"""Snapshots as a licensee loads them: a folder, tar shards, or a folder with a Parquet index; each with Croissant metadata, each checked again by `verify_export`."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.formats.canonical import build_folder, encode_document, encode_table, write_atomically
from ritornello.formats.croissant import File, describe_dataset
from ritornello.formats.dataset_folder import BASE, FORMS, PAPERS, encode_papers, measure_file, read_papers, verify_papers
from ritornello.formats.odrl_terms import describe_terms
from ritornello.formats.shard_check import verify_shards
from ritornello.formats.shards import READ_BYTES, SHARD_BYTES, Sample, plan_shards, write_shards
from ritornello.service import programmes, snapshots
from ritornello.service.context import Context
from ritornello.service.outlook import find_last_day
from ritornello.store import catalogue


@dataclass(frozen=True, slots=True)
class Exported:
    """What lies in the folder now."""

    form: str
    assets: int
    shards: int
    bytes: int  # of the audio, or of the shards
    not_after: date  # the last day on which the consents and the programme allow use


def export_as(context: Context, snapshot_id: str, folder: Path, form: str, shard_bytes: int = SHARD_BYTES) -> Exported:
    """Write a snapshot in one of FORMS. The folder is there whole or not at all; exporting again gives the same bytes.

    Raises BadInput when somebody's consent no longer stands today, Refused when files are gone, changed, or the folder is not empty.
    """
    if form not in FORMS:
        raise BadInput([Problem(form, None, None, "is not a form of a dataset", f"choose one of {', '.join(FORMS)}")])
    with build_folder(folder) as building:
        return _write(context, snapshot_id, building, form, shard_bytes)


def verify_export(folder: Path, expected_root: str | None = None) -> tuple[int, list[Problem]]:
    """Check an exported dataset of any form against its manifest and the root (from somebody you trust, or else its own). Needs no database.

    Returns (assets that are right, problems): each changed, missing or foreign file or member is named.
    """
    problems: list[Problem] = []
    papers = None
    if any((folder / name).exists() for name in (*PAPERS - BASE, "shards")):
        papers = read_papers(folder, problems)
    if papers:
        verify_papers(folder, papers, problems)
    if (folder / "shards").exists() or (papers and papers["form"] == "webdataset"):
        good, found = verify_shards(folder, expected_root)
    else:
        good, found = snapshots.verify(folder, expected_root)
        found = [problem for problem in found if problem.row is not None or problem.file not in PAPERS or not _is_foreign(problem)]
    return good, problems + found


def _write(context: Context, snapshot_id: str, folder: Path, form: str, shard_bytes: int) -> Exported:
    snapshot = snapshots.find_row(context, snapshot_id)
    programme, terms = programmes.find_terms(context, snapshot["programme_sha256"]), context.files.get(snapshot["programme_sha256"])
    rows = snapshots.read_manifest(context, snapshot_id)
    if form == "webdataset":
        plan = plan_shards(rows, snapshot["licence"], shard_bytes)
        extensions = sorted({sample.audio_name.partition(".")[2] for shard in plan for sample in shard})
        files = _write_shards(context, snapshot, rows, folder, plan)
        index = "index.parquet"
    else:
        extensions = []
        snapshots.fill_folder(context, snapshot_id, folder)
        files = [File(row["file"], row["bytes"], str(row["asset_id"]).removeprefix("sha256:")) for row in rows]
        index = "manifest.jsonl" if form == "folder" else "index.parquet"
    if form == "parquet":
        from ritornello.formats.parquet_index import write_index  # here, since pyarrow takes a while to import

        write_index(folder / "index.parquet", rows, snapshot["licence"])
    # The terms under which the snapshot was frozen, whatever versions came later: the same export again must have the same bytes.
    write_atomically(folder / "LICENCE.txt", snapshots.licence_text(snapshot).encode() + terms)
    not_after = find_last_day(context, programme, context.today(), {row["asset_id"] for row in rows})
    papers = [measure_file(folder, name) for name in sorted(PAPERS) if (folder / name).is_file()]
    metadata = describe_dataset(
        snapshot,
        [*papers, *files],
        licensor=programme.licensor,
        terms=describe_terms(programme, snapshot["purposes"], not_after),
        index=index,
        splits=sorted({row["dataset_split"] for row in rows}),
        extensions=extensions,
    )
    write_atomically(folder / "croissant.json", encode_document(metadata))
    papers.append(measure_file(folder, "croissant.json"))
    shards = files if form == "webdataset" else []
    limit = shard_bytes if shards else None
    write_atomically(folder / "dataset.json", encode_papers(snapshot, form, not_after, limit, [*papers, *shards]))
    return Exported(form, len(rows), len(shards), sum(file.bytes for file in files), not_after)


def _write_shards(
    context: Context, snapshot: dict[str, Any], rows: list[dict[str, Any]], folder: Path, plan: list[list[Sample]]
) -> list[File]:
    """Write the shards, straight from the originals, and the papers that `snapshots.fill_folder` writes beside a folder's audio."""
    from ritornello.formats.parquet_index import write_index  # here, since pyarrow takes a while to import

    snapshots.refuse_stale(context, snapshot["snapshot_id"], context.today())
    paths = catalogue.read_asset_paths(context.connection)
    samples: dict[str, Sample] = {str(sample.row["asset_id"]): sample for shard in plan for sample in shard}
    files = []
    for number, shard in enumerate(write_shards(folder, plan, lambda row: _read_original(row, paths[row["asset_id"]])), 1):
        files.append(File(shard.file, shard.bytes, shard.sha256))
        context.tell(f"exporting shard {number}/{len(plan)}")
    write_atomically(folder / "manifest.jsonl", encode_table(rows, ("snapshot_id", "asset_id")))
    write_atomically(folder / "samples.jsonl", encode_table([sample.as_row() for sample in samples.values()], ("asset_id",)))
    write_atomically(folder / "snapshot.json", encode_document({"format": snapshots.SNAPSHOT_FORMAT, **snapshot}))
    write_index(folder / "index.parquet", rows, snapshot["licence"], samples)
    return files


def _read_original(row: Mapping[str, Any], path: Path) -> Iterator[bytes]:
    """The original's bytes in blocks; raises Refused where they are not those of the asset."""
    if not path.is_file():
        raise Refused("file_gone", f"the file of {row['recording_id']} is no longer at {path}", "put it back or import the catalogue again")
    changed = Refused("file_changed", f"the file of {row['recording_id']} at {path} has changed since import", "restore the original")
    if path.stat().st_size != row["bytes"]:
        raise changed
    digest, left = hashlib.sha256(), row["bytes"]
    with path.open("rb") as stream:
        while left and (block := stream.read(min(left, READ_BYTES))):
            digest.update(block)
            left -= len(block)
            yield block
    if left or f"sha256:{digest.hexdigest()}" != row["asset_id"]:
        raise changed


def _is_foreign(problem: Problem) -> bool:
    return problem.field is None and problem.what.startswith("is not in the manifest")
