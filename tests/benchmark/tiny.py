"""A world of a dozen tunes, walks over a scale, on which everything runs in seconds."""

import numpy as np

from ritornello.benchmark.retrain import Plan
from ritornello.benchmark.symbolic import FIRST_LENGTH, FIRST_PITCH, VOCABULARY
from ritornello.benchmark.world import Piece, World

TINY = Plan(subsets=6, seeds=2, coalition_seeds=1, outputs=4, epochs=2)


def make_piece(name: str, catalogue: str, seed: int) -> Piece:
    random = np.random.default_rng(seed)
    pitches = 30 + np.clip(np.cumsum(random.choice([-4, -2, -1, 1, 2, 4], 80)), -20, 20)
    lengths = random.integers(4, 9, 80)
    return Piece(name, catalogue, np.stack([FIRST_PITCH + pitches, FIRST_LENGTH + lengths], axis=1).reshape(-1).astype(np.int64))


def make_world() -> World:
    names = [(f"{catalogue}{number}", catalogue) for catalogue in ("a", "b", "c") for number in range(5)]
    pieces = [make_piece(name, catalogue, seed) for seed, (name, catalogue) in enumerate(names)]
    kept_back = [piece for piece in pieces if piece.name.endswith("4")]
    trained = [piece for piece in pieces if piece not in kept_back]
    return World("tiny", "fifteen walks", VOCABULARY, 2, tuple(trained), tuple(kept_back), (FIRST_PITCH, FIRST_LENGTH - 1))
