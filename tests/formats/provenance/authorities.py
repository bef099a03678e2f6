"""Signers for tests, made on the spot: a root, an intermediate and a signer's certificate. No key is kept anywhere."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

EMAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION
CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
MAKERS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "k256": lambda: ec.generate_private_key(ec.SECP256K1()),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """Files of one signer: its chain, its key, and the root that vouches for it."""

    certificate: Path
    key: Path
    root: Path

    @property
    def options(self) -> tuple[str, ...]:
        return ("--certificate", str(self.certificate), "--key", str(self.key))


def make_signer(
    folder: Path,
    kind: str = "es256",
    *,
    purpose: ObjectIdentifier | None = EMAIL,
    days: tuple[int, int] = (-1, 365),
    password: bytes | None = None,
    authority: bool = False,
) -> Signer:
    """Write chain.pem, key.pem and root.pem. `days` from now in which the certificates are valid."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = [MAKERS[kind]() for _ in range(3)]
    issuers = [("Test Root", keys[0]), ("Test Root", keys[0]), ("Test Intermediate", keys[1])]
    subjects = ["Test Root", "Test Intermediate", "Test Signer"]
    start = datetime.now(UTC)
    root, middle, leaf = (
        _certify(
            subject,
            key,
            issuer,
            start + timedelta(days[0]),
            start + timedelta(days[1]),
            None if place < 2 or authority else purpose,
            place < 2 or authority,
        )
        for place, (subject, key, issuer) in enumerate(zip(subjects, keys, issuers, strict=True))
    )
    signer = Signer(folder / "chain.pem", folder / "key.pem", folder / "root.pem")
    signer.certificate.write_bytes(leaf.public_bytes(Encoding.PEM) + middle.public_bytes(Encoding.PEM))
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    signer.key.write_bytes(keys[2].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    signer.root.write_bytes(root.public_bytes(Encoding.PEM))
    return signer


def _certify(
    subject: str,
    key: object,
    issuer: tuple[str, object],
    first: datetime,
    last: datetime,
    purpose: ObjectIdentifier | None,
    authority: bool,
) -> x509.Certificate:
    public, issuing = key.public_key(), issuer[1]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer[0]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False)
    )
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(issuing, None if isinstance(issuing, ed25519.Ed25519PrivateKey) else SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example")])
