"""The log's key and checkpoint: a C2SP signed note over a C2SP tlog-checkpoint."""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from ritornello_verify import ed25519

ED25519_KIND = b"\x01"
NOTE_LIMIT = 1 << 16
"""Bytes a checkpoint or a key may have."""
SIGNATURE_LIMIT = 100


class BadNote(Exception):
    """A key or checkpoint that is not written as its format says, or is not signed by the key."""


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    key_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size (in entries) and root, as signed."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: tuple[tuple[str, bytes], ...]


def read_key(text: str) -> Key:
    """`NAME+HEXKEYID+BASE64`; the base64 may hold `+` itself. One line end at the end is allowed."""
    parts = text.removesuffix("\n").split("+", 2)
    if len(parts) != 3 or not is_name(parts[0]) or not re.fullmatch("[0-9a-f]{8}", parts[1]):
        raise BadNote("the key is not written NAME+HEXKEYID+BASE64")
    raw = decode_base64(parts[2])
    if len(raw) != 33 or raw[:1] != ED25519_KIND:
        raise BadNote("the key is not an Ed25519 public key (0x01 and 32 bytes)")
    key_id = sha256(parts[0].encode() + b"\n" + raw).digest()[:4]
    if key_id.hex() != parts[1]:
        raise BadNote(f"the key's id is {parts[1]}, but its name and public key give {key_id.hex()}")
    return Key(parts[0], key_id, raw[1:])


def read_checkpoint(data: bytes) -> Checkpoint:
    """Three lines (origin, size, root), an empty line, signature lines."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNote("the checkpoint is not UTF-8") from None
    body, found, tail = text.partition("\n\n")
    lines = body.split("\n")
    if not found or len(lines) != 3 or not tail.endswith("\n"):
        raise BadNote("the checkpoint is not three lines, an empty line and signature lines (is it cut off?)")
    if not is_name(lines[0]) or not re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]):
        raise BadNote("the checkpoint's first two lines are not an origin and a tree size")
    root = decode_base64(lines[2])
    if len(root) != 32:
        raise BadNote("the checkpoint's root hash has not 32 bytes")
    signatures = tuple(read_signature(line) for line in tail[:-1].split("\n")[: SIGNATURE_LIMIT + 1])
    if len(signatures) > SIGNATURE_LIMIT:
        raise BadNote(f"the checkpoint has more than {SIGNATURE_LIMIT} signatures")
    return Checkpoint(lines[0], int(lines[1]), root, body + "\n", signatures)


def read_signature(line: str) -> tuple[str, bytes]:
    match = re.fullmatch("\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)", line)
    if not match or not is_name(match[1]):
        raise BadNote("a signature line of the checkpoint is not written `— NAME BASE64`")
    return match[1], decode_base64(match[2])


def check_signature(checkpoint: Checkpoint, key: Key) -> None:
    """Other keys' signatures are passed over, as the signed note format asks; one by this key must be there, and each by it be right."""
    if checkpoint.origin != key.name:
        raise BadNote(f"the checkpoint's origin is {checkpoint.origin!r}, but the key's name {key.name!r}")
    by_key = [raw[4:] for name, raw in checkpoint.signatures if name == key.name and raw[:4] == key.key_id]
    if not by_key:
        raise BadNote(f"the checkpoint bears no signature of the key {key.name}+{key.key_id.hex()}")
    if not all(ed25519.verify(key.public_key, checkpoint.text.encode(), signature) for signature in by_key):
        raise BadNote(f"the signature of the key {key.name}+{key.key_id.hex()} is wrong")


def decode_base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise BadNote("not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise BadNote("base64 with stray bits")
    return raw


def is_name(text: str) -> bool:
    """The signed note format: not empty, no white space, no plus."""
    return bool(text) and "+" not in text and text.isprintable() and not any(character.isspace() for character in text)
