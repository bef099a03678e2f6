"""Showing a stranger that something is, or is not, in a frozen dataset, without showing what else is (docs/formats/merkle-map.md)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import insert, select

from ritornello.domain import merkle, merkle_map
from ritornello.domain.errors import Refused
from ritornello.domain.identifiers import parse_isrc
from ritornello.formats import membership as proofs
from ritornello.formats.canonical import encode_table, fingerprint_table, lines, write_atomically
from ritornello.service import log as logs
from ritornello.service.context import Context
from ritornello.store import schema


def commit(context: Context, snapshot_id: str, manifest: bytes) -> str:
    """Make a new snapshot's membership map and commit its root to the log. Returns the root in hex.

    To be called once, when the snapshot is frozen; `manifest` is its table. About a millisecond for each asset, recording and ISRC.
    """
    header, blinding = _header(context, snapshot_id, fingerprint_table(manifest).hash)
    rows = _gather(context, manifest)
    context.tell(f"blinding {len(rows)} identifiers for the membership map")
    entries = proofs.blind(blinding, rows)
    root = header.root(merkle_map.root(merkle_map.sort_entries(list(entries.values()))))
    kept = [
        {
            "kind": kind,
            "identifier": identifier,
            "key": key.hex(),
            "value": value.hex(),
            "rows": [row.hex() for row in rows[kind, identifier]],
        }
        for (kind, identifier), (key, value) in entries.items()
    ]
    table = encode_table(kept, ("key",))
    context.connection.execute(
        insert(schema.membership_map).values(snapshot_id=snapshot_id, root=root, entries_sha256=context.files.put(table))
    )
    context.record("membership", snapshot_id, root)
    return root


@dataclass(frozen=True, slots=True)
class Map:
    """A snapshot's map with its secrets, opened to prove several identifiers."""

    header: proofs.Header
    blinding: proofs.Blinding
    entries: Sequence[merkle_map.Entry]
    rows: Mapping[tuple[str, str], Sequence[bytes]]  # (kind, identifier) → leaf hashes of the manifest rows it names
    root: str
    logged: Mapping[str, Any]  # what shows the root in the log: `log_proof`, `checkpoint`, `vkey`

    def prove(self, kind: str, identifier: str) -> bytes:
        """The proof that the identifier is in the snapshot or is not, checked before it is handed out."""
        leaves = self.rows.get((kind, identifier), ())
        document = proofs.write_proof(self.header, self.blinding, self.entries, kind, identifier, leaves, self.logged)
        proofs.check_proof(document, root=self.root)
        return document


def open_map(context: Context, snapshot_id: str, note: str | None = None) -> Map:
    """Raises Refused when there is no such snapshot, or it has no map. `note`: a checkpoint to prove over, in place of a new one."""
    snapshot = context.connection.execute(select(schema.snapshot).where(schema.snapshot.c.snapshot_id == snapshot_id)).first()
    if snapshot is None:
        raise Refused("unknown_snapshot", f"there is no snapshot {snapshot_id!r}", "freeze one: ritornello snapshot freeze")
    stored = context.connection.execute(select(schema.membership_map).where(schema.membership_map.c.snapshot_id == snapshot_id)).first()
    if stored is None:
        raise Refused("no_membership_map", f"{snapshot_id} was frozen before there were membership maps", "freeze a new one")
    header, blinding = _header(context, snapshot_id, snapshot.manifest_root)
    kept = [json.loads(line) for line in lines(context.files.get(stored.entries_sha256))]
    entries = [(bytes.fromhex(row["key"]), bytes.fromhex(row["value"])) for row in kept]
    assert header.root(merkle_map.root(entries)) == stored.root, "the map is not the one that was logged: was the log's key replaced?"
    rows = {(row["kind"], row["identifier"]): [bytes.fromhex(leaf) for leaf in row["rows"]] for row in kept}
    proof, checkpoint, vkey = logs.prove_artefact(context, "membership", snapshot_id, note)
    return Map(header, blinding, entries, rows, stored.root, {"log_proof": proof, "checkpoint": checkpoint, "vkey": vkey})


def prove(context: Context, snapshot_id: str, identifier: str, kind: str | None, out: Path, note: str | None = None) -> proofs.Answer:
    """Write the proof that an asset, recording or ISRC is in a snapshot or is not. Without `kind`, it is what the identifier looks like.

    `note`: a checkpoint that whoever asks holds; the proof is then over it, not over the log as it is now.
    """
    opened = open_map(context, snapshot_id, note)
    document = opened.prove(*_recognise(identifier, kind))
    if out.exists():
        raise Refused("out_exists", f"{out} exists already", "choose a new file")
    write_atomically(out, document)
    return proofs.check_proof(document, root=opened.root)


def check(data: bytes, *, root: str | None = None, vkey: str | None = None, note: str | None = None) -> proofs.Answer:
    """What a proof shows, with the map's root, the log's key or a checkpoint that somebody trusted gave. Needs no home. Raises Refused when
    it shows nothing."""
    try:
        return proofs.check_proof(data, root=None if root is None else root.strip().lower(), vkey=vkey, note=note)
    except ValueError as error:
        raise Refused("bad_proof", f"the proof {error}", "ask for it again; take root, key and checkpoint from the log") from None


def read_root(context: Context, snapshot_id: str) -> str | None:
    """The logged root of a snapshot's map."""
    return context.connection.scalar(select(schema.membership_map.c.root).where(schema.membership_map.c.snapshot_id == snapshot_id))


def _header(context: Context, snapshot_id: str, manifest_root: str) -> tuple[proofs.Header, proofs.Blinding]:
    secret = context.read_key().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    blinding = proofs.derive_blinding(secret, snapshot_id)
    return proofs.Header(snapshot_id, manifest_root, blinding.public.hex()), blinding


def _gather(context: Context, manifest: bytes) -> Mapping[tuple[str, str], list[bytes]]:
    """(kind, identifier) → leaf hashes of the manifest rows it names, in the manifest's order."""
    query = select(schema.recording.c.recording_id, schema.recording.c.isrc).where(schema.recording.c.isrc.is_not(None))
    isrcs = {row.recording_id: row.isrc for row in context.connection.execute(query)}
    found: dict[tuple[str, str], list[bytes]] = {}
    for line in lines(manifest):
        row, leaf = json.loads(line), merkle.leaf_hash(line)
        names = [("asset", row["asset_id"]), ("recording", row["recording_id"])]
        names += [("isrc", isrcs[row["recording_id"]])] if row["recording_id"] in isrcs else []
        for name in names:
            found.setdefault(name, []).append(leaf)
    return found


def _recognise(identifier: str, kind: str | None) -> tuple[str, str]:
    """What the identifier is, and its canonical form: ISRCs are the same with and without hyphens, in either case."""
    try:
        isrc = parse_isrc(identifier) if kind in (None, "isrc") else ""
    except ValueError as error:
        if kind == "isrc":
            raise Refused("bad_identifier", str(error), "check it") from None
        isrc = ""
    if isrc:
        return "isrc", isrc
    kind = kind or ("asset" if identifier.startswith("sha256:") else "recording")
    if not proofs.is_canonical(kind, identifier):
        raise Refused("bad_identifier", f"{identifier!r} is not written as one of the kind {kind}", "check it")
    return kind, identifier
