"""Proofs that something is, or is not, in a frozen dataset: docs/formats/merkle-map.md in code."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ritornello.domain import merkle, merkle_map, vrf
from ritornello.domain.identifiers import parse_isrc, parse_own
from ritornello.domain.merkle_map import Entry, MapProof
from ritornello.formats.canonical import encode, encode_document
from ritornello.formats.log_proof import open_entry

MAP_FORMAT = "ritornello-membership-1"
PROOF_FORMAT = "ritornello-membership-proof-1"
KINDS = ("asset", "recording", "isrc")
PROOF_LIMIT = 1 << 20
_ASSET = re.compile("sha256:[0-9a-f]{64}")
_NOTHING = type(None)
_FIELDS: dict[str, tuple[type, ...]] = {
    "format": (str,),
    "snapshot_id": (str,),
    "manifest_root": (str,),
    "vrf_public_key": (str,),
    "kind": (str,),
    "identifier": (str,),
    "statement": (str,),
    "vrf_proof": (str,),
    "siblings": (list,),
    "found": (dict, _NOTHING),
    "opening": (str, _NOTHING),
    "rows": (list, _NOTHING),
    "log_proof": (dict,),
    "checkpoint": (str,),
    "vkey": (str,),
}


@dataclass(frozen=True, slots=True)
class Blinding:
    """The secrets of one snapshot's map: who holds them can blind identifiers and prove; each is 32 bytes."""

    vrf_seed: bytes
    opening_key: bytes

    @property
    def public(self) -> bytes:
        return vrf.public_key(self.vrf_seed)


@dataclass(frozen=True, slots=True)
class Header:
    """What a map is about; the logged root commits to it together with the tree."""

    snapshot_id: str
    manifest_root: str
    vrf_public_key: str

    def root(self, tree_root: bytes) -> str:
        """The map's root in hex: SHA-256 of the canonical header."""
        fields = {
            "format": MAP_FORMAT,
            "snapshot_id": self.snapshot_id,
            "manifest_root": self.manifest_root,
            "vrf_public_key": self.vrf_public_key,
            "tree_root": tree_root.hex(),
        }
        return hashlib.sha256(encode(fields)).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a checked proof shows. `root` is the map's; `rows` are the leaf hashes (hex) of the manifest rows; none when it is not in."""

    snapshot_id: str
    manifest_root: str
    kind: str
    identifier: str
    included: bool
    root: str
    rows: tuple[str, ...]


def derive_blinding(secret: bytes, snapshot_id: str) -> Blinding:
    """The blinding of one snapshot from a long-lived secret: HMAC-SHA256, a different label for each."""

    def derive(label: str) -> bytes:
        return hmac.digest(secret, encode({"format": MAP_FORMAT, "label": label, "snapshot_id": snapshot_id}), "sha256")

    return Blinding(derive("vrf"), derive("opening"))


def blind(blinding: Blinding, rows: Mapping[tuple[str, str], Sequence[bytes]]) -> dict[tuple[str, str], Entry]:
    """(kind, identifier) → leaf hashes of its manifest rows become (kind, identifier) → the map's entry, blinded."""
    public, entries = blinding.public, {}
    for (kind, identifier), leaves in rows.items():
        key = vrf.evaluate(blinding.vrf_seed, public, _text(kind, identifier))[:32]
        entries[kind, identifier] = (key, _commit(_opening(blinding, key), leaves))
    return entries


def write_proof(
    header: Header,
    blinding: Blinding,
    entries: Sequence[Entry],
    kind: str,
    identifier: str,
    leaves: Sequence[bytes],
    logged: Mapping[str, Any],
) -> bytes:
    """The proof document about one identifier; `leaves` are the leaf hashes of its manifest rows, none when it has none.

    `logged` are the fields that show the map's root in the log: `log_proof`, `checkpoint`, `vkey`.
    """
    vrf_proof = vrf.prove(blinding.vrf_seed, _text(kind, identifier))
    key = vrf.evaluate(blinding.vrf_seed, blinding.public, _text(kind, identifier))[:32]
    proof = merkle_map.prove(entries, key)
    included = proof.found is not None and proof.found[0] == key
    assert included == bool(leaves), "the map and the manifest disagree"
    document = {
        "format": PROOF_FORMAT,
        "snapshot_id": header.snapshot_id,
        "manifest_root": header.manifest_root,
        "vrf_public_key": header.vrf_public_key,
        "kind": kind,
        "identifier": identifier,
        "statement": "in" if included else "not_in",
        "vrf_proof": vrf_proof.hex(),
        "siblings": [sibling.hex() for sibling in proof.siblings],
        "found": {"key": proof.found[0].hex(), "value": proof.found[1].hex()} if proof.found and not included else None,
        "opening": _opening(blinding, key).hex() if included else None,
        "rows": [leaf.hex() for leaf in leaves] if included else None,
        **logged,
    }
    return encode_document(document)


def check_proof(data: bytes, *, root: str | None = None, vkey: str | None = None, note: str | None = None) -> Answer:
    """What a proof shows. From somebody you trust: the map's root (hex), the log's key, a checkpoint; the proof's own are as good as
    whoever made it. Raises ValueError when it shows nothing."""
    proof = _parse(data)
    key = vrf.verify(_bytes(proof["vrf_public_key"], 32), _text(proof["kind"], proof["identifier"]), _bytes(proof["vrf_proof"], 80))
    if key is None:
        raise ValueError("does not show where this identifier belongs (the random function's proof is wrong)")
    key = key[:32]
    siblings = tuple(_bytes(each, 32) for each in proof["siblings"])
    rows: list[str] = []
    found: Entry | None = None
    if proof["statement"] == "in":
        rows = proof["rows"]
        found = (key, _commit(_bytes(proof["opening"], 32), [_bytes(row, 32) for row in rows]))
    elif proof["found"] is not None:
        found = (_bytes(proof["found"]["key"], 32), _bytes(proof["found"]["value"], 32))
        if found[0] == key:
            raise ValueError("says that the identifier is not in, and shows that it is")
    tree_root = merkle_map.proved_root(key, MapProof(siblings, found))
    header = Header(proof["snapshot_id"], proof["manifest_root"], proof["vrf_public_key"])
    found_root = header.root(tree_root) if tree_root is not None else None
    if found_root is None or root not in (None, found_root):
        raise ValueError("does not lead to this root")
    entry = open_entry(proof["log_proof"], proof["checkpoint"] if note is None else note, proof["vkey"] if vkey is None else vkey)
    if (entry.get("kind"), entry.get("id"), entry.get("hash")) != ("membership", header.snapshot_id, found_root):
        raise ValueError("does not lead to the root that the log has for this snapshot")
    return Answer(header.snapshot_id, header.manifest_root, proof["kind"], proof["identifier"], bool(rows), found_root, tuple(rows))


def is_canonical(kind: str, identifier: str) -> bool:
    """Whether an identifier is written in its one form: a proof about another form would call every misspelling "not in"."""
    if kind == "asset":
        return _ASSET.fullmatch(identifier) is not None
    try:
        return {"recording": parse_own, "isrc": parse_isrc}[kind](identifier) == identifier
    except ValueError:
        return False


def _parse(data: bytes) -> dict[str, Any]:
    """The proof's fields, when it is written in the one way that it should be."""
    wrong = ValueError("is not a membership proof")
    if len(data) > PROOF_LIMIT:
        raise wrong
    try:
        proof = json.loads(data)
        if not isinstance(proof, dict) or encode_document(proof) != data:
            raise wrong
    except (ValueError, RecursionError):
        raise wrong from None
    if set(proof) != set(_FIELDS) or not all(isinstance(proof[name], kinds) for name, kinds in _FIELDS.items()):
        raise wrong
    if proof["format"] != PROOF_FORMAT or proof["kind"] not in KINDS or proof["statement"] not in ("in", "not_in"):
        raise wrong
    if not is_canonical(proof["kind"], proof["identifier"]):
        raise ValueError(f"is about no {proof['kind']}: {proof['identifier'][:80]!a} is not written as one")
    included = proof["statement"] == "in"
    if (proof["opening"] is not None) != included or (proof["rows"] is not None) != included or proof["rows"] == []:
        raise wrong
    if proof["found"] is not None and (included or set(proof["found"]) != {"key", "value"}):
        raise wrong
    return proof


def _text(kind: str, identifier: str) -> bytes:
    return encode({"format": MAP_FORMAT, "identifier": identifier, "kind": kind})


def _opening(blinding: Blinding, key: bytes) -> bytes:
    return hmac.digest(blinding.opening_key, key, "sha256")


def _commit(opening: bytes, leaves: Sequence[bytes]) -> bytes:
    """Hides the rows from whoever sees this entry beside another one's proof."""
    return hashlib.sha256(b"\x05" + opening + merkle.root(leaves)).digest()


def _bytes(text: object, length: int) -> bytes:
    if not isinstance(text, str) or len(text) != 2 * length or not set(text) <= set("0123456789abcdef"):
        raise ValueError("has a value that is not hex of the right length")
    return bytes.fromhex(text)
