"""Signed checkpoints of the transparency log: C2SP tlog-checkpoint inside a C2SP signed-note, with Ed25519.

Sources: c2sp.org/tlog-checkpoint, c2sp.org/signed-note (key ids: SHA-256 over name, newline, algorithm byte, key; first four bytes).
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log commits to: its name, how many entries, and their root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The signed note of a checkpoint."""
    text = checkpoint.text()
    name = checkpoint.origin
    signature = _key_id(name, _raw(key.public_key())) + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """The note verifier key (vkey) that strangers need: name, key id, algorithm and public key."""
    raw = _raw(key)
    return f"{name}+{_key_id(name, raw).hex()}+{base64.b64encode(_ED25519 + raw).decode()}"


def open_note(note: str, vkey: str) -> Checkpoint:
    """The checkpoint inside a signed note, when the key's signature on it is right. Raises ValueError with what is wrong."""
    name, key_id, public = _parse_vkey(vkey)
    text, separator, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) < 3:
        raise ValueError("is not a signed checkpoint (three lines, an empty line, signatures)")
    text += "\n"
    wanted = [line.split(" ") for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    for _, _, encoded in (parts for parts in wanted if len(parts) == 3):
        signature = base64.b64decode(encoded, validate=True)
        if signature[:4] == key_id:
            try:
                public.verify(signature[4:], text.encode())
            except InvalidSignature:
                raise ValueError(f"the signature of {name} does not fit the checkpoint") from None
            return Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
    raise ValueError(f"carries no signature of {name}")


def _parse_vkey(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    try:
        name, key_id, encoded = vkey.strip().split("+", 2)
        data = base64.b64decode(encoded, validate=True)
        if data[:1] != _ED25519 or len(data) != 33 or _key_id(name, data[1:]).hex() != key_id:
            raise ValueError
    except (ValueError, binascii.Error):
        raise ValueError("is not an Ed25519 verifier key (name+id+base64)") from None
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(data[1:])


def _key_id(name: str, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:4]


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
