"""Verdicts from passages, by rule; the same music in another key and tempo; what is played, whatever plays it."""

import numpy as np
import pytest

from ritornello.audio.fingerprint import Passage
from ritornello.audio.likeness import verdict
from ritornello.audio.likeness.alignment import Alignment, align
from ritornello.audio.likeness.chroma import RATE_HZ, measure_chroma, pack, unpack
from ritornello.audio.likeness.masking import Shared

MINUTE = 60_000


def passage(start: int, end: int, asset_start: int, *, speed: int = 1_000_000, cents: int = 0, evidence: int = 90_000) -> Passage:
    return Passage("a" * 64, start, end, asset_start, asset_start + (end - start) * speed // 1_000_000, speed, cents, evidence, 1)


WHOLE = [passage(0, MINUTE, 0)]
CASES = [
    ("same_sound", MINUTE, WHOLE, (990_000, 980_000)),
    ("variant", MINUTE, [passage(0, 58_000, 0, speed=1_030_000, cents=51)], (950_000, 950_000)),
    ("variant", MINUTE, [passage(0, MINUTE, 0, cents=-100)], (950_000, 950_000)),
    ("other_mix", MINUTE, WHOLE, (850_000, 830_000)),
    ("stem_of", MINUTE, WHOLE, (700_000, 400_000)),
    ("contains", MINUTE, WHOLE, (400_000, 700_000)),
    ("stem_of", MINUTE, [passage(10_000, 25_000, 10_050)], (600_000, 200_000)),
    ("sample", MINUTE, [passage(10_000, 25_000, 30_000)], (900_000, 900_000)),
    ("excerpt", 10_000, [passage(0, 10_000, 20_000)], (990_000, 990_000)),
    ("contains", 3 * MINUTE, [passage(70_000, 130_000, 0)], (990_000, 990_000)),
    ("loop", 20_000, [passage(n * 5_000, n * 5_000 + 5_000, 20_000) for n in range(4)], (950_000, 950_000)),
]


@pytest.mark.parametrize(("kind", "file_ms", "passages", "shares"), CASES)
def test_verdicts(kind: str, file_ms: int, passages: list[Passage], shares: tuple[int, int]) -> None:
    found = verdict.judge(file_ms, MINUTE, passages, [Shared(*shares)] * len(passages))
    assert found is not None and found.kind == kind
    assert found.sentence.startswith(verdict.MEANING[kind]) and found.sentence.endswith(verdict.NOT_SHOWN)


def test_weak_evidence_is_no_verdict() -> None:
    assert (
        verdict.judge(MINUTE, MINUTE, [passage(0, MINUTE, 0, evidence=verdict.LEAST_MILLIDECADES - 1)], [Shared(990_000, 990_000)]) is None
    )
    assert verdict.judge(MINUTE, MINUTE, [], []) is None


def chords(seed: int) -> np.ndarray:
    """A minute of random chords of a second and a half, as chroma."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(40):
        row = random.uniform(0, 0.15, 12)
        row[(random.integers(12) + np.array([0, random.integers(3, 5), 7])) % 12] += random.uniform(0.5, 0.85, 3)
        rows += [row + random.uniform(0, 0.1, 12) for _ in range(3)]
    return np.array(rows, np.float32)


def test_the_same_music_in_another_key_and_tempo_aligns_and_other_music_does_not() -> None:
    one = chords(1)
    slower = np.roll(one[np.arange(int(len(one) * 1.25)) * 4 // 5], 3, axis=1)
    found = align(slower, one)
    assert found.transposed == 3 and verdict.judge_work(found) is not None
    assert verdict.judge_work(align(chords(2), one)) is None
    assert align(one[:40], one) == Alignment(0.0, 0), "too short to say"


def test_chroma_hears_pitch_classes_whatever_the_octave_and_the_blocks() -> None:
    time = np.arange(RATE_HZ * 6) / RATE_HZ
    sound = sum(np.sin(2 * np.pi * hertz * time) for hertz in (261.63, 659.26, 392.0)).astype(np.float32)  # C, E, G
    chroma = measure_chroma([sound])
    assert chroma.shape == (10, 12) and set(np.argsort(chroma.mean(axis=0))[-3:]) == {3, 7, 10}, "counted from A"
    assert np.array_equal(chroma, measure_chroma(np.array_split(sound, 7)))
    assert np.abs(unpack(pack(chroma)) - chroma).max() < 0.003
    assert len(measure_chroma([])) == len(measure_chroma([np.zeros(100, np.float32)])) == 0
    assert not measure_chroma([np.zeros(RATE_HZ * 4, np.float32)]).any()
