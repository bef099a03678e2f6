"""`ritornello snapshot export … --as FORM` and `snapshot verify` for every form."""

from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.frame import BAD_INPUT, FOLDER, NEW, Frame, pass_frame
from ritornello.formats.dataset_folder import FORMS
from ritornello.formats.shards import SHARD_BYTES
from ritornello.service import dataset_exports

MIB = 1 << 20


@click.command()
@click.argument("snapshot_id")
@click.argument("folder", type=NEW)
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    default=FORMS[0],
    show_default=True,
    help="Audio files, tar shards, or audio files with a Parquet index.",
)
@click.option("--shard-mib", type=click.IntRange(1, 1 << 20), default=SHARD_BYTES // MIB, show_default=True, help="Largest shard, in MiB.")
@pass_frame
def export(frame: Frame, snapshot_id: str, folder: Path, form: str, shard_mib: int) -> None:
    """Write the dataset: audio, manifest, terms and Croissant metadata (docs/formats/dataset.md)."""
    with frame.context() as context:
        exported = dataset_exports.export_as(context, snapshot_id, folder, form, shard_mib * MIB)
    where = f" in {exported.shards} shard(s)" if exported.shards else ""
    text = f"{exported.assets} files{where} in {folder}, {exported.bytes / MIB:.1f} MiB; to be used until {exported.not_after}"
    frame.show({"folder": str(folder), "files": exported.assets, **asdict(exported)}, text)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--root", help="The manifest root, from somebody you trust. Default: the dataset's own.")
@pass_frame
def verify(frame: Frame, folder: Path, root: str | None) -> None:
    """Check an exported dataset of any form: each changed, missing or foreign file or member is named. Needs no home."""
    good, problems = dataset_exports.verify_export(folder, root)
    verdict = f"{good} files are what was consented to" + (
        f"; {len(problems)} problem(s)" if problems else "; nothing else is in the folder"
    )
    frame.show({"good": good, "problems": [p.as_dict() for p in problems]}, "\n".join([*(str(problem) for problem in problems), verdict]))
    if problems:
        raise click.exceptions.Exit(BAD_INPUT)
