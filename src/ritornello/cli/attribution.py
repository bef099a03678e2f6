"""`ritornello attribute`, `attribution …`."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, Frame, pass_frame
from ritornello.domain.catalogue import LANES
from ritornello.domain.errors import Refused
from ritornello.formats.passage_words import describe_bend, describe_chance, describe_time


@click.command()
@click.argument("model_version")
@click.option("--control", "controls", multiple=True, help="A recording never trained on that must be in the index, to see what leaks.")
@click.option("--truth", type=FILE, help="truth.csv: known truth of some outputs, read only to measure the error.")
@click.option("--method", help="audible-evidence (default) or spectral-copy-detection.")
@click.option(
    "--stream", "streaming", is_flag=True, help="Read outputs or files from standard input, one a line; write JSON lines; store no batch."
)
@click.option("--scores", type=FILE, help="Influence scores of any method (docs/formats/attribution-scores.md), for what is not heard.")
@click.option(
    "--audit", type=FILE, help="The audit of that method: how far its scores may divide money (docs/formats/attribution-audit.md)."
)
@click.option("--lane", type=click.Choice(LANES), help="Whose scores are meant, where the file tells lanes apart.")
@pass_frame
def attribute(
    frame: Frame,
    model_version: str,
    controls: Sequence[str],
    truth: Path | None,
    method: str | None,
    streaming: bool,
    scores: Path | None,
    audit: Path | None,
    lane: str | None,
) -> None:
    """Attribute a model version's outputs to recordings, from their audio alone. Goes on where it was interrupted."""
    from ritornello.service import attribution  # here, since its libraries take a while to import

    if streaming and (truth or scores or audit):
        raise Refused("stream_without_truth", "a stream is of evidence alone", "leave out --truth, --scores and --audit, or --stream")
    with frame.context() as context:
        if streaming:
            names = (line for text in sys.stdin if (line := text.strip()))
            for one in attribution.stream(context, model_version, names, controls=tuple(controls), method=method):
                click.echo(json.dumps(one, ensure_ascii=False, separators=(",", ":")))
            return
        report = attribution.attribute(
            context, model_version, controls=tuple(controls), truth=truth, method=method, scores=scores, audit=audit, lane=lane
        )
    frame.show(report, render_quality(report))


@click.group("attribution")
def attribution_group() -> None:
    """What was heard in outputs."""


@attribution_group.command()
@click.argument("output_id")
@pass_frame
def show(frame: Frame, output_id: str) -> None:
    """The passages that were heard in an output, in words and with times."""
    from ritornello.service import attribution

    with frame.context() as context:
        found = attribution.find_passages(context, output_id)
    frame.show(found, "\n".join(_tell_passages(found)))


def _tell_passages(found: Mapping[str, Any]) -> Iterator[str]:
    by = f"{found['method']} {found['method_version']}, batch {found['batch']}"
    heard = f"{found['coverage_ppm'] / 10_000:.1f} % of it heard in recordings"
    yield f"{found['output_id']}: {describe_time(found['duration_ms'])} long, {heard} ({by})"
    if "unreadable" in found:
        yield f"  can't be read as sound: it {found['unreadable']}"
    for one in found["passages"]:
        bend = describe_bend(one["speed_ppm"], one["pitch_cents"])
        sure = (
            f"likeness {one['score_ppm'] / 10_000:.0f} %"
            if one["score_ppm"] is not None
            else f"chance {describe_chance(one['false_match_ppb'])}"
        )
        counts = "" if one["counted"] else "; explained already, doesn't count"
        yield (
            f"  {describe_time(one['start_ms'])}–{describe_time(one['end_ms'])} is {describe_time(one['source_start_ms'])}–{describe_time(one['source_end_ms'])} of "
            f"{found['titles'][one['recording_id']]} ({one['recording_id']}){', ' + bend if bend else ''}; by {one['witness']}, {sure}{counts}"
        )
    for name, weight in sorted(found["weights"].items(), key=lambda one: (-one[1], one[0])):
        yield f"  {weight / 10_000:6.2f} %  {name}"


def render_quality(report: "dict[str, object]") -> str:
    """The quality report in a few lines."""

    def percent(name: str) -> str:
        value = report[name]
        assert isinstance(value, int)
        return f"{value / 10_000:.2f} %"

    controls = report["controls"]
    assert isinstance(controls, list)
    head = f"{report['model_version']}: {report['method']} {report['method_version']}; leak to {len(controls)} controls never trained on: {percent('leak_ppm')}"
    if "a_ppm" in report:
        head += (
            f"\nof an output's weight {percent('evidence_ppm')} was heard, {percent('influence_ppm')} follows influence, {percent('exposure_ppm')} exposure "
            f"(a = {percent('a_ppm')}); scores of recordings never trained on were struck out: {percent('influence_leak_ppm')}"
        )
        if not report["outputs_with_truth"]:
            return f"{head}\nerror by the audit: {percent('error_ppm')} an output, {percent('aggregate_error_ppm')} all together"
    if report["error_ppm"] is None:
        return f"{head}\nno truth given, so the error is unknown: a programme's fallback will divide by exposure"
    return (
        f"{head}\nerror against known truth, mean of {report['outputs_with_truth']} outputs: {percent('error_ppm')} "
        f"(95 % interval {percent('error_low_ppm')} to {percent('error_high_ppm')}); all outputs together: {percent('aggregate_error_ppm')}\n"
        f"for comparison, dividing by exposure alone errs by {percent('exposure_error_ppm')} an output, equal shares by {percent('uniform_error_ppm')}"
    )
