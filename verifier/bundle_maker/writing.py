"""Writes a bundle from its tables and documents: canonical files, leaves, log, proofs, checkpoint."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from bundle_maker.signing import Signer

Rows = list[dict[str, Any]]


@dataclass
class Contents:
    """What a bundle holds, before hashing: tables by name (rows as given, unsorted) and other files by path."""

    settlement_id: str
    period: dict[str, Rows]
    result: dict[str, Rows]
    header: dict[str, Any]
    programme: bytes
    settlement: dict[str, Any]
    reports: dict[str, bytes] = field(default_factory=dict)
    terms: list[bytes] = field(default_factory=list)

    def table(self, path: str) -> Rows:
        folder, name = path.split("/")
        return self.period[name] if folder == "period" else self.result[name]


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def table_bytes(rows: Rows) -> bytes:
    return b"".join(canonical(row) + b"\n" for row in rows)


def leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, by its own recursion."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = cut(len(leaves))
    return sha256(b"\x01" + root(leaves[:half]) + root(leaves[half:])).digest()


def path_to(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, by its own recursion."""
    if len(leaves) < 2:
        return []
    half = cut(len(leaves))
    if index < half:
        return [*path_to(index, leaves[:half]), root(leaves[half:])]
    return [*path_to(index - half, leaves[half:]), root(leaves[:half])]


def cut(size: int) -> int:
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def lines_root(data: bytes) -> str:
    return root([leaf(line) for line in data.split(b"\n")[:-1]]).hex()


def rows_root(rows: Rows) -> str:
    return root([leaf(canonical(row)) for row in rows]).hex()


def render_files(contents: Contents) -> dict[str, bytes]:
    """Path → bytes, with the hashes that documents hold of other files brought up to date."""
    files = {f"period/{name}": table_bytes(rows) for name, rows in contents.period.items()}
    files["period/programme.toml"] = contents.programme
    files |= {f"period/terms/{sha256(data).hexdigest()}.toml": data for data in contents.terms}
    files["period/period.json"] = canonical({**contents.header, "programme_sha256": sha256(contents.programme).hexdigest()}) + b"\n"
    result = {f"result/{name}": table_bytes(rows) for name, rows in contents.result.items()}
    settlement = {
        **contents.settlement,
        "inputs": {path.removeprefix("period/"): file_hash(path, data) for path, data in files.items()},
        "results": {path.split("/")[1]: file_hash(path, data) for path, data in result.items()},
    }
    files |= result
    files["result/settlement.json"] = canonical(settlement) + b"\n"
    files |= {f"reports/{name}.csv": data for name, data in contents.reports.items()}
    return dict(sorted(files.items()))


def file_hash(path: str, data: bytes) -> str:
    return lines_root(data) if path.endswith(".jsonl") else sha256(data).hexdigest()


def write_bundle(folder: Path, contents: Contents, signer: Signer) -> Path:
    files = render_files(contents)
    for path, data in files.items():
        put(folder / path, data)
    write_listing(folder, contents.settlement_id, files)
    write_log(folder, contents.settlement_id, files, signer)
    return folder


def write_listing(folder: Path, settlement_id: str, files: dict[str, bytes]) -> None:
    """bundle.json and leaves/ as they follow from the files."""
    listing = []
    for path, data in sorted(files.items()):
        is_table = path.endswith(".jsonl")
        listing.append(
            {
                "path": path,
                "kind": "table" if is_table else "document",
                "hash": file_hash(path, data),
                "rows": data.count(b"\n") if is_table else None,
            }
        )
        if is_table:
            put(folder / f"leaves/{path}.txt", b"".join(leaf(line).hex().encode() + b"\n" for line in data.split(b"\n")[:-1]))
    put(folder / "bundle.json", canonical({"format": "ritornello-bundle-1", "settlement_id": settlement_id, "files": listing}) + b"\n")


def write_log(folder: Path, settlement_id: str, files: dict[str, bytes], signer: Signer) -> None:
    entries = [canonical({"at_us": 1, "hash": "00" * 32, "id": "else", "kind": "else"})]
    for path, data in files.items():
        is_report = path.startswith("reports/")
        entry = {
            "at_us": 1_793_600_000_000_000,
            "hash": file_hash(path, data),
            "id": sha256(data).hexdigest() if is_report else settlement_id,
            "kind": "report" if is_report else path,
        }
        entries.append(canonical(entry))
    leaves = [leaf(entry) for entry in entries]
    proofs = [
        {
            "path": path,
            "entry": entries[index].decode(),
            "index": index,
            "tree_size": len(entries),
            "hashes": [node.hex() for node in path_to(index, leaves)],
        }
        for index, path in enumerate(files, 1)
    ]
    put(folder / "proofs.jsonl", table_bytes(sorted(proofs, key=lambda row: str(row["path"]))))
    put(folder / "checkpoint.txt", signer.checkpoint(len(entries), root(leaves)))
    put(folder / "log.vkey", f"{signer.vkey()}\n".encode())


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
