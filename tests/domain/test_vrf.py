"""The random function against the vectors of RFC 9381 appendix B.3, and against itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.domain import vrf

VECTORS = [
    line.split()
    for line in """
9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60 -
8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805
90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae

4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb 72
f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02
eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031

c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7 af82
9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e
645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f
""".strip().split("\n\n")
]  # secret, input ("-" for none), proof, output


@pytest.mark.parametrize(("secret", "text", "proof", "output"), VECTORS)
def test_published_vectors(secret: str, text: str, proof: str, output: str) -> None:
    seed, said = bytes.fromhex(secret), bytes.fromhex(text.replace("-", ""))
    public = vrf.public_key(seed)
    assert vrf.prove(seed, said).hex() == proof
    assert vrf.evaluate(seed, public, said).hex() == output
    shown = vrf.verify(public, said, bytes.fromhex(proof))
    assert shown is not None and shown.hex() == output


@settings(deadline=None, max_examples=40)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.integers(0, 8 * vrf.PROOF_BYTES - 1))
def test_no_flipped_bit_passes(seed: bytes, text: bytes, place: int) -> None:
    public, proof = vrf.public_key(seed), bytearray(vrf.prove(seed, text))
    assert vrf.verify(public, text, bytes(proof)) == vrf.evaluate(seed, public, text)
    assert vrf.verify(public, text + b"x", bytes(proof)) is None
    proof[place >> 3] ^= 1 << (place & 7)
    assert vrf.verify(public, text, bytes(proof)) is None


@pytest.mark.parametrize("public", [bytes([1]) + bytes(31), bytes(32), b"\xff" * 32, (2**255 - 20).to_bytes(32, "little"), b""])
def test_keys_of_small_order_and_nonsense_are_refused(public: bytes) -> None:
    """With such a key, one could show any output."""
    assert vrf.verify(public, b"a", vrf.prove(bytes(32), b"a")) is None


def test_a_proof_has_one_way_to_be_written() -> None:
    seed = bytes(range(32))
    proof = vrf.prove(seed, b"a")
    order = 2**252 + 27742317777372353535851937790883648493
    again = proof[:48] + (int.from_bytes(proof[48:], "little") + order).to_bytes(32, "little")
    assert vrf.verify(vrf.public_key(seed), b"a", again) is None
    assert vrf.verify(vrf.public_key(seed), b"a", proof + b"\x00") is None
