"""The bundle: everything of one settlement that a stranger needs to recompute it, with proofs that it is what was logged (docs/formats/bundle.md)."""

from dataclasses import asdict
from pathlib import Path

from ritornello.domain import merkle
from ritornello.formats import checkpoint as notes
from ritornello.formats.canonical import build_folder, encode_document, encode_table, fingerprint, lines, write_atomically
from ritornello.service import settlement_files, statements
from ritornello.service.context import Context
from ritornello.store import log

BUNDLE_FORMAT = "ritornello-bundle-1"


def write_bundle(context: Context, settlement_id: str, folder: Path) -> int:
    """Write a settlement's bundle into a new folder. Returns the number of files that it proves."""
    files = settlement_files.read_all(context, settlement_id)
    tables = statements.parse_tables(files)
    reports = sorted({row["report_sha256"] for kind in ("revenue", "usage", "points") for row in tables[kind]})
    files |= {f"reports/{sha256}.csv": context.files.get(sha256) for sha256 in reports}
    tree = log.read_tree(context.connection)
    listing, proofs = [], []
    for path, data in sorted(files.items()):
        found = fingerprint(path, data)
        kind, name = ("report", Path(path).stem) if path.startswith("reports/") else (path, settlement_id)
        position, entry = log.find(context.connection, kind, name)
        (proof,) = log.prove(tree, {position: entry})
        listing.append({"path": path, "kind": "document" if found.rows is None else "table", "hash": found.hash, "rows": found.rows})
        proofs.append({"path": path, **asdict(proof), "hashes": list(proof.hashes)})
    key = context.read_key()
    note = notes.sign(notes.Checkpoint(context.origin, tree.size, tree.root()), key)
    extra = {
        "bundle.json": encode_document({"format": BUNDLE_FORMAT, "settlement_id": settlement_id, "files": listing}),
        "proofs.jsonl": encode_table(proofs, ("path",)),
        "checkpoint.txt": note.encode(),
        "log.vkey": notes.verifier_key(context.origin, key.public_key()).encode() + b"\n",
    }
    extra |= {f"leaves/{path}.txt": _leaves(data) for path, data in files.items() if path.endswith(".jsonl")}
    with build_folder(folder) as building:
        for path, data in {**files, **extra}.items():
            write_atomically(building / path, data)
    return len(listing)


def _leaves(table: bytes) -> bytes:
    return b"".join(merkle.leaf_hash(line).hex().encode() + b"\n" for line in lines(table))
