"""What is found, where, and what isn't."""

from pathlib import Path

import numpy as np
import pytest
from tests.audio.fingerprint.sounds import Floats, drone, mix, noise, play

from ritornello.audio.fingerprint import RATE_HZ, FingerprintIndex, Passage, find, find_in_blocks, measure_peaks
from ritornello.audio.fingerprint import candidates as candidates_module
from ritornello.audio.fingerprint.find import find_in_peaks

PIECES = range(12)
SECONDS = 40.0


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> FingerprintIndex:
    empty = FingerprintIndex.open(tmp_path_factory.mktemp("index"))
    return empty.add([(f"piece {seed}", measure_peaks(play(seed, SECONDS), 20)) for seed in PIECES])


def excerpt(seed: int, start_s: float, length_s: float, tempo: float = 1.0, semitones: float = 0.0) -> Floats:
    whole = play(seed, SECONDS, tempo=tempo, semitones=semitones)
    return whole[int(start_s / tempo * RATE_HZ) : int((start_s + length_s) / tempo * RATE_HZ)]


def assert_found(passages: tuple[Passage, ...], seed: int, start_s: float, within_ms: int = 120) -> Passage:
    assert passages and passages[0].asset_sha256 == f"piece {seed}"
    best = passages[0]
    assert abs(best.asset_start_ms - best.start_ms * best.speed_ppm / 1_000_000 - start_s * 1000) <= within_ms
    return best


@pytest.mark.parametrize("length_s", [3, 5, 10])
def test_an_excerpt_is_found_with_its_place(index: FingerprintIndex, length_s: int) -> None:
    for seed in (0, 5, 11):
        best = assert_found(find(index, excerpt(seed, 13.37, length_s)), seed, 13.37, 60)
        assert best.end_ms - best.start_ms > length_s * 800
        assert abs(best.speed_ppm - 1_000_000) < 10_000 and abs(best.pitch_cents) <= 5 and best.false_match_ppb < 10_000


@pytest.mark.parametrize(
    ("tempo", "semitones"), [(1.05, 0.0), (0.95, 0.0), (1.0, 1.0), (1.0, -2.0), (1.04, 12 * np.log2(1.04)), (0.95, 12 * np.log2(0.95))]
)
def test_at_another_tempo_pitch_or_speed(index: FingerprintIndex, tempo: float, semitones: float) -> None:
    best = assert_found(find(index, excerpt(3, 20.0, 10.0, tempo, semitones)), 3, 20.0, 300)
    assert best.speed_ppm == pytest.approx(tempo * 1_000_000, abs=10_000)
    assert best.pitch_cents == pytest.approx(semitones * 100, abs=10)
    assert find(index, excerpt(3, 20.0, 10.0, tempo, semitones), bends=False) == () or abs(tempo - 1) + abs(semitones) < 0.2


def test_under_noise_and_under_other_music(index: FingerprintIndex) -> None:
    assert_found(find(index, mix(excerpt(7, 8.0, 10.0), noise(1, 10), 0)), 7, 8.0)
    assert_found(find(index, mix(excerpt(7, 8.0, 10.0), play(900, 10), -6)), 7, 8.0)


def test_a_mix_of_two_recordings_shows_both(index: FingerprintIndex) -> None:
    passages = find(index, mix(excerpt(1, 5.0, 10.0), excerpt(2, 25.0, 10.0), 0))
    assert {one.asset_sha256 for one in passages} == {"piece 1", "piece 2"}


def test_passages_of_a_longer_file(index: FingerprintIndex) -> None:
    silence = np.zeros(4 * RATE_HZ, np.float32)
    medley = np.concatenate([excerpt(4, 10.0, 14.0), silence, play(901, 9.0), excerpt(9, 3.0, 17.0)])
    passages = sorted(find(index, medley), key=lambda one: one.start_ms)
    assert [one.asset_sha256 for one in passages] == ["piece 4", "piece 9"]
    for one, (start, end, source) in zip(passages, [(0, 14000, 10000), (27000, 44000, 3000)], strict=True):
        assert abs(one.start_ms - start) < 1000 and abs(one.end_ms - end) < 1000
        assert abs(one.asset_start_ms - one.start_ms + start - source) < 120
    blocks = np.array_split(medley, 17)
    assert tuple(passages) == tuple(sorted(find_in_blocks(index, blocks), key=lambda one: one.start_ms))


def test_what_is_not_in_the_catalogue_is_not_found(index: FingerprintIndex) -> None:
    for seed in range(950, 965):
        assert find(index, play(seed, 12.0)) == ()


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.float32),
        np.zeros(1, np.float32),
        np.zeros(20 * RATE_HZ, np.float32),
        np.ones(20 * RATE_HZ, np.float32),
        np.sign(np.sin(np.arange(20 * RATE_HZ) / 9)).astype(np.float32),
        np.eye(1, 20 * RATE_HZ, 777, dtype=np.float32)[0],
    ],
)
def test_nothing_to_hear_finds_nothing(index: FingerprintIndex, sound: Floats) -> None:
    assert find(index, sound) == ()


def test_a_shared_drone_is_no_evidence(tmp_path: Path) -> None:
    index = FingerprintIndex.open(tmp_path).add([("drone", measure_peaks(drone(1, 30), 20)), ("piece", measure_peaks(play(1, 30), 20))])
    assert find(index, drone(2, 12)) == ()


def test_what_is_removed_is_not_found_and_can_come_back(tmp_path: Path) -> None:
    pieces = [(f"piece {seed}", measure_peaks(play(seed, 20.0), 20)) for seed in range(3)]
    index = FingerprintIndex.open(tmp_path).add(pieces).remove(frozenset({"piece 1", "unknown"}))
    sound = play(1, 20.0)[5 * RATE_HZ : 15 * RATE_HZ]
    assert find(index, sound) == () and set(index.assets) == {"piece 0", "piece 2"}
    assert find(index.add(pieces[1:2]), sound)[0].asset_sha256 == "piece 1"


def test_what_is_ignored_doesnt_hide_its_variants(index: FingerprintIndex, tmp_path: Path) -> None:
    faster = play(3, SECONDS, tempo=1.04, semitones=12 * np.log2(1.04))
    both = FingerprintIndex.open(tmp_path).add([("piece 3", measure_peaks(play(3, SECONDS), 20)), ("faster", measure_peaks(faster, 20))])
    peaks = measure_peaks(excerpt(3, 4.0, 10.0), 100)
    (found,) = find_in_peaks(both, peaks, ignored=frozenset({"piece 3"}))
    assert found.asset_sha256 == "faster" and found.speed_ppm == pytest.approx(1_000_000 / 1.04, abs=10_000)


def test_a_bound_on_the_work_still_finds(index: FingerprintIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = excerpt(6, 11.0, 10.0)
    monkeypatch.setattr(candidates_module, "HITS_LIMIT", 200)
    assert_found(find(index, sound), 6, 11.0)


def test_the_same_bytes_each_time(index: FingerprintIndex) -> None:
    sound = mix(excerpt(8, 2.0, 9.0), noise(3, 9), 3)
    assert find(index, sound) == find(index, sound.copy())
