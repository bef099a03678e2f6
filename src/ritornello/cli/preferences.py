"""`ritornello preferences …`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ritornello.cli.frame import FILE, NEW, Frame, pass_frame
from ritornello.domain.consent import PURPOSES
from ritornello.domain.identifiers import parse_isrc, parse_own
from ritornello.domain.preference import SILENT, Preference, Subject
from ritornello.formats.canonical import write_atomically
from ritornello.formats.preferences.convert import FORMATS
from ritornello.formats.preferences.losses import Loss, describe
from ritornello.formats.preferences.source import parse_asset, parse_iscc, parse_location
from ritornello.service import preferences as service

_FORM = click.Choice(FORMATS)
_PARSERS = {"asset_id": parse_asset, "recording_id": parse_own, "isrc": parse_isrc, "iscc": parse_iscc, "location": parse_location}


class Thing(click.ParamType[Subject]):
    """`isrc=DE…,location=https://…`: the names of one thing."""

    name = "NAME=VALUE,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Subject:
        if isinstance(value, Subject):
            return value
        names: dict[str, str] = {}
        for part in str(value).split(","):
            name, _, text = part.partition("=")
            if name not in _PARSERS or name in names:
                self.fail(f"{part!r} is not one of {', '.join(_PARSERS)}, each once, with = and a value", param, ctx)
            try:
                names[name] = _PARSERS[name](text)
            except ValueError as error:
                self.fail(str(error), param, ctx)
        return Subject(**names)


_SUBJECT = click.option(
    "--subject", type=Thing(), help="What the file was found on, where it doesn't say: isrc=…, location=…. A URL also completes paths."
)


@click.group()
def preferences() -> None:
    """What is allowed, in the words that others' machines read."""


@preferences.command()
@click.option("--programme", required=True)
@click.option("--as", "form", type=_FORM, required=True)
@click.option("--recording", help="Only this one. Default: all.")
@click.option("--asset", help="Only this file of it: a recording, stem or take.")
@click.option("--location", help="Where files lie on the web: a URL or path with {recording_id}, {asset_id} or {isrc}.")
@click.option("--out", type=NEW, required=True, help="File to write.")
@pass_frame
def export(frame: Frame, programme: str, form: str, recording: str | None, asset: str | None, location: str | None, out: Path) -> None:
    """Write today's consent in a format of others: allowed on the programme's conditions where everyone has granted, else not allowed."""
    with frame.context() as context:
        exported = service.export(context, programme, form, recording_id=recording, asset_id=asset, location=location)
    _show_written(frame, exported, form, out)


@preferences.command()
@click.argument("file", type=FILE)
@click.option("--as", "form", type=_FORM, required=True)
@_SUBJECT
@pass_frame
def read(frame: Frame, file: Path, form: str, subject: Subject | None) -> None:
    """Say in plain words what a file allows, and what in it we can't hold. Needs no home."""
    found, losses = service.read_file(file, form, subject)
    text = "\n".join([*(line for one in found for line in _tell(one)), *_tell_losses(losses)])
    frame.show(
        {"preferences": [_row(one) for one in found], "losses": [asdict(loss) for loss in losses]},
        text or "says nothing: nothing is allowed",
    )


@preferences.command()
@click.argument("file", type=FILE)
@click.option("--from", "form", type=_FORM, required=True)
@click.option("--to", "target", type=_FORM, required=True)
@_SUBJECT
@click.option("--out", type=NEW, required=True, help="File to write.")
@pass_frame
def convert(frame: Frame, file: Path, form: str, target: str, subject: Subject | None, out: Path) -> None:
    """Write a file's preferences in another format; it never allows more, and says what is lost. Needs no home."""
    _show_written(frame, service.convert_file(file, form, target, subject), target, out)


def _show_written(frame: Frame, exported: service.Exported, form: str, out: Path) -> None:
    write_atomically(out, exported.data)
    text = [
        f"{out}: {exported.subjects} subjects in {form}; {exported.permitted} of them were allowed for something",
        *_tell_losses(exported.losses),
    ]
    value = {"file": str(out), "subjects": exported.subjects, "permitted": exported.permitted}
    frame.show({**value, "losses": [asdict(loss) for loss in exported.losses]}, "\n".join(text))


def _tell(preference: Preference) -> list[str]:
    said = [(purpose, preference.says(purpose)) for purpose in PURPOSES]
    lines = [f"  {purpose:<24} {describe(statement)}" for purpose, statement in said if statement.use != SILENT]
    silent = [purpose for purpose, statement in said if statement.use == SILENT]
    return [f"{preference.subject}:", *lines, *([f"  nothing is said of {', '.join(silent)}: not allowed"] if silent else [])]


def _tell_losses(losses: Sequence[Loss]) -> list[str]:
    """Each sentence once, with how many subjects it holds for."""
    subjects: dict[str, list[str]] = {}
    for loss in losses:
        subjects.setdefault(loss.sentence, []).append(loss.subject)
    return [f"lost: {text}" + (f" [{len(about)} subjects]" if len(about) > 1 else "") for text, about in subjects.items()]


def _row(preference: Preference) -> dict[str, Any]:
    statements = {purpose: preference.says(purpose) for purpose in PURPOSES}
    return {
        "subject": preference.subject.names(),
        "statements": {
            purpose: {"use": one.use, **(one.constraint.conditions() if one.constraint else {})} for purpose, one in statements.items()
        },
    }
