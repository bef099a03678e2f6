"""Witness cosignatures on checkpoints: C2SP tlog-cosignature with Ed25519 (`cosignature/v1`), and the witness's own key.

A cosignature says: of all trees of this log that I have seen, each grew from the one before, and at this moment this is the largest.
Sources: c2sp.org/tlog-cosignature; the signer key's text is the one of golang.org/x/mod/sumdb/note.
"""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ritornello.formats.checkpoint import Key, Signature, parse_key, split_note

COSIGNATURE = 0x04
_PREFIX = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's signing key: `seed` is the Ed25519 seed (32 bytes) and secret."""

    name: str
    seed: bytes

    def public(self) -> Key:
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return Key(self.name, COSIGNATURE, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def text(self) -> str:
        """The key as its owner keeps it in a file."""
        return f"{_PREFIX}{self.name}+{self.public().key_id.hex()}+{base64.b64encode(bytes([COSIGNATURE]) + self.seed).decode()}"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified statement of a witness; `at_s` is seconds since 1970."""

    witness: str
    at_s: int


def parse_witness_key(text: str) -> WitnessKey:
    """Raises ValueError when the text is no witness's signing key."""
    name, _, rest = text.strip().removeprefix(_PREFIX).partition("+")
    encoded = rest.partition("+")[2]
    try:
        data = base64.b64decode(encoded, validate=True)
        key = WitnessKey(name, data[1:])
        if not text.startswith(_PREFIX) or data[:1] != bytes([COSIGNATURE]) or len(data) != 33 or key.text() != text.strip():
            raise ValueError
    except ValueError:
        raise ValueError("is not a witness key (PRIVATE+KEY+name+id+base64)") from None
    return key


def parse_witness(vkey: str) -> Key:
    """A witness's verifier key. Raises ValueError when the text is none."""
    return parse_key(vkey, COSIGNATURE)


def cosign(note: str, key: WitnessKey, at_s: int) -> str:
    """The note with this witness's cosignature as its last line, in place of an earlier one by the same key."""
    text, signatures = split_note(note)
    public = key.public()
    value = Ed25519PrivateKey.from_private_bytes(key.seed).sign(_message(text, at_s))
    others = [signature for signature in signatures if (signature.name, signature.key_id) != (public.name, public.key_id)]
    own = Signature(public.name, public.key_id, at_s.to_bytes(8, "big") + value)
    return text + "\n" + "".join(signature.line() for signature in [*others, own])


def read_cosignatures(note: str, witnesses: list[Key]) -> list[Cosignature]:
    """What these witnesses say about the note; one line at most for each key, whatever names it goes by.

    Raises ValueError when one that claims to be by such a witness is not: a note with a forged line is not to be used at all.
    """
    text, signatures = split_note(note)
    found: dict[bytes, Cosignature] = {}
    for key in witnesses:
        for signature in signatures:
            if (signature.name, signature.key_id) != (key.name, key.key_id):
                continue
            at_s, value = int.from_bytes(signature.value[:8], "big"), signature.value[8:]
            if len(value) != 64 or at_s >= 1 << 63 or not key.verifies(value, _message(text, at_s)):
                raise ValueError(f"has a cosignature of {key.name} that does not fit it")
            if key.raw not in found or found[key.raw].at_s < at_s:
                found[key.raw] = Cosignature(key.name, at_s)
    return sorted(found.values(), key=lambda each: each.witness)


def _message(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()
