"""What really can be signed: every container is tried, read back with the library's validation, and listened to; the others are refused with advice."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
import soundfile
from tests.formats.provenance.authorities import CLAIM_SIGNING, EMAIL, Signer, make_signer
from tests.formats.provenance.sounds import write_all

from ritornello.domain.errors import BadInput
from ritornello.formats.provenance import library
from ritornello.formats.provenance.containers import MIME, Unsignable, recognise
from ritornello.formats.provenance.credentials import load_credentials, read_anchors
from ritornello.formats.provenance.marker import UNSTATED, find_marker
from ritornello.formats.provenance.reading import from_summary, read
from ritornello.formats.provenance.statement import GENERATED, build_manifest

STATEMENT = {"format": "ritornello-output-1", "output_id": "o1", "model_version": "m", "weights_sha256": "ab" * 32}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_all(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return make_signer(tmp_path_factory.mktemp("signer"))


def sign(source: Path, target: Path, signer: Signer, **more: Any) -> Path:
    credentials = load_credentials(signer.certificate, signer.key, datetime.now(UTC))
    manifest = build_manifest({**STATEMENT, **more}, {"label": "cawg.training-mining", "data": {"entries": {}}})
    library.sign(source, target, MIME[recognise(source)], manifest, credentials, None)
    return target


@pytest.mark.parametrize("container", [*MIME, "fragmented"])
def test_what_is_signed_validates_and_sounds_the_same(sounds: dict[str, Path], signer: Signer, tmp_path: Path, container: str) -> None:
    source = sounds[container]
    assert recognise(source) == source.suffix[1:] and find_marker(source) is None
    signed = sign(source, tmp_path / source.name, signer)
    found = from_summary(library.read(signed, read_anchors(signer.root)))
    assert (found.state, found.failures, found.generated, found.statement) == ("trusted", (), "trainedAlgorithmicMedia", STATEMENT)
    assert from_summary(library.read(signed, b"")).state == "valid"
    (action,) = found.actions
    assert (action["action"], action["digitalSourceType"], action["softwareAgent"]) == ("c2pa.created", GENERATED, {"name": "m"})
    assert set(found.labels) - {"c2pa.hash.bmff.v3"} == {
        "c2pa.actions.v2",
        "c2pa.ai-disclosure",
        "org.ritornello.output",
        "cawg.training-mining",
    }
    assert find_marker(signed) == "trainedAlgorithmicMedia"
    if source.suffix == ".m4a":
        assert mutagen.File(signed).info.length == mutagen.File(source).info.length
        assert source.read_bytes()[-300:] == signed.read_bytes()[-300:]
    else:
        assert np.array_equal(soundfile.read(source)[0], soundfile.read(signed)[0])
    data = bytearray(signed.read_bytes())
    data[-20 if container != "wav" else 5000] ^= 1
    signed.write_bytes(data)
    assert from_summary(library.read(signed, b"")).state == "invalid"


@pytest.mark.parametrize("container", ["ogg", "opus", "aiff", "rf64", "adts"])
def test_what_does_not_validate_is_refused_with_advice(sounds: dict[str, Path], signer: Signer, tmp_path: Path, container: str) -> None:
    with pytest.raises(Unsignable, match="sign that"):
        recognise(sounds[container])
    if container in (
        "ogg",
        "opus",
        "aiff",
        "rf64",
    ):  # the refusal is the library's own: if a newer one takes them, this fails and they can be allowed
        credentials = load_credentials(signer.certificate, signer.key, datetime.now(UTC))
        mime = {"ogg": "audio/ogg", "opus": "audio/ogg", "aiff": "audio/aiff", "rf64": "audio/wav"}[container]
        with pytest.raises(Unsignable, match="can't be signed"):
            library.sign(sounds[container], tmp_path / "out", mime, build_manifest(STATEMENT, None), credentials, None)
        assert not (tmp_path / "out").exists()


def test_nonsense_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"x", b"ID3", b"ID3\x04\0\0\0\0\0\x10" + b"x" * 40, b"RIFF\0\0\0\0AVI ", b"\0\0\0\x08ftyp", b"\xff\xf1\x50"):
        (tmp_path / "f").write_bytes(data)
        if data == b"\0\0\0\x08ftyp":
            assert recognise(tmp_path / "f") == "m4a"  # the library will find nothing in it
        else:
            with pytest.raises(Unsignable):
                recognise(tmp_path / "f")


@pytest.mark.parametrize("kind", ["es256", "es384", "ed25519", "ps256"])
def test_every_kind_of_key(sounds: dict[str, Path], tmp_path: Path, kind: str) -> None:
    for purpose in (EMAIL, CLAIM_SIGNING) if kind == "ed25519" else (EMAIL,):
        signer = make_signer(tmp_path / f"{kind}{purpose.dotted_string}", kind, purpose=purpose)
        signed = sign(sounds["flac"], tmp_path / f"{purpose.dotted_string}.flac", signer)
        found = from_summary(library.read(signed, read_anchors(signer.root)))
        assert (found.state, str(found.signer["alg"]).lower()) == ("trusted", kind)
        assert library.read(signed, read_anchors(make_signer(tmp_path / "other").root))["state"] == "valid"


def test_every_problem_of_credentials_is_named_and_no_key_is_shown(tmp_path: Path) -> None:
    now, good, other = datetime.now(UTC), make_signer(tmp_path / "good"), make_signer(tmp_path / "other", password=b"secret")

    def problems(certificate: Path, key: Path, password: bytes | None = None) -> str:
        with pytest.raises(BadInput) as caught:
            load_credentials(certificate, key, now, password)
        assert "PRIVATE" not in str(caught.value)
        return str(caught.value)

    assert load_credentials(other.certificate, other.key, now, b"secret").algorithm == "es256"
    assert "PRIVATE" not in repr(load_credentials(good.certificate, good.key, now))
    assert "is encrypted" in problems(other.certificate, other.key)
    assert "is not encrypted" in problems(good.certificate, good.key, b"secret")
    assert "no private key" in problems(other.certificate, other.key, b"wrong")
    assert "is not the key of" in problems(good.certificate, make_signer(tmp_path / "third").key)
    both = problems(good.key, good.certificate)
    assert "no certificates" in both and "no private key" in both
    for name, why, options in (
        ("old", "not now", {"days": (-400, -1)}),
        ("early", "not now", {"days": (1, 400)}),
        ("purposeless", "is not for any of", {"purpose": None}),
        ("authority", "authority's", {"authority": True}),
        ("exotic", "can't sign C2PA claims", {"kind": "k256"}),
    ):
        made = make_signer(tmp_path / name, **options)  # type: ignore[arg-type]
        assert why in problems(made.certificate, made.key)
    reversed_chain = tmp_path / "reversed.pem"
    reversed_chain.write_bytes(good.root.read_bytes() + good.certificate.read_bytes())
    assert "signed itself" in problems(reversed_chain, good.key)
    reversed_chain.write_bytes(
        good.certificate.read_bytes().split(b"-\n-")[0] + b"-\n" + make_signer(tmp_path / "fourth").root.read_bytes()
    )
    assert "was not issued by" in problems(reversed_chain, good.key)


def test_a_manifest_that_says_nothing_of_ai_is_marked_as_such(sounds: dict[str, Path], signer: Signer, tmp_path: Path) -> None:
    credentials = load_credentials(signer.certificate, signer.key, datetime.now(UTC))
    camera = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    actions = {"actions": [{"action": "c2pa.created", "digitalSourceType": camera}]}
    manifest = {"assertions": [{"label": "c2pa.actions.v2", "data": actions, "created": True}]}
    library.sign(sounds["wav"], tmp_path / "x.wav", "audio/wav", manifest, credentials, None)
    assert find_marker(tmp_path / "x.wav") == UNSTATED
    assert read(tmp_path / "x.wav").generated is None
    block = b"\0" * ((1 << 20) - 20)
    (tmp_path / "split").write_bytes(block + b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia")
    assert find_marker(tmp_path / "split") == "compositeWithTrainedAlgorithmicMedia"
