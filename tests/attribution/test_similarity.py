"""Finding copies, and finding nothing where there is nothing."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ritornello.attribution.similarity import METHOD, METHOD_VERSION, Index, SimilaritySettings, attribute, cache

RATE_HZ = SimilaritySettings().rate_hz


def make_recording(seed: int, seconds: int = 12) -> np.ndarray:
    """Chords of random pitch with noise bursts: no two passages alike, as in played music."""
    random = np.random.default_rng(seed)
    notes = []
    for _ in range(seconds * 4):
        time = np.arange(RATE_HZ // 4) / RATE_HZ
        note = random.normal(0, 0.3, len(time)) * np.exp(-time * 40)
        for hertz in 110 * 2 ** (random.integers(0, 36, 3) / 12):
            note += sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 6)) * np.exp(-time * random.uniform(2, 8))
        notes.append(note)
    sound = np.concatenate(notes)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


CORPUS = [(f"R{number}", make_recording(number)) for number in range(6)]


@pytest.fixture(scope="module")
def index() -> Index:
    return cache(CORPUS)


def cut(number: int, start_ms: int, end_ms: int) -> np.ndarray:
    return CORPUS[number][1][start_ms * RATE_HZ // 1000 : end_ms * RATE_HZ // 1000]


def test_finds_a_splice_with_its_places(index: Index) -> None:
    stranger = make_recording(99)[: RATE_HZ * 2]
    output = np.concatenate([cut(2, 3_007, 5_007), 0.3 * cut(4, 1_511, 2_511), stranger, cut(0, 8_000, 11_000)])
    matches = attribute(index, output)
    assert [match.recording_id for match in matches] == ["R2", "R4", "R0"]
    for match, (start_ms, end_ms, source_ms) in zip(
        matches, [(0, 2_000, 3_007), (2_000, 3_000, 1_511), (5_000, 8_000, 8_000)], strict=True
    ):
        assert abs(match.start_ms - start_ms) <= 120 and abs(match.end_ms - end_ms) <= 120
        assert abs(match.source_start_ms - match.start_ms - (source_ms - start_ms)) <= 25
        assert 850_000 <= match.score_ppm <= 1_000_001


def test_silence_noise_and_strangers_are_nobodys(index: Index) -> None:
    random = np.random.default_rng(5)
    for sound in (
        np.zeros(5 * RATE_HZ, dtype=np.float32),
        random.normal(0, 0.2, 5 * RATE_HZ).astype(np.float32),
        make_recording(77, 6),
        np.sin(np.arange(3 * RATE_HZ) * 0.05).astype(np.float32),
        np.zeros(0, dtype=np.float32),
        np.ones(10, dtype=np.float32),
    ):
        assert attribute(index, sound) == ()


def test_silence_in_the_catalogue_matches_nothing() -> None:
    index = cache([("silent", np.zeros(5 * RATE_HZ, dtype=np.float32)), ("empty", np.zeros(0, dtype=np.float32)), CORPUS[0]])
    assert attribute(index, np.zeros(5 * RATE_HZ, dtype=np.float32)) == ()
    assert {match.recording_id for match in attribute(index, cut(0, 2_000, 4_000))} == {"R0"}
    only_silent = cache([("silent", np.zeros(5 * RATE_HZ, dtype=np.float32))])
    assert attribute(only_silent, cut(0, 2_000, 4_000)) == ()


def test_a_recording_with_several_assets_counts_once() -> None:
    index = cache([("R0", CORPUS[0][1]), ("R0", CORPUS[0][1] * 0.5), CORPUS[1]])
    matches = attribute(index, cut(0, 2_000, 6_000))
    assert {match.recording_id for match in matches} == {"R0"}
    assert sum(match.end_ms - match.start_ms for match in matches) == 4_000


def test_matches_never_overlap(index: Index) -> None:
    output = np.concatenate([cut(number, 1_000 * number, 1_000 * number + 800) for number in (0, 1, 2, 3, 4, 5, 0, 2)])
    matches = attribute(index, output)
    assert len(matches) >= 8
    assert all(earlier.end_ms <= later.start_ms for earlier, later in pairwise(matches))


def test_index_survives_its_file(index: Index, tmp_path: Path) -> None:
    index.save(tmp_path / "a.npz")
    loaded = Index.load(tmp_path / "a.npz")
    assert loaded.to_bytes() == index.to_bytes() == cache(CORPUS).to_bytes()
    output = cut(3, 500, 3_500)
    assert attribute(loaded, output) == attribute(index, output) != ()
    (tmp_path / "b.npz").write_bytes(b"something else")
    with pytest.raises(ValueError):
        Index.load(tmp_path / "b.npz")


def test_refusals_and_names() -> None:
    with pytest.raises(ValueError, match="needs a recording"):
        cache([])
    with pytest.raises(ValueError, match="one row"):
        cache([("R", np.zeros((2, 2), dtype=np.float32))])
    assert METHOD and METHOD_VERSION
