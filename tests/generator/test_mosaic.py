"""The mosaic generator: the same seed gives the same piece, and it tells the truth about what is in it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.generator.mosaic import (
    GRANULAR_CLOUD,
    MOSAIC,
    UNATTRIBUTED,
    MosaicModel,
    MosaicSettings,
    Passage,
    generate,
    read_model,
    train,
    truth_ppm,
)

RATE_HZ = MOSAIC.rate_hz


def make_recording(seed: int, seconds: int = 8) -> np.ndarray:
    """Notes of random pitch, each recording with a timbre of its own."""
    random = np.random.default_rng(seed)
    notes = []
    for _ in range(seconds * 4):
        time = np.arange(RATE_HZ // 4) / RATE_HZ
        hertz = 110 * 2 ** (int(random.integers(24)) / 12)
        partials = [np.sin(2 * np.pi * hertz * k * time) * (k ** -(0.5 + seed / 4)) for k in range(1, 8)]
        notes.append(np.sum(partials, axis=0) * np.exp(-time * 6))
    sound = np.concatenate(notes)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


CORPUS = [(f"R{number}", make_recording(number)) for number in range(1, 7)]


@pytest.fixture(scope="module")
def model() -> MosaicModel:
    return train(CORPUS, MOSAIC, seed=3)


def test_training_is_deterministic_and_the_model_survives_its_bytes(model: MosaicModel) -> None:
    again = train(CORPUS, MOSAIC, seed=3)
    assert again.to_bytes() == model.to_bytes()
    assert again.weights_sha256 == model.weights_sha256 == read_model(model.to_bytes()).weights_sha256
    assert train(CORPUS[:-1], MOSAIC, seed=3).weights_sha256 != model.weights_sha256
    assert train(CORPUS, MOSAIC, seed=4).weights_sha256 != model.weights_sha256


def test_the_grammar_counts_what_the_corpus_did(model: MosaicModel) -> None:
    grains = len(model.kind) - len(CORPUS) * MOSAIC.starts_per_grain
    assert model.transitions.sum() == grains
    assert len(model.transitions) == len(model.centres) <= MOSAIC.clusters


@pytest.mark.parametrize("settings", [MOSAIC, GRANULAR_CLOUD], ids=["mosaic", "cloud"])
def test_generation_is_deterministic_and_passages_cover_the_output(settings: MosaicSettings) -> None:
    model = train(CORPUS, settings, seed=3)
    first, second, other = (generate(model, length_ms=9_500, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.samples, second.samples)
    assert first.passages == second.passages != other.passages
    assert first.samples.dtype == np.float32 and len(first.samples) == 9_500 * RATE_HZ // 1000
    assert 0.89 < np.abs(first.samples).max() < 0.91
    assert first.passages[0].start_ms == 0 and first.passages[-1].end_ms == 9_500
    for earlier, later in pairwise(first.passages):
        assert earlier.end_ms - later.start_ms == settings.crossfade_ms


def test_passages_are_where_they_say(model: MosaicModel) -> None:
    """Between its fades a passage is its recording, but for its level."""
    sounds = dict(CORPUS)
    output = generate(model, length_ms=20_000, seed=1)
    checked = 0
    for passage in output.passages:
        if passage.recording_id is None or passage.end_ms - passage.start_ms < 300:
            continue
        first, last = ((time * RATE_HZ) // 1000 for time in (passage.start_ms + 70, passage.end_ms - 70))
        place = passage.source_start_ms * RATE_HZ // 1000 - passage.start_ms * RATE_HZ // 1000
        heard, source = output.samples[first:last], sounds[passage.recording_id][first + place : last + place]
        assert np.corrcoef(heard, source)[0, 1] > 0.999
        checked += 1
    assert checked > 3


def test_own_voice_has_about_its_share() -> None:
    settings = MosaicSettings(own_share_ppm=300_000)
    model = train(CORPUS, settings, seed=3)
    shares = [truth_ppm(generate(model, length_ms=30_000, seed=seed).passages)[UNATTRIBUTED] for seed in range(12)]
    assert 200_000 < sum(shares) / len(shares) < 400_000
    silent = train(CORPUS, MosaicSettings(own_share_ppm=0), seed=3)
    assert truth_ppm(generate(silent, length_ms=20_000, seed=1).passages)[UNATTRIBUTED] == 0


def test_an_output_draws_on_some_recordings_unevenly(model: MosaicModel) -> None:
    truths = [truth_ppm(generate(model, length_ms=25_000, seed=seed).passages) for seed in range(10)]
    assert len({tuple(truth) for truth in truths}) > 1
    assert sum(max(truth.values()) > 1_500_000 // len(CORPUS) for truth in truths) >= 8


def test_silence_is_never_chosen_and_cannot_be_learnt_from() -> None:
    silence = np.zeros(8 * RATE_HZ, dtype=np.float32)
    model = train([*CORPUS[:2], ("silent", silence)], MOSAIC, seed=1)
    assert all("silent" not in truth_ppm(generate(model, length_ms=9_000, seed=seed).passages) for seed in range(5))
    for corpus in ([("silent", silence)], [("short", silence[:100])], []):
        with pytest.raises(ValueError, match="no audible grain"):
            train(corpus, MOSAIC, seed=1)


def test_refusals(model: MosaicModel) -> None:
    with pytest.raises(ValueError, match="twice"):
        train([CORPUS[0], CORPUS[0]], MOSAIC, seed=1)
    with pytest.raises(ValueError, match="positive length"):
        generate(model, length_ms=0, seed=1)
    with pytest.raises(ValueError):
        read_model(b"something else")


def test_the_shortest_outputs(model: MosaicModel) -> None:
    for length_ms in (1, 59, 60, 61, 700):
        output = generate(model, length_ms=length_ms, seed=1)
        assert output.passages[-1].end_ms == length_ms
        assert sum(truth_ppm(output.passages).values()) == 1_000_000


def test_truth_halves_fades() -> None:
    passages = [Passage("A", 0, 700, 0), Passage(None, 600, 1000, 0), Passage("A", 1000, 1200, 5)]
    assert truth_ppm(passages) == {"A": 708_333, UNATTRIBUTED: 291_667}
    assert truth_ppm([]) == {UNATTRIBUTED: 1_000_000}


@given(st.lists(st.tuples(st.sampled_from(["A", "B", "C", None]), st.integers(120, 5_000)), min_size=1, max_size=40), st.integers(0, 60))
def test_truth_totals_a_million(parts: list[tuple[str | None, int]], fade_ms: int) -> None:
    passages, start_ms = [], 0
    for name, length_ms in parts:
        passages.append(Passage(name, start_ms, start_ms + length_ms, 0))
        start_ms += length_ms - fade_ms
    truth = truth_ppm(passages)
    assert sum(truth.values()) == 1_000_000 and min(truth.values()) >= 0
    assert truth.keys() == {name or UNATTRIBUTED for name, _ in parts} | {UNATTRIBUTED}
