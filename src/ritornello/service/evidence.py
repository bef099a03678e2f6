"""Evidence of a decision (a signed form, a mail): kept encrypted with a key of its own, so that erasing the key erases it, and no proof breaks.

AES-256-GCM (NIST SP 800-38D). The event and the log know only the hash of the encrypted bytes.
"""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ritornello.domain.errors import Refused
from ritornello.service.context import Context
from ritornello.store import catalogue, consents

MAX_BYTES = 10 << 20
_NONCE = 12


def keep(context: Context, party_id: str, data: bytes) -> str:
    """Encrypt and keep evidence; returns the SHA-256 of the encrypted bytes."""
    key, nonce = context.random_bytes(32), context.random_bytes(_NONCE)
    sha256 = context.files.put(nonce + AESGCM(key).encrypt(nonce, data, None))
    consents.keep_evidence_key(context.connection, sha256, party_id, key)
    return sha256


def refuse_large(data: bytes) -> None:
    """Raise Refused when what somebody hands in as evidence is too much."""
    if len(data) > MAX_BYTES:
        raise Refused("evidence_too_large", f"evidence may have {MAX_BYTES >> 20} MiB", "keep a smaller copy")


def read(context: Context, evidence_sha256: str) -> bytes:
    """The evidence in clear. Raises Refused when its key was erased."""
    key = consents.read_evidence_key(context.connection, evidence_sha256)
    if key is None:
        raise Refused(
            "evidence_erased", "there is no such evidence, or it was erased", "nothing can bring it back; the decision itself stays proved"
        )
    data = context.files.get(evidence_sha256)
    return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], None)


def erase(context: Context, party_id: str) -> int:
    """Erase all evidence that holds a party's personal data, for ever; returns how much. Events and proofs stay as they are."""
    if party_id not in catalogue.read_parties(context.connection):
        raise Refused("unknown_party", f"there is no party {party_id!r}", "see `ritornello catalogue show`")
    return consents.erase_evidence_keys(context.connection, party_id)
