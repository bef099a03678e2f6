"""`ritornello catalogue fingerprint` and `ritornello catalogue identify`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.frame import BAD_INPUT, FILE, Frame, pass_frame, seconds
from ritornello.formats.passage_words import describe_bend, describe_chance


@click.command()
@click.argument("recordings", nargs=-1)
@click.option("--again", is_flag=True, help="Also those that are in the index.")
@pass_frame
def fingerprint(frame: Frame, recordings: Sequence[str], again: bool) -> None:
    """Listen to the assets that the fingerprint index lacks: all, or those of some recordings. Run it again after an interruption: it goes on where it was."""
    from ritornello.service import identity  # here, since its libraries take a while to import

    with frame.context() as context:
        work = identity.plan_fingerprints(context, recordings, again=again)
    computed = identity.compute_fingerprints(work, frame.tell)
    frame.clear()
    text = [*map(str, computed.problems)]
    text += [f"{one.file} ({one.recording_id}) is silent or too short to be recognised" for one in computed.silent]
    text.append(f"{computed.assets} assets listened to, {len(computed.silent)} hold too little, {len(computed.problems)} can't be heard")
    if computed.removed:
        text.append(f"{computed.removed} that the catalogue doesn't have were taken out of the index")
    row = {**asdict(computed), "problems": [one.as_dict() for one in computed.problems]}
    frame.show(row, "\n".join(text))
    if computed.problems:
        raise click.exceptions.Exit(BAD_INPUT)


@click.command()
@click.argument("file", type=FILE)
@pass_frame
def identify(frame: Frame, file: Path) -> None:
    """Which passages of FILE are passages of which recordings, at which speed and pitch, and how likely that is chance."""
    from ritornello.service import identity

    with frame.context() as context:
        known = identity.open_index(context)
    found = identity.identify(known, file)
    lines = []
    for one in found:
        passage = one.passage
        bend = describe_bend(passage.speed_ppm, passage.pitch_cents)
        lines.append(
            f"{seconds(passage.start_ms)}–{seconds(passage.end_ms)} of this file is {seconds(passage.asset_start_ms)}–{seconds(passage.asset_end_ms)} "
            f"of {one.recording.recording_id}{_which(one.asset.kind, one.asset.label)} ({one.recording.artist} – {one.recording.title})"
            f"{', ' if bend else ''}{bend}; chance: {describe_chance(passage.false_match_ppb)}"
        )
    rows = [
        {"recording_id": one.recording.recording_id, "asset_id": one.asset.asset_id, "kind": one.asset.kind, **asdict(one.passage)}
        for one in found
    ]
    frame.show(rows, "\n".join(lines) or "nothing of the catalogue was found in it")


def _which(kind: str, label: str) -> str:
    return "" if kind == "recording" else f", {kind.replace('_', ' ')} {label}".rstrip()
