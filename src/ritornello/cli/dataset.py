"""`ritornello snapshot …`, `run …`, `output …`, `attribute`."""

from collections.abc import Sequence
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


@click.command()
@click.argument("model_version")
@click.option("--control", "controls", multiple=True, help="A recording never trained on that must be in the index, to see what leaks.")
@click.option("--truth", type=FILE, help="truth.csv: known truth of some outputs, read only to measure the error.")
@pass_frame
def attribute(frame: Frame, model_version: str, controls: Sequence[str], truth: Path | None) -> None:
    """Attribute a model version's outputs to recordings, from their audio alone."""
    from ritornello.service import attribution  # here, since its libraries take a while to import

    with frame.context() as context:
        report = attribution.attribute(context, model_version, controls=tuple(controls), truth=truth)
    frame.show(report, render_quality(report))


def render_quality(report: "dict[str, object]") -> str:
    """The quality report in a few lines."""

    def percent(name: str) -> str:
        value = report[name]
        assert isinstance(value, int)
        return f"{value / 10_000:.2f} %"

    controls = report["controls"]
    assert isinstance(controls, list)
    head = f"{report['model_version']}: {report['method']} {report['method_version']}; leak to {len(controls)} controls never trained on: {percent('leak_ppm')}"
    if report["error_ppm"] is None:
        return f"{head}\nno truth given, so the error is unknown: a programme's fallback will divide by exposure"
    return (
        f"{head}\nerror against known truth, mean of {report['outputs_with_truth']} outputs: {percent('error_ppm')} "
        f"(95 % interval {percent('error_low_ppm')} to {percent('error_high_ppm')}); all outputs together: {percent('aggregate_error_ppm')}\n"
        f"for comparison, dividing by exposure alone errs by {percent('exposure_error_ppm')} an output, equal shares by {percent('uniform_error_ppm')}"
    )
