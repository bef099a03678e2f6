"""`ritornello catalogue iscc …`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.frame import BAD_INPUT, NEW, Frame, pass_frame
from ritornello.domain.errors import Problem
from ritornello.formats.canonical import write_atomically

ASSETS_AT_ONCE = 20  # one transaction
LIKE_BITS = 4


@click.group()
def iscc() -> None:
    """Content codes (ISCC, ISO 24138) of assets: an optional key. Needs the extra `iscc`."""


@iscc.command()
@click.argument("recordings", nargs=-1)
@click.option("--again", is_flag=True, help="Also those that have a code, such as after Chromaprint was installed.")
@pass_frame
def compute(frame: Frame, recordings: Sequence[str], again: bool) -> None:
    """Compute the codes of assets that have none: all, or those of some recordings. Run it again after an interruption: it goes on where it was."""
    from ritornello.service import content_codes  # here, since its libraries take a while to import

    with frame.context() as context:
        assets = content_codes.find_missing(context, recordings, again=again)
    done, deaf, problems = 0, 0, list[Problem]()
    for start in range(0, len(assets), ASSETS_AT_ONCE):
        frame.tell(f"computing codes {start}/{len(assets)}")
        with frame.context() as context:
            computed = content_codes.compute(context, assets[start : start + ASSETS_AT_ONCE])
        done, deaf, problems = done + computed.assets, deaf + computed.without_audio, problems + computed.problems
    frame.clear()
    text = [*map(str, problems), f"{done} codes computed, {len(problems)} can't be"]
    if deaf:
        text.append(f"{deaf} of them have no Audio-Code: too short, or Chromaprint is not installed (Debian: libchromaprint1)")
    frame.show({"computed": done, "without_audio": deaf, "problems": [one.as_dict() for one in problems]}, "\n".join(text))
    if problems:
        raise click.exceptions.Exit(BAD_INPUT)


@iscc.command()
@click.argument("code_or_file")
@click.option(
    "--within",
    type=click.IntRange(0, 64),
    default=LIKE_BITS,
    show_default=True,
    help="How many of the 64 bits of Data-Code or Audio-Code may differ.",
)
@pass_frame
def find(frame: Frame, code_or_file: str, within: int) -> None:
    """Find assets by an ISCC, by a single unit of one, or by a file. A likeness is a hint to listen, not an identity."""
    from ritornello.service import content_codes

    wanted = code_or_file if code_or_file.upper().startswith("ISCC:") else Path(code_or_file)
    if isinstance(wanted, Path) and not wanted.is_file():
        raise click.UsageError(f"{code_or_file!r} is neither an ISCC (ISCC:…) nor a file")
    with frame.context() as context:
        matches = content_codes.find(context, wanted, within)

    def tell(bits: int | None, what: str) -> str:
        return "" if bits is None else f", {what} {bits} of 64 bits apart"

    text = [
        f"{one.recording_id:<24} {'the same file' if one.same_file else 'another file'}{tell(one.data_bits, 'bytes')}{tell(one.audio_bits, 'sound')}  {one.asset_id}"
        for one in matches
    ]
    frame.show([asdict(one) for one in matches], "\n".join(text) or "no asset with a code is like it")


@iscc.command()
@click.option("--out", type=NEW, required=True, help="File to write.")
@pass_frame
def export(frame: Frame, out: Path) -> None:
    """Write every asset that has a code as CSV, with recording and ISRC."""
    from ritornello.service import content_codes

    with frame.context() as context:
        data, count = content_codes.write_sheet(context)
    write_atomically(out, data)
    frame.show({"file": str(out), "assets": count}, f"{out}: {count} assets with codes")
