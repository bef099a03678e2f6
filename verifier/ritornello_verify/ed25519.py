"""Verification of Ed25519 signatures: RFC 8032, section 5.1, in plain integers. Nothing here is secret, so nothing runs in constant time."""

from hashlib import sha512

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, FIELD) % FIELD
ROOT_OF_MINUS_ONE = pow(2, (FIELD - 1) // 4, FIELD)

Point = tuple[int, int, int, int]
"""Extended homogeneous coordinates (X, Y, Z, T) of section 5.1.4: x = X/Z, y = Y/Z, x·y = T/Z."""

NEUTRAL: Point = (0, 1, 1, 0)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Section 5.1.7, by the stricter equation without the cofactor: encode([S]B − [k]A) = R.

    Keys of small order, S ≥ L and encodings that are not canonical are refused."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    point = decode(public_key)
    if point is None or is_neutral(multiply(8, point)):
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= ORDER or decode(signature[:32]) is None:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    return encode(add(multiply(scalar, BASE), multiply(challenge, negate(point)))) == signature[:32]


def decode(data: bytes) -> Point | None:
    """Section 5.1.3; None when y ≥ p, when no x exists, or when x = 0 is marked negative."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= FIELD:
        return None
    x = find_x(y, sign)
    return None if x is None else (x, y, 1, x * y % FIELD)


def find_x(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if x * x % FIELD != square:
        x = x * ROOT_OF_MINUS_ONE % FIELD
    if x * x % FIELD != square or (x == 0 and sign):
        return None
    return x if x & 1 == sign else FIELD - x


def encode(point: Point) -> bytes:
    """Section 5.1.2."""
    inverse = pow(point[2], -1, FIELD)
    x, y = point[0] * inverse % FIELD, point[1] * inverse % FIELD
    return (y | (x & 1) << 255).to_bytes(32, "little")


def add(one: Point, other: Point) -> Point:
    """Section 5.1.4; complete, so it doubles as well."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % FIELD
    b = (one[1] + one[0]) * (other[1] + other[0]) % FIELD
    c = 2 * one[3] * other[3] * CURVE_D % FIELD
    d = 2 * one[2] * other[2] % FIELD
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % FIELD, g * h % FIELD, f * g % FIELD, e * h % FIELD


def multiply(scalar: int, point: Point) -> Point:
    result = NEUTRAL
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def negate(point: Point) -> Point:
    return -point[0] % FIELD, point[1], point[2], -point[3] % FIELD


def is_neutral(point: Point) -> bool:
    return point[0] % FIELD == 0 and (point[1] - point[2]) % FIELD == 0


def find_base() -> Point:
    """Section 5.1: the point with y = 4/5 and even x."""
    y = 4 * pow(5, -1, FIELD) % FIELD
    x = find_x(y, 0)
    assert x is not None
    return x, y, 1, x * y % FIELD


BASE = find_base()
