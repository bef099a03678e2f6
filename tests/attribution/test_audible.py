"""Short passages at any speed, found by a coarse table; and nothing where there is nothing."""

from itertools import pairwise

import numpy as np
import pytest
from tests.attribution.test_similarity import CORPUS, RATE_HZ, cut, make_recording

from ritornello.attribution import audible, coarse
from ritornello.attribution.audible import SETTINGS, hear, hear_in_blocks
from ritornello.attribution.catalogue import Catalogue, build, pack
from ritornello.attribution.spectra import measure_spectra


def catalogue_of(corpus: list[tuple[str, np.ndarray]]) -> Catalogue:
    return build(((name, pack(measure_spectra(samples, SETTINGS))) for name, samples in corpus), SETTINGS)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return catalogue_of(CORPUS)


def test_finds_a_splice_with_its_places(catalogue: Catalogue) -> None:
    stranger = make_recording(99)[: RATE_HZ * 2]
    found = hear(catalogue, np.concatenate([cut(2, 3_007, 5_007), 0.3 * cut(4, 1_511, 2_511), stranger, cut(0, 8_000, 11_000)]))
    assert [one.recording_id for one in found] == ["R2", "R4", "R0"]
    for one, (start_ms, end_ms, source_ms) in zip(found, [(0, 2_000, 3_007), (2_000, 3_000, 1_511), (5_000, 8_000, 8_000)], strict=True):
        assert abs(one.start_ms - start_ms) <= 120 and abs(one.end_ms - end_ms) <= 120
        assert abs(one.source_start_ms - one.start_ms - (source_ms - start_ms)) <= 25 and one.speed_ppm == 1_000_000


@pytest.mark.parametrize("semitones", [-3, 2])
def test_finds_what_runs_at_another_speed(catalogue: Catalogue, semitones: int) -> None:
    speed = 2 ** (semitones / 12)
    source = cut(3, 2_000, 7_000)
    sped = np.interp(np.arange(0, len(source) - 1, speed), np.arange(len(source)), source).astype(np.float32)
    (found,) = hear(catalogue, sped)
    assert found.recording_id == "R3" and found.speed_ppm == round(speed * 1_000_000)
    assert abs(found.source_start_ms - 2_000) <= 60 and abs(found.source_end_ms - 7_000) <= 160
    assert hear(catalogue, sped, bends=False) == ()


def test_silence_noise_and_strangers_are_nobodys(catalogue: Catalogue) -> None:
    random = np.random.default_rng(5)
    noise = random.normal(0, 0.2, 5 * RATE_HZ).astype(np.float32)
    for sound in (np.zeros(5 * RATE_HZ, np.float32), noise, make_recording(77, 6), noise[:100], noise[:0]):
        assert hear(catalogue, sound) == ()


def test_blocks_don_t_matter_and_passages_go_on_over_them(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audible, "BLOCK_MS", 3_000)
    sound = np.concatenate([cut(1, 1_000, 9_000), cut(5, 0, 2_000)])
    whole = hear(catalogue, sound)
    assert [one.recording_id for one in whole] == ["R1", "R5"] and abs(whole[0].end_ms - 8_000) <= 120
    edges = [0, 7, 50_000, 50_001, 120_000, len(sound)]
    assert hear_in_blocks(catalogue, [sound[first:last] for first, last in pairwise(edges)]) == whole


def test_a_name_at_too_many_places_is_no_news() -> None:
    patches = np.random.default_rng(1).normal(size=(3, 84)).astype(np.float32)
    patches /= np.linalg.norm(patches, axis=1, keepdims=True)
    table = coarse.make_table(
        [(np.arange(coarse.PLACES_LIMIT + 1), np.repeat(patches[:1], coarse.PLACES_LIMIT + 1, axis=0)), (np.array([900, 901]), patches[1:])]
    )
    numbers, places = table.look_up(np.concatenate([patches, np.zeros((1, 84), np.float32)]))
    assert sorted(zip(numbers.tolist(), places.tolist(), strict=True)) == [(1, 900), (2, 901)]


def test_noise_is_not_the_noise_in_a_recording() -> None:
    random = np.random.default_rng(9)
    waves = [("waves", random.normal(0, 0.2, 6 * RATE_HZ).astype(np.float32)), *CORPUS]
    noisy = catalogue_of(waves)
    assert hear(noisy, random.normal(0, 0.2, 6 * RATE_HZ).astype(np.float32)) == ()
    (found,) = hear(noisy, waves[0][1][RATE_HZ : 4 * RATE_HZ])  # a copy of it is
    assert found.recording_id == "waves" and found.end_ms - found.start_ms > 2_800
