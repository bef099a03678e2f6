"""Sound into tokens and back."""

import numpy as np
import numpy.typing as npt
import pytest

from ritornello.generator.codebook import RATE_HZ, Codebook, fit_codebook

Samples = npt.NDArray[np.float32]


def melody(seed: int, seconds: float = 6.0) -> Samples:
    """Notes of a quarter of a second with a few overtones."""
    random = np.random.default_rng(seed)
    time = np.arange(RATE_HZ // 4) / RATE_HZ
    notes = [
        sum(np.sin(2 * np.pi * 220 * 2 ** (note / 12) * part * time) / part for part in (1, 2, 3)) * np.exp(-3 * time)
        for note in random.integers(0, 24, int(seconds * 4))
    ]
    return (0.2 * np.concatenate(notes)).astype(np.float32)


@pytest.fixture(scope="module")
def codebook() -> Codebook:
    return fit_codebook([melody(seed) for seed in range(6)], 64, 1)


def test_tokens_say_what_sounds(codebook: Codebook) -> None:
    samples = melody(20)
    tokens = codebook.encode(samples)
    assert len(tokens) == len(samples) // 2048 * 2 and codebook.size == 128
    assert set(tokens[::2]) <= set(range(64)) and set(tokens[1::2]) <= set(range(64, 128))
    assert (codebook.encode(samples * 0.1) == tokens).mean() > 0.99  # loudness doesn't matter
    again = codebook.encode(codebook.decode(tokens))[: len(tokens)]
    other = codebook.encode(melody(21))[: len(again)]
    # Of 64 kinds, by chance about one in 64 would agree.
    assert (again[::2] == tokens[: len(again) : 2]).mean() > 0.6 > 0.2 > (other[::2] == tokens[: len(again) : 2]).mean()


def test_the_same_again(codebook: Codebook) -> None:
    second = fit_codebook([melody(seed) for seed in range(6)], 64, 1)
    assert all((one == other).all() for one, other in zip(codebook.centres, second.centres, strict=True))
    tokens = codebook.encode(melody(20))
    assert (codebook.decode(tokens) == second.decode(tokens)).all()


def test_edges(codebook: Codebook) -> None:
    assert len(codebook.encode(np.zeros(100, dtype=np.float32))) == 0
    assert len(codebook.encode(np.zeros(RATE_HZ, dtype=np.float32))) == RATE_HZ // 2048 * 2  # silence is a sound like others
    assert len(codebook.decode(np.zeros(0, dtype=np.int64))) == len(codebook.decode(np.array([1]))) == 0
    assert np.isfinite(codebook.decode(np.array([0, 64]))).all()
    with pytest.raises(ValueError):
        codebook.decode(np.array([0, 1]))
    with pytest.raises(ValueError):
        codebook.decode(np.array([0, 128]))
    with pytest.raises(ValueError):
        codebook.encode(np.zeros((2, 100), dtype=np.float32))
