"""`ritornello snapshot prove` and `snapshot check-proof`."""

from dataclasses import asdict
from pathlib import Path

import click

from ritornello.cli.frame import FILE, NEW, Frame, pass_frame
from ritornello.formats.membership import PROOF_LIMIT
from ritornello.service import membership as service


@click.command()
@click.argument("snapshot_id")
@click.argument("identifier")
@click.option("--as", "kind", type=click.Choice(["asset", "recording", "isrc"]), help="What IDENTIFIER is. Default: what it looks like.")
@click.option("--out", type=NEW, required=True, help="Where to write the proof.")
@pass_frame
def prove(frame: Frame, snapshot_id: str, identifier: str, kind: str | None, out: Path) -> None:
    """Prove to a stranger that an asset, recording or ISRC is in a snapshot, or that it is not; shows nothing of the others."""
    with frame.context() as context:
        answer = service.prove(context, snapshot_id, identifier, kind, out)
        root = service.read_root(context, snapshot_id)
    frame.show({**asdict(answer), "root": root}, f"{_say(answer.included, answer.kind, answer.identifier, snapshot_id)}\nroot {root}")


@click.command("check-proof")
@click.argument("file", type=FILE)
@click.option("--root", required=True, help="The map's root, from the log (kind membership) or somebody else you trust.")
@pass_frame
def check_proof(frame: Frame, file: Path, root: str) -> None:
    """Check such a proof. Needs no home."""
    with file.open("rb") as stream:
        answer = service.check(stream.read(PROOF_LIMIT + 1), root)
    frame.show(asdict(answer), _say(answer.included, answer.kind, answer.identifier, answer.snapshot_id))


def _say(included: bool, kind: str, identifier: str, snapshot_id: str) -> str:
    return f"{kind} {identifier} is {'in' if included else 'NOT in'} {snapshot_id}"
