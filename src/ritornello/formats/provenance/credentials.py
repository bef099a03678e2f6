"""Who signs: a certificate chain and its private key, checked before anything is signed with them. The key is never copied, logged or shown."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from ritornello.domain.errors import Problem, raise_if_any

MAX_BYTES = 1 << 20
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
RSA_BITS = 2048
# What a claim signer's certificate may be for. c2pa-python takes only the first unless it is told of the others; reading is told the same list.
SIGNING_PURPOSES = {
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.36": "documentSigning",
    "1.3.6.1.4.1.62558.2.1": "c2pa-kp-claimSigning",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """A chain (PEM, the signer's certificate first) and its key (PEM, PKCS #8, in memory only)."""

    algorithm: str
    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    certificate_sha256: str  # of the signer's certificate in DER


def load_credentials(certificate: Path, key: Path, at: datetime, password: bytes | None = None) -> Credentials:
    """Read and check both files. Raises BadInput with every problem; nothing of the key is in a message."""
    problems: list[Problem] = []
    chain = _read_chain(certificate, problems)
    private = _read_key(key, password, problems)
    if chain:
        _check_chain(certificate.name, chain, at, problems)
    algorithm = _algorithm(private) if private is not None else None
    if private is not None and algorithm is None:
        what = f"is of a kind that can't sign C2PA claims; kinds are P-256, P-384, P-521, Ed25519 and RSA of at least {RSA_BITS} bits"
        problems.append(Problem(key.name, None, None, what, "make a key of one of these kinds"))
    elif private is not None and chain and _public(private) != _public_of(chain[0]):
        what = f"is not the key of the first certificate in {certificate.name}"
        problems.append(Problem(key.name, None, None, what, "name the key that belongs to it; the signer's certificate comes first"))
    raise_if_any(problems)
    assert private is not None and algorithm is not None
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in chain)
    leaf = hashlib.sha256(chain[0].public_bytes(Encoding.DER)).hexdigest()
    return Credentials(algorithm, pem, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), leaf)


def read_anchors(path: Path) -> bytes:
    """Certificates to trust, as PEM. Raises BadInput."""
    problems: list[Problem] = []
    found = _read_chain(path, problems)
    raise_if_any(problems)
    return b"".join(one.public_bytes(Encoding.PEM) for one in found)


_Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def _read_chain(path: Path, problems: list[Problem]) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except (ValueError, OSError):
        problems.append(
            Problem(path.name, None, None, "holds no certificates in PEM", "give the chain as PEM, the signer's certificate first")
        )
        return []


def _read_key(path: Path, password: bytes | None, problems: list[Problem]) -> _Key | None:
    try:
        found = load_pem_private_key(_read(path), password)
    except TypeError:
        what, todo = ("is encrypted", "give --password-file") if password is None else ("is not encrypted", "leave --password-file out")
    except (ValueError, OSError):
        wrong = " that this password opens" if password is not None else ""
        what, todo = f"holds no private key in PEM{wrong}", "check the file"
    except Exception as error:  # cryptography names a kind of key it doesn't know with its own exception
        what, todo = f"can't be read: {error.__class__.__name__}", "check the file"
    else:
        if isinstance(found, _Key):
            return found
        what, todo = "is no key for signing", "give an EC, Ed25519 or RSA key"
    problems.append(Problem(path.name, None, None, what, todo))
    return None


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("too large")
    return path.read_bytes()


def _check_chain(name: str, chain: list[x509.Certificate], at: datetime, problems: list[Problem]) -> None:
    leaf = chain[0]

    def note(what: str, todo: str) -> None:
        problems.append(Problem(name, None, None, what, todo))

    for place, one in enumerate(chain, 1):
        first, last = one.not_valid_before_utc, one.not_valid_after_utc
        if not first <= at.astimezone(UTC) <= last:
            note(f"certificate {place} is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}, not now", "use one that is valid")
    if leaf.issuer == leaf.subject:
        note("the first certificate signed itself, which C2PA forbids", "let an authority issue it, and put it first")
    elif _is_authority(leaf):
        note("the first certificate is an authority's", "put the signer's certificate first")
    elif not _purposes(leaf) & set(SIGNING_PURPOSES):
        note(f"the first certificate is not for any of {', '.join(SIGNING_PURPOSES.values())}", "have one issued for C2PA claims")
    for place, (one, issuer) in enumerate(pairwise(chain), 1):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            note(f"certificate {place} was not issued by certificate {place + 1}", "order them from the signer upwards")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _purposes(certificate: x509.Certificate) -> set[str]:
    try:
        return {one.dotted_string for one in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
    except (x509.ExtensionNotFound, ValueError):
        return set()


def _algorithm(key: _Key) -> str | None:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return CURVES.get(key.curve.name)
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256" if key.key_size >= RSA_BITS else None
    return "ed25519"


def _public(key: _Key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
