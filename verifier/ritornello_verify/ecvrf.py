"""Verification of ECVRF-EDWARDS25519-SHA512-TAI: RFC 9381, section 5, with the suite of section 5.5, over the points of `ed25519`."""

from hashlib import sha512

from ritornello_verify.ed25519 import BASE, ORDER, Point, add, decode, encode, is_neutral, multiply, negate

SUITE = b"\x03"
COFACTOR = 8
KEY_SIZE, POINT_SIZE, CHALLENGE_SIZE, PROOF_SIZE = 32, 32, 16, 80


def verify(public_key: bytes, text: bytes, proof: bytes) -> bytes | None:
    """Section 5.3 with key validation: the function's 64 bytes for `text`, or None when the proof or the key is wrong."""
    if len(public_key) != KEY_SIZE or len(proof) != PROOF_SIZE:
        return None
    key, gamma = decode(public_key), decode(proof[:POINT_SIZE])
    challenge = int.from_bytes(proof[POINT_SIZE : POINT_SIZE + CHALLENGE_SIZE], "little")
    scalar = int.from_bytes(proof[POINT_SIZE + CHALLENGE_SIZE :], "little")
    if key is None or is_neutral(multiply(COFACTOR, key)) or gamma is None or scalar >= ORDER:
        return None
    place = encode_to_curve(public_key, text)
    if place is None:
        return None
    first = add(multiply(scalar, BASE), negate(multiply(challenge, key)))
    second = add(multiply(scalar, place), negate(multiply(challenge, gamma)))
    if make_challenge(key, place, gamma, first, second) != challenge:
        return None
    return sha512(SUITE + b"\x03" + encode(multiply(COFACTOR, gamma)) + b"\x00").digest()


def encode_to_curve(public_key: bytes, text: bytes) -> Point | None:
    """Section 5.4.1.1, try and increment, salted with the public key; each try is right half of the time."""
    for counter in range(256):
        found = decode(sha512(SUITE + b"\x01" + public_key + text + bytes([counter]) + b"\x00").digest()[:POINT_SIZE])
        if found is not None:
            return multiply(COFACTOR, found)
    return None


def make_challenge(*points: Point) -> int:
    """Section 5.4.3."""
    digest = sha512(SUITE + b"\x02" + b"".join(map(encode, points)) + b"\x00").digest()
    return int.from_bytes(digest[:CHALLENGE_SIZE], "little")
