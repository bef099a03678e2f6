"""Signatures, trees, notes and canonical JSON, against published vectors and hand-made nonsense."""

from hashlib import sha256

import pytest

from bundle_maker.signing import Signer
from bundle_maker.writing import leaf, path_to, root
from ritornello_verify import ed25519
from ritornello_verify.canonical import NotCanonical, parse
from ritornello_verify.merkle import find_root, follow_path, hash_leaf
from ritornello_verify.note import BadNote, check_signature, read_checkpoint, read_key

RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
"""Section 7.1: secret, public key, message, signature."""

RFC_6962_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(secret: str, public: str, message: str, signature: str) -> None:
    signer = Signer("n", bytes.fromhex(secret))
    assert signer.public_key().hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    key, text, right = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert ed25519.verify(key, text, right)
    assert not ed25519.verify(key, text + b"x", right)
    for place in (0, 31, 32, 63):
        wrong = bytearray(right)
        wrong[place] ^= 1
        assert not ed25519.verify(key, text, bytes(wrong))


def test_encodings_that_are_not_canonical_are_refused() -> None:
    key, message, signature = bytes.fromhex(RFC_8032[0][1]), b"", bytes.fromhex(RFC_8032[0][3])
    scalar = int.from_bytes(signature[32:], "little") + ed25519.ORDER
    assert not ed25519.verify(key, message, signature[:32] + scalar.to_bytes(32, "little"))
    assert not ed25519.verify(key, message, signature[:63])
    assert not ed25519.verify(key[:31], message, signature)
    assert ed25519.decode((ed25519.FIELD + 1).to_bytes(32, "little")) is None
    assert ed25519.decode((1 | 1 << 255).to_bytes(32, "little")) is None
    assert ed25519.decode((2).to_bytes(32, "little")) is None


def test_keys_of_small_order_are_refused() -> None:
    """With the neutral point as key, R = neutral and S = 0 would sign anything."""
    neutral = (1).to_bytes(32, "little")
    assert not ed25519.verify(neutral, b"anything", neutral + bytes(32))


def test_the_tree_of_rfc_6962() -> None:
    leaves = [hash_leaf(bytes.fromhex(text)) for text in RFC_6962_LEAVES]
    assert find_root([]) == sha256(b"").digest()
    assert find_root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert find_root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_audit_paths_lead_to_the_root_and_no_other_ones_do() -> None:
    leaves = [leaf(bytes([number])) for number in range(20)]
    for size in range(1, 20):
        for index in range(size):
            path = path_to(index, leaves[:size])
            assert find_root(leaves[:size]) == root(leaves[:size])
            assert follow_path(leaves[index], index, size, path) == root(leaves[:size])
            assert follow_path(leaves[index], index, size, [*path, bytes(32)]) is None
            assert not path or follow_path(leaves[index], index, size, path[:-1]) is None
            assert size == 1 or follow_path(leaves[index], (index + 1) % size, size, path) != root(leaves[:size])
    assert follow_path(leaves[0], 1, 1, []) is None
    assert follow_path(leaves[0], 0, 0, []) is None


def test_keys_are_read_strictly(signer: Signer) -> None:
    vkey = signer.vkey()
    assert read_key(f"{vkey}\n").public_key == signer.public_key()
    name, key_id, encoded = vkey.split("+", 2)
    for wrong in (
        "",
        name,
        f"{name}+{key_id}",
        f"other+{key_id}+{encoded}",
        f"+{key_id}+{encoded}",
        f"{name}+{key_id.upper()}x+{encoded}",
        f"{name}+{key_id}+{encoded[:-4]}",
        f"{name}+{key_id}+{encoded}é",
        f"{vkey}\n\n",
        f"{name}+{key_id}+Ag{encoded[2:]}",
    ):
        with pytest.raises(BadNote):
            read_key(wrong)


def test_checkpoints_are_read_strictly(signer: Signer) -> None:
    data = signer.checkpoint(7, b"\1" * 32)
    checkpoint = read_checkpoint(data)
    check_signature(checkpoint, read_key(signer.vkey()))
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (signer.name, 7, b"\1" * 32)
    extra = "\u2014 witness AAAAAAAA\n".encode()
    check_signature(read_checkpoint(data + extra), read_key(signer.vkey()))
    for wrong in (
        b"",
        b"\xff",
        data[:-1],
        data.replace(b"\n7\n", b"\n07\n"),
        data.replace(b"\n7\n", b"\n-7\n"),
        data.replace(b"\n7\n", b"\n" + b"7" * 40 + b"\n"),
        data.replace(b"\n\n", b"\nmore\n\n"),
        data.replace(b"\n\n", b"\n"),
        data + b"trash\n",
        data + extra * 200,
    ):
        with pytest.raises(BadNote):
            read_checkpoint(wrong)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": 1}', "not canonical"),
        (b'{"b":1,"a":1}', "not canonical"),
        (b'{"a":1,"a":1}', "not canonical"),
        (b'{"a":"\\u0041"}', "not canonical"),
        (b'{"a":"\\/"}', "not canonical"),
        (b'{"a":"\\u001F"}', "not canonical"),
        (b'{"a":-0}', "not canonical"),
        (b'{"a":1}\r', "not canonical"),
        (b'{"a":1.0}', "not an integer"),
        (b'{"a":1e2}', "not an integer"),
        (b'{"a":NaN}', "not an integer"),
        (b'{"a":-Infinity}', "not an integer"),
        (b'{"a":9007199254740992}', "beyond"),
        (b'{"a":' + b"9" * 100_000 + b"}", "beyond"),
        (b'{"a":01}', "not JSON"),
        (b"", "not JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b"\xef\xbb\xbf{}", "not JSON"),
    ],
)
def test_what_is_not_canonical_is_refused(line: bytes, message: str) -> None:
    with pytest.raises(NotCanonical, match=message):
        parse(line)


def test_canonical_text_of_every_sort_is_read() -> None:
    line = '{"a":"\\u0001\\b\\n\\"\\\\\x7f/é€😀","b":[null,true,false,-9007199254740991],"c":{}}'.encode()
    assert parse(line) == {"a": '\x01\b\n"\\\x7f/é€😀', "b": [None, True, False, -9007199254740991], "c": {}}
