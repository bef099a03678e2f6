"""`ritornello snapshot prove` and `snapshot check-proof`."""

from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.frame import FILE, NEW, Frame, pass_frame, read_key, read_note
from ritornello.formats.membership import PROOF_LIMIT, Answer
from ritornello.service import membership as service


@click.command()
@click.argument("snapshot_id")
@click.argument("identifier")
@click.option("--as", "kind", type=click.Choice(["asset", "recording", "isrc"]), help="What IDENTIFIER is. Default: what it looks like.")
@click.option("--checkpoint", "note", type=FILE, help="The checkpoint that whoever asks holds. Default: a new one, in the proof.")
@click.option("--out", type=NEW, required=True, help="Where to write the proof.")
@pass_frame
def prove(frame: Frame, snapshot_id: str, identifier: str, kind: str | None, note: Path | None, out: Path) -> None:
    """Prove to a stranger that an asset, recording or ISRC is in a snapshot, or that it is not; shows nothing of the others."""
    with frame.context() as context:
        answer = service.prove(context, snapshot_id, identifier, kind, out, read_note(note))
    frame.show(asdict(answer), _say(answer))


@click.command("check-proof")
@click.argument("file", type=FILE)
@click.option("--root", help="The map's root, from the log (kind membership) or somebody else you trust.")
@click.option("--vkey", help="The log's key or a file with it, from somebody you trust. Default: the proof's own.")
@click.option("--checkpoint", "note", type=FILE, help="A checkpoint of the log, from somebody you trust. Default: the proof's own.")
@pass_frame
def check_proof(frame: Frame, file: Path, root: str | None, vkey: str | None, note: Path | None) -> None:
    """Check such a proof. Needs no home."""
    with file.open("rb") as stream:
        data = stream.read(PROOF_LIMIT + 1)
    answer = service.check(data, root=root, vkey=None if vkey is None else read_key(vkey), note=read_note(note))
    given = [name for name, value in (("root", root), ("key", vkey), ("checkpoint", note)) if value is not None]
    source = (
        f"the {' and '.join(given)} you gave" if given else "the proof's own key, which you should compare with the log's published one"
    )
    frame.show(asdict(answer), f"{_say(answer)}\nproved by {source}")


def _say(answer: Answer) -> str:
    return f"{answer.kind} {answer.identifier} is {'in' if answer.included else 'NOT in'} {answer.snapshot_id}\nroot {answer.root}"
