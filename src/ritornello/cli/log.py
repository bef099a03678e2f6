"""`ritornello log …`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from ritornello.cli.frame import FILE, FOLDER, NEW, Frame, pass_frame, read_key, read_note
from ritornello.formats.canonical import write_atomically
from ritornello.service import audit as audits
from ritornello.service import log as service
from ritornello.service import publication
from ritornello.service import witness as witnesses
from ritornello.wiring import now_us


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
        result = service.verify(context, read_note(note))
    text = f"{result['entries']} entries, root {result['root']}"
    frame.show(result, text + (f"\nagrees with the checkpoint over {result['consistent_with']} entries" if note else ""))


@log.command()
@click.argument("folder", type=NEW)
@pass_frame
def publish(frame: Frame, folder: Path) -> None:
    """Write the log as plain files that any static server can host; writes only what is new."""
    with frame.context() as context:
        result = publication.publish(context, folder)
    frame.show(
        result,
        f"{result['entries']} entries in {folder}, {result['new_entries']} of them new ({result['new_tiles']} tiles); root {result['root']}",
    )


@log.command()
@click.argument("folder", type=FOLDER)
@click.option("--vkey", help="The log's key or a file with it, from somebody you trust. Default: the folder's own.")
@click.option("--checkpoint", "earlier", type=FILE, multiple=True, help="An earlier checkpoint that the log must still agree with.")
@click.option("--witness", "keys", multiple=True, help="A witness's verifier key, or a file with it.")
@click.option("--quorum", type=click.IntRange(1), help="How many of these witnesses must have cosigned. Default: all.")
@pass_frame
def audit(frame: Frame, folder: Path, vkey: str | None, earlier: Sequence[Path], keys: Sequence[str], quorum: int | None) -> None:
    """Recompute a published log from its folder alone, and name the first thing that is wrong. Needs no home."""
    result = audits.audit(
        folder,
        now_us(),
        vkey=None if vkey is None else read_key(vkey),
        earlier=[path.read_bytes().decode(errors="replace") for path in earlier],
        witnesses=[read_key(key) for key in keys],
        quorum=quorum,
    )
    lines = [f"{result['entries']} entries of {result['origin']}, every tile and the signature are right; root {result['root']}"]
    lines += [f"agrees with the checkpoint over {size} entries" for size in result["consistent_with"]]
    lines += [
        f"cosigned by {each['witness']} at {datetime.fromtimestamp(each['at_s'], UTC):%Y-%m-%dT%H:%M:%SZ}" for each in result["witnesses"]
    ]
    lines += ["the key came from the folder itself: whoever made the folder chose it"] if result["key_from_folder"] else []
    lines += [f"not part of a log: {name}" for name in result["foreign"]]
    frame.show(result, "\n".join(lines))


@log.command("witness")
@click.argument("folder", type=FOLDER)
@click.option("--key", "key", type=FILE, required=True, help="The witness's key (log witness-key).")
@click.option("--state", type=NEW, required=True, help="Where this witness keeps what it has seen.")
@click.option("--vkey", help="The log's key or a file with it; needed the first time.")
@pass_frame
def witness_(frame: Frame, folder: Path, key: Path, state: Path, vkey: str | None) -> None:
    """As an independent party: check that the log only grew since you last looked, and cosign its checkpoint."""
    result = witnesses.witness(folder, key.read_bytes().decode(errors="replace"), state, now_us(), None if vkey is None else read_key(vkey))
    since = "seen for the first time" if result["grown_from"] is None else f"grown from {result['grown_from']}"
    frame.show(result, f"{result['witness']} cosigned {result['origin']}: {result['entries']} entries, {since}")


@log.command("witness-key")
@click.argument("name")
@click.argument("file", type=NEW)
@pass_frame
def witness_key(frame: Frame, name: str, file: Path) -> None:
    """Make a witness's key: FILE is secret, FILE.vkey is for everybody. NAME is such as witness.example.org/w1."""
    vkey = witnesses.make_key(name, file)
    frame.show({"key": str(file), "vkey": vkey}, vkey)
