"""Signed checkpoints of the transparency log: C2SP tlog-checkpoint inside a C2SP signed-note, with Ed25519.

Sources: c2sp.org/tlog-checkpoint, c2sp.org/signed-note (key ids: SHA-256 over name, newline, algorithm byte, key; first four bytes).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519 = 0x01
NOTE_LIMIT = 64 * 1024  # characters; more is not read
_SIGNATURES_LIMIT = 100
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log commits to: its name, how many entries, and their root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who says to have signed, the key's short id (4 bytes), and the signature itself."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Key:
    """A verifier key (vkey): a name, an algorithm byte, an Ed25519 public key."""

    name: str
    algorithm: int
    raw: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.raw).digest()[:4]

    def text(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.algorithm]) + self.raw).decode()}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The signed note of a checkpoint."""
    text = checkpoint.text()
    name = checkpoint.origin
    return f"{text}\n{Signature(name, _own_key(name, key.public_key()).key_id, key.sign(text.encode())).line()}"


def sign_text(name: str, text: bytes, key: Ed25519PrivateKey) -> str:
    """The signature line, without its line end, of a signed note over any text that ends with one.

    Nobody can take it for a checkpoint: that begins with the log's name alone on a line.
    """
    assert text.endswith(b"\n") and text.split(b"\n")[0] != name.encode()
    return Signature(name, _own_key(name, key.public_key()).key_id, key.sign(text)).line().removesuffix("\n")


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """The note verifier key (vkey) that strangers need: name, key id, algorithm and public key."""
    return _own_key(name, key).text()


def open_note(note: str, vkey: str) -> Checkpoint:
    """The checkpoint inside a signed note, when the key's signature on it is right. Raises ValueError with what is wrong.

    The origin line must be the key's name: a signature by another log's key says nothing about this one.
    """
    key, checkpoint = parse_key(vkey, ED25519), parse_checkpoint(note)
    if checkpoint.origin != key.name:
        raise ValueError(f"is of {checkpoint.origin!r}, the key of {key.name!r}")
    text, signatures = split_note(note)
    own = [signature for signature in signatures if (signature.name, signature.key_id) == (key.name, key.key_id)]
    if not own:
        raise ValueError(f"carries no signature of {key.name}")
    if not all(key.verifies(signature.value, text.encode()) for signature in own):
        raise ValueError(f"the signature of {key.name} does not fit the checkpoint")
    return checkpoint


def parse_checkpoint(note: str) -> Checkpoint:
    """What a note says, whoever signed it. Raises ValueError unless it is written in the one way that it should be."""
    text, _ = split_note(note)
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]) or int(lines[1]) >= 1 << 63:
        raise ValueError("is not a checkpoint (name, number of entries, root)")
    root = _decode(lines[2])
    if len(root) != 32:
        raise ValueError("has a root that is not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def split_note(note: str) -> tuple[str, list[Signature]]:
    """A signed note's text (with its last line end) and its signatures. Raises ValueError when it is no signed note."""
    if len(note) > NOTE_LIMIT:
        raise ValueError(f"is longer than {NOTE_LIMIT} characters")
    head, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or any(character < " " and character != "\n" for character in note):
        raise ValueError("is not a signed note (text, an empty line, signatures)")
    found = [_LINE.fullmatch(line) for line in tail.split("\n")[:-1]]
    if len(found) > _SIGNATURES_LIMIT:
        raise ValueError(f"has more than {_SIGNATURES_LIMIT} signatures")
    signatures = []
    for match in found:
        decoded = _decode(match[2]) if match else b""
        if match is None or len(decoded) < 5:
            raise ValueError("has a line among its signatures that is none")
        signatures.append(Signature(match[1], decoded[:4], decoded[4:]))
    return head + "\n", signatures


def parse_key(vkey: str, algorithm: int) -> Key:
    """A verifier key of the wanted algorithm. Raises ValueError when it is none."""
    name, _, rest = vkey.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        data = _decode(encoded)
    except ValueError:
        data = b""
    key = Key(name, algorithm, data[1:])
    if not name or any(character.isspace() for character in name) or len(data) != 33 or data[0] != algorithm or key.key_id.hex() != key_id:
        raise ValueError(f"is not a verifier key of type {algorithm} (name+id+base64)")
    return key


def _decode(text: str) -> bytes:
    """Base 64 written in the one canonical way."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("has something that is not base 64") from None
    if base64.b64encode(data).decode() != text:
        raise ValueError("has base 64 with stray bits")
    return data


def _own_key(name: str, key: Ed25519PublicKey) -> Key:
    return Key(name, ED25519, key.public_bytes(Encoding.Raw, PublicFormat.Raw))
