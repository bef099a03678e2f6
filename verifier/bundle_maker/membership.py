"""A membership map and proofs from it, by hand: keys by RFC 9381 section 5.1 on affine points, the tree by its own recursion."""

import hmac
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256, sha512
from typing import Any

from bundle_maker.signing import BASE, D, L, P, Signer, pack, times
from bundle_maker.writing import canonical, leaf, path_to, root

Name = tuple[str, str]
"""Kind and identifier."""
Pairs = list[tuple[bytes, bytes]]
"""Key and value of each identifier."""
MAP = "ritornello-membership-1"
SIZE, PLACE = 9, 4


@dataclass(frozen=True)
class Map:
    """A snapshot's map: the names in it, each with the leaf hashes of its manifest rows, and the secret behind its keys."""

    snapshot_id: str
    secret: Signer
    rows: dict[Name, list[bytes]]
    manifest_root: str = "ab" * 32

    def find_pairs(self) -> Pairs:
        return [(self.find_key(name), self.find_value(name)) for name in self.rows]

    def find_key(self, name: Name) -> bytes:
        return evaluate(self.secret, text_of(name))[1][:32]

    def find_value(self, name: Name) -> bytes:
        return sha256(b"\x05" + self.find_opening(name) + root(self.rows[name])).digest()

    def find_opening(self, name: Name) -> bytes:
        return hmac.digest(self.secret.secret, self.find_key(name), "sha256")

    def find_root(self) -> str:
        return self.name_root(self.secret, tree(self.find_pairs(), 0))

    def name_root(self, secret: Signer, tree_root: bytes) -> str:
        header = {
            "format": MAP,
            "manifest_root": self.manifest_root,
            "snapshot_id": self.snapshot_id,
            "tree_root": tree_root.hex(),
            "vrf_public_key": secret.public_key().hex(),
        }
        return sha256(canonical(header)).hexdigest()


def text_of(name: Name) -> bytes:
    return canonical({"format": MAP, "identifier": name[1], "kind": name[0]})


@lru_cache(maxsize=256)
def evaluate(secret: Signer, text: bytes) -> tuple[bytes, bytes]:
    """ECVRF_prove and ECVRF_proof_to_hash: the proof's 80 bytes, the output's 64."""
    public, scalar = secret.public_key(), secret.scalar()
    place = find_place(public, text)
    gamma = times(scalar, place)
    nonce = int.from_bytes(sha512(sha512(secret.secret).digest()[32:] + pack(place)).digest(), "little") % L
    points = (times(scalar, BASE), place, gamma, times(nonce, BASE), times(nonce, place))
    challenge = sha512(b"\x03\x02" + b"".join(map(pack, points)) + b"\x00").digest()[:16]
    answer = (nonce + int.from_bytes(challenge, "little") * scalar) % L
    output = sha512(b"\x03\x03" + pack(times(8, gamma)) + b"\x00").digest()
    return pack(gamma) + challenge + answer.to_bytes(32, "little"), output


def find_place(public: bytes, text: bytes) -> tuple[int, int]:
    """Try and increment."""
    for counter in range(256):
        number = int.from_bytes(sha512(b"\x03\x01" + public + text + bytes([counter, 0])).digest()[:32], "little")
        sign, y = number >> 255, number % 2**255
        square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
        root_of = pow(square, (P + 3) // 8, P)
        if root_of * root_of % P != square:
            root_of = root_of * pow(2, (P - 1) // 4, P) % P
        if y < P and root_of * root_of % P == square and root_of:
            return times(8, (root_of if root_of % 2 == sign else P - root_of, y))
    raise AssertionError("no try was right")


def bits(key: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in key)


def tree(pairs: Pairs, depth: int) -> bytes:
    if not pairs:
        return sha256(b"\x04").digest()
    if len(pairs) == 1:
        return sha256(b"\x02" + pairs[0][0] + pairs[0][1]).digest()
    left, right = ([pair for pair in pairs if bits(pair[0])[depth] == bit] for bit in "01")
    return sha256(b"\x03" + tree(left, depth + 1) + tree(right, depth + 1)).digest()


def walk(pairs: Pairs, key: bytes) -> tuple[list[bytes], Pairs]:
    """The other branches on a key's way down, and what stands at its end: one pair or none."""
    siblings = []
    for depth in range(256):
        if len(pairs) < 2:
            break
        siblings.append(tree([pair for pair in pairs if bits(pair[0])[depth] != bits(key)[depth]], depth + 1))
        pairs = [pair for pair in pairs if bits(pair[0])[depth] == bits(key)[depth]]
    return siblings, pairs


def make_proof(world: Map, name: Name, signer: Signer) -> dict[str, Any]:
    """The proof about one name; its root is the fifth of nine entries of a log."""
    key = world.find_key(name)
    siblings, end = walk(world.find_pairs(), key)
    inside = name in world.rows
    return {
        "format": "ritornello-membership-proof-1",
        "snapshot_id": world.snapshot_id,
        "manifest_root": world.manifest_root,
        "vrf_public_key": world.secret.public_key().hex(),
        "kind": name[0],
        "identifier": name[1],
        "statement": "in" if inside else "not_in",
        "vrf_proof": evaluate(world.secret, text_of(name))[0].hex(),
        "siblings": [node.hex() for node in siblings],
        "opening": world.find_opening(name).hex() if inside else None,
        "rows": [row.hex() for row in world.rows[name]] if inside else None,
        "found": {"key": end[0][0].hex(), "value": end[0][1].hex()} if end and not inside else None,
        **make_log(world.snapshot_id, world.find_root(), signer),
    }


def make_log(snapshot_id: str, map_root: str, signer: Signer, size: int = SIZE) -> dict[str, Any]:
    """A log with the map's root in it: the fields of a proof that show it."""
    kinds = ["membership" if index == PLACE else "else" for index in range(size)]
    entries = [canonical({"at_us": index, "hash": map_root, "id": snapshot_id, "kind": kind}) for index, kind in enumerate(kinds)]
    leaves = [leaf(entry) for entry in entries]
    hashes = [node.hex() for node in path_to(PLACE, leaves)]
    return {
        "log_proof": {"entry": entries[PLACE].decode(), "index": PLACE, "tree_size": size, "hashes": hashes},
        "checkpoint": signer.checkpoint(size, root(leaves)).decode(),
        "vkey": signer.vkey(),
    }
