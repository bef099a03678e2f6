"""Hostile files: the reader may die of them, the program may not; nothing goes over the network; a stranger's text can't drive a terminal."""

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import c2pa
import pytest
import soundfile
from tests.formats.provenance.authorities import Signer, make_signer
from tests.formats.provenance.sounds import write_all
from tests.formats.provenance.test_signing import STATEMENT, sign

from ritornello.domain.errors import Refused
from ritornello.formats.provenance import child, library, reading
from ritornello.formats.provenance.credentials import load_credentials
from ritornello.formats.provenance.statement import build_manifest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reading")


@pytest.fixture(scope="module")
def signer(folder: Path) -> Signer:
    return make_signer(folder / "signer")


@pytest.fixture(scope="module")
def sounds(folder: Path) -> dict[str, Path]:
    return write_all(folder)


def test_changed_files_are_read_or_refused_never_believed(sounds: dict[str, Path], signer: Signer, tmp_path: Path) -> None:
    """60 damaged files, most of them through the library itself, some through the process of its own that strangers' files go to."""
    chance = random.Random(7)
    for container in ("wav", "flac", "mp3", "m4a"):
        signed = sign(sounds[container], tmp_path / f"whole.{container}", signer)
        whole, sound, said = signed.read_bytes(), sound_of(signed), library.read(signed, b"")
        start = whole.find(b"jumb")
        for number in range(15):
            data = bytearray(whole)
            for _ in range(chance.choice((1, 2, 8))):
                place = start + chance.randrange(len(whole) - start if container == "wav" else 3000)
                data[place : place + chance.choice((1, 4))] = chance.randbytes(chance.choice((1, 4, 30)))
            path = tmp_path / f"damaged.{container}"
            path.write_bytes(data)
            if number < 2:
                found = reading.read(path)
            elif container == "m4a":
                continue  # the library was seen to take 1.6 GB for such a file: only within limits
            else:
                found = reading.from_summary(library.read(path, b""))
            if found.validates:  # padding within the manifest is signed by nobody: then all that is said and heard is as it was
                assert (found.statement, list(found.actions), sound_of(path)) == (said["statement"], said["actions"], sound)


def sound_of(path: Path) -> bytes:
    """The sound without its container, where libsndfile reads it."""
    return soundfile.read(path)[0].tobytes() if path.suffix != ".m4a" else path.read_bytes()[-300:]


def test_a_reader_that_dies_is_a_broken_file(
    sounds: dict[str, Path], signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = sign(sounds["flac"], tmp_path / "x.flac", signer)
    assert reading.read(signed).state == "valid"
    source = Path(child.__file__).read_text()
    assert "MEMORY_BYTES = 1 << 30" in source
    small = tmp_path / "ritornello_child_under_test.py"
    small.write_text(source.replace("MEMORY_BYTES = 1 << 30", "MEMORY_BYTES = 1 << 20"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(reading, "MODULE", small.stem)
    assert (reading.read(signed).state, reading.read(signed).failures[0]["code"]) == ("broken", "unreadable")
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    with pytest.raises(Refused, match="larger"):
        reading.read(signed)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/manifest.c2pa", asked
    server.shutdown()
    server.server_close()


def test_nothing_is_fetched(sounds: dict[str, Path], signer: Signer, tmp_path: Path, listener: tuple[str, list[str]]) -> None:
    url, asked = listener
    credentials = load_credentials(signer.certificate, signer.key, datetime.now(UTC))
    remote = tmp_path / "remote.wav"
    with c2pa.Builder(build_manifest(STATEMENT, None)) as builder, sounds["wav"].open("rb") as before, remote.open("w+b") as after:
        builder.set_no_embed()
        builder.set_remote_url(url)
        info = c2pa.C2paSignerInfo(credentials.algorithm, credentials.chain_pem, credentials.key_pem, None)
        builder.sign(c2pa.Signer.from_info(info), "audio/wav", before, after)
    assert reading.read(remote).state == "broken" and asked == []
    with pytest.raises(c2pa.C2paError):
        c2pa.Reader(str(remote))
    assert asked == ["/manifest.c2pa"], "the file does make a reader without our settings fetch"


def test_a_strangers_text_is_shown_harmlessly() -> None:
    assert reading.plain("a\x1b[2Jb\nc\u202ed") == "a�[2Jb�c�d"
    assert len(reading.plain("x" * 10_000)) == 201
    assert reading.plain({"a": "\x07"}) == '{"a": "\\u0007"}'
    assert reading.plain(None) == "null"
