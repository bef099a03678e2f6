"""`ritornello snapshot …`, `run …`, `output …`."""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import click

from ritornello.cli import dataset_exports, provenance
from ritornello.cli.consent import render_answer
from ritornello.cli.frame import FILE, Day, Frame, pass_frame, seconds
from ritornello.service import models, overview, snapshots


@click.group()
def snapshot() -> None:
    """Frozen datasets."""


@snapshot.command()
@click.option("--programme", required=True)
@click.option("--day", type=Day(), help="The day on which consent must be in force. Default: today.")
@pass_frame
def freeze(frame: Frame, programme: str, day: date | None) -> None:
    """Freeze what the programme may train on; says who stayed outside and why."""
    with frame.context() as context:
        frozen = snapshots.freeze(context, programme, day)
    text = (
        f"{frozen.snapshot_id}: {frozen.assets} assets of {frozen.recordings} recordings, {seconds(frozen.duration_ms)}\nroot {frozen.manifest_root}\n"
        f"{len(frozen.refused)} assets stayed outside:"
    )
    frame.show(asdict(frozen), "\n".join([text, *(render_answer(answer) for answer in frozen.refused)]))


@snapshot.command("list")
@pass_frame
def list_(frame: Frame) -> None:
    """All snapshots."""
    with frame.context() as context:
        rows = overview.list_snapshots(context)
    frame.show(
        rows,
        "\n".join(f"{row['snapshot_id']:<28} {row['day']}  {row['assets']:>6} assets  {row['manifest_root']}" for row in rows)
        or "none yet",
    )


snapshot.add_command(dataset_exports.export)
snapshot.add_command(dataset_exports.verify)


@click.group()
def run() -> None:
    """Training runs."""


@run.command()
@click.argument("file", type=FILE)
@pass_frame
def register(frame: Frame, file: Path) -> None:
    """Register a training run and what it really read (docs/formats/run.md)."""
    with frame.context() as context:
        row = models.register_run(context, file)
    frame.show(row, f"{row['model_version']} registered, trained on {', '.join(row['snapshot_ids'])}; exposure root {row['exposure_root']}")


@click.group()
def output() -> None:
    """Generated items."""


@output.command("add")
@click.argument("file", type=FILE)
@pass_frame
def add(frame: Frame, file: Path) -> None:
    """Register outputs from outputs.csv; audio paths are relative to it."""
    with frame.context() as context:
        count = models.add_outputs(context, file)
    frame.show({"outputs": count}, f"{count} outputs registered")


for command in (provenance.sign, provenance.sign_folder, provenance.show, provenance.provenance):
    output.add_command(command)
