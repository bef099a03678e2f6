"""Reading sound files: exact places, exact lengths, and a plain refusal for everything that is not whole."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ritornello.audio.decode import AudioFacts, UnreadableAudio, examine, read_blocks, read_mono, write_wav

RATE_HZ = 44_100
SUFFIXES = ("wav", "flac", "ogg", "mp3")


def make_sound(seconds: float = 3.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A rising tone: what is heard tells when it is heard."""
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    return (0.4 * np.sin(2 * np.pi * (200 + 400 * time) * time)).astype(np.float32)


def write(path: Path, samples: np.ndarray | None = None, rate_hz: int = RATE_HZ, subtype: str | None = None) -> Path:
    soundfile.write(path, make_sound() if samples is None else samples, rate_hz, subtype=subtype)
    return path


def refuse(path: Path) -> UnreadableAudio:
    with pytest.raises(UnreadableAudio) as caught:
        examine(path)
    assert caught.value.what.endswith(".") and caught.value.todo.endswith(".")
    with pytest.raises(UnreadableAudio):
        read_mono(path, rate_hz=16_000)
    return caught.value


@pytest.mark.parametrize(("suffix", "codec"), [("wav", "pcm_16"), ("flac", "flac"), ("ogg", "vorbis"), ("mp3", "mp3")])
def test_facts(tmp_path: Path, suffix: str, codec: str) -> None:
    stereo = np.column_stack([make_sound(), make_sound()])
    assert examine(write(tmp_path / f"a.{suffix}", stereo)) == AudioFacts(3000, RATE_HZ, 2, suffix, codec)


def test_opus_and_odd_names(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.opus", make_sound(2.0, 48_000), 48_000, format="OGG", subtype="OPUS")
    facts = examine(tmp_path / "a.opus")
    assert (facts.container, facts.codec, facts.duration_ms) == ("ogg", "opus", 2000)
    write(tmp_path / "b.wav").rename(tmp_path / "b.bin")
    assert examine(tmp_path / "b.bin").container == "wav"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_offsets_are_exact(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"a.{suffix}")
    whole = read_mono(path, rate_hz=RATE_HZ)
    part = read_mono(path, rate_hz=RATE_HZ, start_ms=1234, length_ms=500)
    first = 1234 * RATE_HZ // 1000
    assert part.dtype == np.float32 and part.shape == (500 * RATE_HZ // 1000,)
    tolerance = 2e-3 if suffix == "mp3" else 1e-6
    np.testing.assert_allclose(part[2000:], whole[first + 2000 : first + len(part)], atol=tolerance)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_resampled_lengths_and_places(tmp_path: Path, rate_hz: int) -> None:
    path = write(tmp_path / "a.wav")
    part = read_mono(path, rate_hz=rate_hz, start_ms=770, length_ms=1111)
    assert len(part) == 1111 * rate_hz // 1000
    time = 0.77 + np.arange(len(part)) / rate_hz
    expected = 0.4 * np.sin(2 * np.pi * (200 + 400 * time) * time)
    np.testing.assert_allclose(part[200:-200], expected[200:-200], atol=0.02)


def test_channels_are_averaged_and_the_end_is_the_end(tmp_path: Path) -> None:
    left = make_sound()
    path = write(tmp_path / "a.wav", np.column_stack([left, -left]))
    assert np.abs(read_mono(path, rate_hz=RATE_HZ)).max() < 1e-4
    assert len(read_mono(path, rate_hz=RATE_HZ, start_ms=2900, length_ms=1000)) == RATE_HZ // 10
    assert len(read_mono(path, rate_hz=8_000, start_ms=9000)) == 0
    assert len(read_mono(path, rate_hz=8_000, length_ms=0)) == 0


def test_blocks_are_bounded_and_join(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", make_sound(8.0))
    blocks = list(read_blocks(path, rate_hz=RATE_HZ))
    assert len(blocks) > 4 and max(len(block) for block in blocks) <= 1 << 16
    np.testing.assert_array_equal(np.concatenate(blocks), read_mono(path, rate_hz=RATE_HZ))


def test_never_reads_more_than_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav", make_sound(10.0))
    frames: list[int] = []
    read = soundfile.SoundFile.read

    def count(self: soundfile.SoundFile, wanted: int, **options: object) -> np.ndarray:
        frames.append(wanted)
        return read(self, wanted, **options)

    monkeypatch.setattr(soundfile.SoundFile, "read", count)
    read_mono(path, rate_hz=8_000, start_ms=2000, length_ms=100)
    assert sum(frames) == RATE_HZ // 10


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"OggS",
        b"fLaC",
        b"Dear all, please find attached\n" * 40,
        b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(500),
        b"ID3" + b"\xff" * 80,
    ],
    ids=["empty", "riff only", "ogg only", "flac only", "text", "jpeg", "tag only"],
)
def test_refuses_what_is_not_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    refuse(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0.3, 0.8, 0.999])
def test_refuses_truncated_files(tmp_path: Path, suffix: str, kept: float) -> None:
    path = write(tmp_path / f"a.{suffix}", np.random.default_rng(1).normal(0, 0.1, 4 * RATE_HZ).astype(np.float32))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    refuse(path)


def test_refuses_ogg_cut_between_pages(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ogg", np.random.default_rng(1).normal(0, 0.1, 8 * RATE_HZ).astype(np.float32))
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"OggS")])
    assert "does not end" in refuse(path).what


def test_refuses_wav_that_lies(tmp_path: Path) -> None:
    """Its header promises two gigabytes; the refusal must not need them."""
    path = write(tmp_path / "a.wav")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", 2_000_000_000)
    content[4:8] = struct.pack("<I", 2_000_000_036)
    path.write_bytes(content)
    assert "2000000000" in refuse(path).what


def test_refuses_wav_without_a_stated_length(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[4:8] = content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert "stream" in refuse(path).what


@pytest.mark.parametrize(
    ("channels", "rate_hz", "data_bytes"), [(0, 44_100, 400), (65, 44_100, 13_000), (1, 0, 400), (1, 1_000_000, 400), (1, 1, 100_000)]
)
def test_refuses_absurd_values(tmp_path: Path, channels: int, rate_hz: int, data_bytes: int) -> None:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * channels * 2, channels * 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", data_bytes) + bytes(data_bytes)
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    refuse(path)


def test_refuses_flac_that_lies(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac")
    content = bytearray(path.read_bytes())
    content[22:26] = struct.pack(">I", 40_000_000)  # lower 32 bits of the number of samples in STREAMINFO
    path.write_bytes(content)
    assert "cut off" in refuse(path).what


def test_refuses_ogg_that_lies(tmp_path: Path) -> None:
    """The last page states a minute more than there is."""
    path = write(tmp_path / "a.ogg")
    content = bytearray(path.read_bytes())
    page = content.rfind(b"OggS")
    content[page + 6 : page + 14] = struct.pack("<q", 60 * RATE_HZ)
    content[page + 22 : page + 26] = bytes(4)
    content[page + 22 : page + 26] = struct.pack("<I", reckon_ogg_checksum(content[page:]))
    path.write_bytes(content)
    with pytest.raises(UnreadableAudio, match="before its stated end"):
        read_mono(path, rate_hz=8_000)


def reckon_ogg_checksum(page: bytes) -> int:
    """RFC 3533, section 6: the CRC with polynomial 04C11DB7, not reflected."""
    rest = 0
    for byte in page:
        rest ^= byte << 24
        for _ in range(8):
            rest = (rest << 1 ^ 0x04C11DB7 if rest & 0x80000000 else rest << 1) & 0xFFFFFFFF
    return rest


def test_refuses_samples_that_are_no_numbers(tmp_path: Path) -> None:
    samples = make_sound()
    samples[1000] = np.nan
    path = write(tmp_path / "a.wav", samples, subtype="FLOAT")
    with pytest.raises(UnreadableAudio, match="not numbers"):
        read_mono(path, rate_hz=RATE_HZ)


def test_refuses_mp3_with_fewer_frames_than_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3")
    content = path.read_bytes()
    header = max(content.find(b"Xing"), content.find(b"Info"))
    if header < 0:
        pytest.skip("this encoder counts no frames")
    changed = bytearray(content)
    changed[header + 8 : header + 12] = struct.pack(">I", 1000)
    path.write_bytes(changed)
    assert "counts 1000 frames" in refuse(path).what


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SUFFIXES), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_headers_are_read_or_refused_and_nothing_else(tmp_path: Path, suffix: str, changes: list[tuple[int, int]]) -> None:
    path = tmp_path / f"a.{suffix}"
    content = bytearray(write(path, make_sound(0.3)).read_bytes())
    for place, value in changes:
        content[place] = value
    path.write_bytes(content)
    try:
        assert len(read_mono(path, rate_hz=8_000, length_ms=examine(path).duration_ms)) < 8_000 * 3600
    except UnreadableAudio as trouble:
        assert trouble.what and trouble.todo


def test_written_bytes_depend_on_samples_alone(tmp_path: Path) -> None:
    samples = np.array([0.0, 0.5, -0.5, 1.5, -1.5], dtype=np.float32)
    write_wav(tmp_path / "a.wav", samples, 8_000)
    write_wav(tmp_path / "b.wav", samples, 8_000)
    content = (tmp_path / "a.wav").read_bytes()
    assert content == (tmp_path / "b.wav").read_bytes() and len(content) == 44 + 10
    assert np.frombuffer(content[44:], "<i2").tolist() == [0, 16384, -16384, 32767, -32767]
    for wrong in (samples.reshape(1, -1), np.array([np.inf], dtype=np.float32)):
        with pytest.raises(ValueError, match="finite row"):
            write_wav(tmp_path / "c.wav", wrong, 8_000)


@pytest.mark.parametrize("tag_bytes", [10, 20_000])
def test_flac_behind_a_tag_is_read_as_without(tmp_path: Path, tag_bytes: int) -> None:
    """Content Credentials stand in such a tag. libsndfile alone fails to seek behind a large one."""
    plain = write(tmp_path / "plain.flac", make_sound())
    tag = b"ID3\x04\0\0" + bytes(tag_bytes >> 7 * place & 0x7F for place in (3, 2, 1, 0)) + bytes(tag_bytes)
    (tmp_path / "tagged.flac").write_bytes(tag + plain.read_bytes())
    assert examine(tmp_path / "tagged.flac") == examine(plain)
    for start_ms in (0, 1234, 2900):
        passage = read_mono(tmp_path / "tagged.flac", rate_hz=RATE_HZ, start_ms=start_ms)
        assert np.array_equal(passage, read_mono(plain, rate_hz=RATE_HZ, start_ms=start_ms))
    (tmp_path / "tagged.flac").write_bytes(tag + plain.read_bytes()[:-2000])
    refuse(tmp_path / "tagged.flac")


def test_refuses_negative_requests(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not negative"):
        read_mono(write(tmp_path / "a.wav"), rate_hz=8_000, start_ms=-1)
