"""`ritornello log …`."""

from pathlib import Path

import click

from ritornello.cli.frame import FILE, NEW, Frame, pass_frame
from ritornello.formats.canonical import write_atomically
from ritornello.service import log as service


@click.group()
def log() -> None:
    """The transparency log, to which every artefact is committed."""


@log.command()
@click.option("--start", type=click.IntRange(0), default=0, show_default=True)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@pass_frame
def show(frame: Frame, start: int, limit: int) -> None:
    """List entries."""
    with frame.context() as context:
        entries = service.show(context, start, limit)
    frame.show(
        entries, "\n".join(f"{entry['position']:>8}  {entry['kind']:<28} {entry['id']:<40} {entry['hash'][:16]}…" for entry in entries)
    )


@log.command()
@click.option("--out", type=NEW, help="Also write checkpoint and key as files: OUT and OUT.vkey.")
@pass_frame
def checkpoint(frame: Frame, out: Path | None) -> None:
    """Sign a checkpoint over everything logged so far. Give it to somebody who keeps it."""
    with frame.context() as context:
        note, vkey = service.checkpoint(context)
    if out is not None:
        write_atomically(out, note.encode())
        write_atomically(out.with_name(out.name + ".vkey"), vkey.encode() + b"\n")
    frame.show({"checkpoint": note, "vkey": vkey}, f"{note}\nkey: {vkey}")


@log.command()
@click.argument("position", type=click.IntRange(0))
@pass_frame
def prove(frame: Frame, position: int) -> None:
    """The inclusion proof of one entry."""
    with frame.context() as context:
        proof = service.prove(context, position)
    frame.show(proof, "\n".join([proof["entry"], f"entry {proof['index']} of {proof['tree_size']}", *proof["hashes"]]))


@log.command()
@click.option("--checkpoint", "note", type=FILE, help="An earlier checkpoint that the log must still agree with.")
@pass_frame
def verify(frame: Frame, note: Path | None) -> None:
    """Recompute the whole log; with --checkpoint, show that nothing signed then has changed since."""
    with frame.context() as context:
        result = service.verify(context, note.read_text() if note else None)
    text = f"{result['entries']} entries, root {result['root']}"
    frame.show(result, text + (f"\nagrees with the checkpoint over {result['consistent_with']} entries" if note else ""))
