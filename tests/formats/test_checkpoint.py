"""Signed notes against the examples of their specifications, and every flipped bit."""

import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ritornello.formats import checkpoint as notes
from ritornello.formats import cosignature

# The example of c2sp.org/tlog-cosignature: its form is right; its keys are not published.
EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = notes.verifier_key("log.example.org", KEY.public_key())
NOTE = notes.sign(notes.Checkpoint("log.example.org", 7, bytes(32)), KEY)
WITNESS = cosignature.WitnessKey("w.example.org", bytes(range(1, 33)))


def test_the_published_example_is_read() -> None:
    checkpoint = notes.parse_checkpoint(EXAMPLE)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    text, signatures = notes.split_note(EXAMPLE)
    assert text == checkpoint.text()
    assert text + "\n" + "".join(signature.line() for signature in signatures) == EXAMPLE
    assert int.from_bytes(signatures[1].value[:8], "big") == 1679315147, "the time that the specification shows for this line"


@given(st.integers(0, 8 * len(NOTE.encode()) - 1))
def test_no_flipped_bit_passes(place: int) -> None:
    data = bytearray(NOTE.encode())
    data[place >> 3] ^= 1 << (place & 7)
    with pytest.raises(ValueError):
        notes.open_note(data.decode(errors="surrogateescape"), VKEY)


@pytest.mark.parametrize("vkey", ["", "a", "a+b", VKEY[:-1], VKEY.replace("log", "lag"), WITNESS.public().text(), VKEY + "A"])
def test_other_keys_are_refused(vkey: str) -> None:
    with pytest.raises(ValueError):
        notes.open_note(NOTE, vkey)


def test_extension_lines_are_signed_and_left_alone() -> None:
    text = notes.Checkpoint("log.example.org", 7, bytes(32)).text() + "more\n"
    key = notes.parse_key(VKEY, notes.ED25519)
    note = f"{text}\n{notes.Signature(key.name, key.key_id, KEY.sign(text.encode())).line()}"
    assert notes.open_note(note, VKEY).size == 7
    with pytest.raises(ValueError):
        notes.open_note(note.replace("more", "less"), VKEY)


def test_a_witness_key_is_read_back() -> None:
    assert cosignature.parse_witness_key(WITNESS.text() + "\n") == WITNESS
    for text in ("", WITNESS.text()[1:], WITNESS.text().replace("w.", "v."), WITNESS.text()[:-4]):
        with pytest.raises(ValueError):
            cosignature.parse_witness_key(text)


def test_cosigning_keeps_the_note() -> None:
    once = cosignature.cosign(NOTE, WITNESS, 5)
    assert once.startswith(NOTE) and notes.open_note(once, VKEY) == notes.open_note(NOTE, VKEY)
    again = cosignature.cosign(once, WITNESS, 9)
    assert cosignature.read_cosignatures(again, [WITNESS.public()]) == [cosignature.Cosignature("w.example.org", 9)]
    renamed = notes.Key("other.example.org", cosignature.COSIGNATURE, WITNESS.public().raw)
    assert len(cosignature.read_cosignatures(again, [WITNESS.public(), renamed])) == 1, "one key, one voice"


PIECES = st.sampled_from(
    ["— ", "\n", "\n\n", "log.example.org", "7", "+", "AAAA", " ", "PRIVATE+KEY+", "\ud800", NOTE, VKEY, WITNESS.text()]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=8).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    readers = (notes.split_note, notes.parse_checkpoint, cosignature.parse_witness, cosignature.parse_witness_key)
    for reader in (*readers, lambda each: notes.open_note(each, VKEY), lambda each: notes.open_note(NOTE, each)):
        with contextlib.suppress(ValueError):
            reader(text)
