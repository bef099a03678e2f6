"""The portable catalogue: rendered without network, the same every time, and each recording unlike the others."""

from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from ritornello.demo import portable_catalogue
from ritornello.demo.sheets import read_table
from ritornello.demo.synthesiser import RATE_HZ, VOICES, Note, add_room, perform
from ritornello.demo.tunes import PATTERNS

TWO = ("amazon", "fare-you-well")


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portable")
    portable_catalogue.build(folder, quiet, only=TWO)
    return folder


def test_the_same_every_time(rendered: Path, tmp_path: Path) -> None:
    portable_catalogue.build(tmp_path, quiet, only=TWO)
    files = sorted(path.relative_to(rendered) for path in rendered.rglob("*.flac"))
    assert len(files) == 4  # two recordings, two stems
    for file in files:
        assert (rendered / file).read_bytes() == (tmp_path / file).read_bytes()


def test_neither_silent_nor_clipped(rendered: Path) -> None:
    for path in rendered.rglob("*.flac"):
        samples, rate_hz = soundfile.read(path)
        assert rate_hz == RATE_HZ and samples.ndim == 1
        assert 45 <= len(samples) / rate_hz <= 60.01
        loudness = np.sqrt(np.mean(samples[: len(samples) // RATE_HZ * RATE_HZ].reshape(-1, RATE_HZ) ** 2, axis=1))
        assert np.median(loudness) > 0.02
        assert np.abs(samples).max() < 0.95
        tags = mutagen.File(path, easy=True)
        assert tags["title"] and tags["artist"][0].startswith("Example Session")


def test_a_recording_is_the_sum_of_its_stems(rendered: Path) -> None:
    artist = rendered / "audio" / "Example Session Astrid"
    whole, melody, under = (
        soundfile.read(path, dtype="int16")[0].astype(int)
        for path in (artist / "amazon.flac", artist / "stems" / "amazon-melody.flac", artist / "stems" / "amazon-accompaniment.flac")
    )
    assert (whole == melody + under).all()


def test_recordings_differ_in_how_they_are_played() -> None:
    rows = read_table("portable-tunes")
    played = {(row["voice"], row["under"], row["pattern"], row["beats_per_minute"], row["transpose"]) for row in rows}
    assert len(played) == len(rows) >= 24
    assert len({row["voice"] for row in rows}) >= 6 and {row["voice"] for row in rows} | {row["under"] for row in rows} == set(VOICES)
    assert {row["pattern"] for row in rows} == {*PATTERNS, "chorale"}
    assert sum(bool(row["stems"]) for row in rows) == 3


@pytest.mark.parametrize("voice", sorted(VOICES))
def test_voices_sound_their_pitch(voice: str) -> None:
    sound = perform([Note(0.0, 1.0, 69, 1.0)], voice, 1.0, seed=3)
    assert sound.shape == (RATE_HZ,) and np.isfinite(sound).all() and np.abs(sound).max() > 0.1
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    # Some partial of the 440 Hz series is the strongest; a bell's partials lie at 440 · (1 ± 3.5 n).
    strongest = int(spectrum.argmax())
    nearest = round(strongest / 220) * 220 if voice == "bell" else max(round(strongest / 440), 1) * 440
    assert abs(strongest - nearest) <= 0.02 * nearest


def test_the_room_adds_a_tail() -> None:
    click = np.zeros(RATE_HZ, dtype=np.float32)
    click[0] = 1.0
    dry, wet = add_room(click, 0.0), add_room(click, 0.5)
    assert np.abs(dry[RATE_HZ // 4 :]).max() == 0
    assert np.abs(wet[RATE_HZ // 4 : RATE_HZ // 2]).max() > np.abs(wet[-RATE_HZ // 4 :]).max() > 0
