"""A small Ed25519 signer (RFC 8032, sections 5.1.5 and 5.1.6) on affine points: slow, plain, for tests alone."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256, sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)


@dataclass(frozen=True)
class Signer:
    """A log's name and secret."""

    name: str
    secret: bytes

    def scalar(self) -> int:
        digest = bytearray(sha512(self.secret).digest()[:32])
        digest[0] &= 248
        digest[31] = digest[31] & 127 | 64
        return int.from_bytes(digest, "little")

    def public_key(self) -> bytes:
        return pack(times(self.scalar(), BASE))

    def sign(self, message: bytes) -> bytes:
        prefix = sha512(self.secret).digest()[32:]
        nonce = int.from_bytes(sha512(prefix + message).digest(), "little") % L
        commitment = pack(times(nonce, BASE))
        challenge = int.from_bytes(sha512(commitment + self.public_key() + message).digest(), "little") % L
        return commitment + ((nonce + challenge * self.scalar()) % L).to_bytes(32, "little")

    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\x0a\x01" + self.public_key()).digest()[:4]

    def vkey(self) -> str:
        encoded = base64.b64encode(b"\x01" + self.public_key()).decode()
        return f"{self.name}+{self.key_id().hex()}+{encoded}"

    def checkpoint(self, size: int, root: bytes) -> bytes:
        body = f"{self.name}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self.key_id() + self.sign(body.encode())).decode()
        return f"{body}\n\u2014 {self.name} {signature}\n".encode()


@lru_cache(maxsize=256)
def times(scalar: int, point: tuple[int, int]) -> tuple[int, int]:
    result = (0, 1)
    for bit in bin(scalar)[2:]:
        result = plus(result, result)
        if bit == "1":
            result = plus(result, point)
    return result


def plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    product = D * one[0] * other[0] * one[1] * other[1] % P
    x = (one[0] * other[1] + other[0] * one[1]) * pow(1 + product, -1, P) % P
    y = (one[1] * other[1] + one[0] * other[0]) * pow(1 - product, -1, P) % P
    return x, y


def pack(point: tuple[int, int]) -> bytes:
    return (point[1] + (point[0] % 2 << 255)).to_bytes(32, "little")
