"""A verifiable random function: ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381.

Who holds the secret can compute one output for each input, and prove it; nobody can prove another one, not even who made the key.
Without the secret, an output looks random even to somebody who knows or guesses the input.
This arithmetic takes time that depends on its numbers: prove on a machine of your own, not where strangers can measure it.
"""

import hashlib

PROOF_BYTES = 80
OUTPUT_BYTES = 64
_SUITE = b"\x03"
_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

_Point = tuple[int, int, int, int]  # extended coordinates (X, Y, Z, XY/Z) of RFC 8032 section 5.1.4
_IDENTITY: _Point = (0, 1, 1, 0)


def public_key(seed: bytes) -> bytes:
    """The public key (32 bytes) of a secret seed (32 bytes): RFC 8032 section 5.1.5."""
    return _encode(_multiply(_expand(seed)[0], _BASE))


def evaluate(seed: bytes, public: bytes, text: bytes) -> bytes:
    """The output (64 bytes) for an input; `public` is the seed's public key. About a millisecond."""
    return _output(_multiply(_expand(seed)[0], _hash_to_curve(public, text)))


def prove(seed: bytes, text: bytes) -> bytes:
    """The proof (80 bytes) of the output for an input: RFC 9381 section 5.1."""
    secret, prefix = _expand(seed)
    public = public_key(seed)
    point = _hash_to_curve(public, text)
    gamma = _multiply(secret, point)
    nonce = int.from_bytes(hashlib.sha512(prefix + _encode(point)).digest(), "little") % _Q
    challenge = _challenge(public, point, gamma, _multiply(nonce, _BASE), _multiply(nonce, point))
    answer = (nonce + challenge * secret) % _Q
    return _encode(gamma) + challenge.to_bytes(16, "little") + answer.to_bytes(32, "little")


def verify(public: bytes, text: bytes, proof: bytes) -> bytes | None:
    """The output that the proof shows for this input, or None when it shows nothing: RFC 9381 sections 5.3 and 5.4.5 (keys are validated)."""
    key = _decode(public)
    if key is None or len(proof) != PROOF_BYTES or _is_identity(_clear(key)):
        return None
    gamma = _decode(proof[:32])
    challenge, answer = int.from_bytes(proof[32:48], "little"), int.from_bytes(proof[48:], "little")
    if gamma is None or answer >= _Q:
        return None
    point = _hash_to_curve(public, text)
    first = _add(_multiply(answer, _BASE), _negate(_multiply(challenge, key)))
    second = _add(_multiply(answer, point), _negate(_multiply(challenge, gamma)))
    return _output(gamma) if _challenge(public, point, gamma, first, second) == challenge else None


def _expand(seed: bytes) -> tuple[int, bytes]:
    assert len(seed) == 32
    digest = hashlib.sha512(seed).digest()
    return int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254, digest[32:]


def _hash_to_curve(public: bytes, text: bytes) -> _Point:
    """Try and increment: RFC 9381 section 5.4.1.1; the salt is the public key."""
    for counter in range(256):
        digest = hashlib.sha512(_SUITE + b"\x01" + public + text + bytes([counter]) + b"\x00").digest()
        point = _decode(digest[:32])
        if point is not None and not _is_identity(cleared := _clear(point)):
            return cleared
    raise AssertionError("no point in 256 tries; the chance of that is 2^-256")


def _challenge(public: bytes, *points: _Point) -> int:
    digest = hashlib.sha512(_SUITE + b"\x02" + public + b"".join(_encode(point) for point in points) + b"\x00").digest()
    return int.from_bytes(digest[:16], "little")


def _output(gamma: _Point) -> bytes:
    return hashlib.sha512(_SUITE + b"\x03" + _encode(_clear(gamma)) + b"\x00").digest()


def _clear(point: _Point) -> _Point:
    """Times the cofactor 8."""
    return _double(_double(_double(point)))


def _is_identity(point: _Point) -> bool:
    x, y, z, _ = point
    return x % _P == 0 and (y - z) % _P == 0


def _multiply(scalar: int, point: _Point) -> _Point:
    """Four bits at a time, from the top."""
    table = [_IDENTITY, point]
    for _ in range(14):
        table.append(_add(table[-1], point))
    result = _IDENTITY
    for place in range((scalar.bit_length() + 3) // 4 * 4 - 4, -1, -4):
        result = _double(_double(_double(_double(result))))
        digit = scalar >> place & 15
        if digit:
            result = _add(result, table[digit])
    return result


def _add(first: _Point, second: _Point) -> _Point:
    """RFC 8032 section 5.1.4."""
    x1, y1, z1, t1 = first
    x2, y2, z2, t2 = second
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(point: _Point) -> _Point:
    """RFC 8032 section 5.1.4."""
    x, y, z, _ = point
    a, b = x * x % _P, y * y % _P
    h, g = a + b, a - b
    e, f = h - (x + y) ** 2 % _P, 2 * z * z % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _negate(point: _Point) -> _Point:
    x, y, z, t = point
    return -x % _P, y, z, -t % _P


def _encode(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(data: bytes) -> _Point | None:
    """The point, when the bytes are the one right way to write one: RFC 8032 section 5.1.3."""
    if len(data) != 32:
        return None
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * v**3 * pow(u * v**7, (_P - 5) // 8, _P) % _P
    if v * x * x % _P == -u % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if v * x * x % _P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE_Y = 4 * pow(5, -1, _P) % _P
_base = _decode(_BASE_Y.to_bytes(32, "little"))
assert _base is not None
_BASE: _Point = _base
