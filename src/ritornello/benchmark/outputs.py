"""What is attributed in the benchmark: outputs that the model wrote, and outputs put together from pieces, whose sources are therefore known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ritornello.benchmark.world import SEGMENT, Tokens, World

GENERATED = "generated"
NOISED_PPM = 150_000  # of the tokens of a noised splice are replaced by others of their kind
MOST_SEMITONES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """Outputs of one kind: `tokens` (n, 128), and per output its sources, as numbers of pieces with their parts of its length (none for what the model wrote)."""

    kind: str
    tokens: Tokens
    sources: tuple[dict[int, float], ...] = ()

    @property
    def names(self) -> list[str]:
        return [f"{self.kind.replace(' ', '-')}-{number:03d}" for number in range(len(self.tokens))]


def put_together(world: World, count: int, seed: int) -> tuple[Outputs, ...]:
    """`count` splices, mosaics and mash-ups of the world's pieces, and splices transposed and noised. Deterministic for a seed."""
    kinds: list[tuple[str, Callable[[np.random.Generator], tuple[Tokens, dict[int, float]]]]] = [
        ("splice", lambda random: _splice(world, random)),
        ("mosaic", lambda random: _mosaic(world, random)),
        ("mash-up", lambda random: _mash_up(world, random)),
        ("noised splice", lambda random: _noise(world, random)),
    ]
    if world.pitches:
        kinds.append(("transposed splice", lambda random: _transpose(world, random)))
    made = []
    for number, (kind, make) in enumerate(kinds):
        random = np.random.default_rng([seed, number])
        found = [make(random) for _ in range(count)]
        made.append(Outputs(kind, np.stack([tokens for tokens, _ in found]), tuple(sources for _, sources in found)))
    return tuple(made)


def _splice(world: World, random: np.random.Generator) -> tuple[Tokens, dict[int, float]]:
    """Half from one piece, half from another."""
    chosen = random.choice(len(world.pieces), 2, replace=False)
    return np.concatenate([_passage(world, number, SEGMENT // 2, random) for number in chosen]), dict.fromkeys(chosen.tolist(), 0.5)


def _mosaic(world: World, random: np.random.Generator) -> tuple[Tokens, dict[int, float]]:
    """A quarter from each of four pieces."""
    chosen = random.choice(len(world.pieces), 4, replace=False)
    return np.concatenate([_passage(world, number, SEGMENT // 4, random) for number in chosen]), dict.fromkeys(chosen.tolist(), 0.25)


def _mash_up(world: World, random: np.random.Generator) -> tuple[Tokens, dict[int, float]]:
    """Two pieces taking turns, eight tokens each."""
    chosen = random.choice(len(world.pieces), 2, replace=False)
    voices = [_passage(world, number, SEGMENT // 2, random).reshape(-1, 8) for number in chosen]
    return np.stack(voices, axis=1).reshape(-1), dict.fromkeys(chosen.tolist(), 0.5)


def _transpose(world: World, random: np.random.Generator) -> tuple[Tokens, dict[int, float]]:
    """A splice up to five semitones higher or lower, but never as it was."""
    assert world.pitches is not None
    tokens, sources = _splice(world, random)
    lowest, highest = world.pitches
    pitches = (tokens >= lowest) & (tokens <= highest)
    steps = [step for step in range(-MOST_SEMITONES, MOST_SEMITONES + 1) if step and _fits(tokens[pitches] + step, lowest, highest)]
    return tokens + int(random.choice(steps)) * pitches, sources


def _fits(tokens: Tokens, lowest: int, highest: int) -> bool:
    return not len(tokens) or (int(tokens.min()) >= lowest and int(tokens.max()) <= highest)


def _noise(world: World, random: np.random.Generator) -> tuple[Tokens, dict[int, float]]:
    """A splice of which some tokens are replaced by what stands at the same place of a unit elsewhere."""
    tokens, sources = _splice(world, random)
    every = np.concatenate([piece.tokens for piece in world.pieces])
    for place in np.flatnonzero(random.random(len(tokens)) < NOISED_PPM / 1_000_000):
        alike = every[place % world.unit :: world.unit]
        tokens[place] = alike[random.integers(len(alike))]
    return tokens, sources


def _passage(world: World, number: int, length: int, random: np.random.Generator) -> Tokens:
    """`length` neighbouring tokens of a piece, from the beginning of a unit."""
    tokens = world.pieces[number].tokens
    first = int(random.integers((len(tokens) - length) // world.unit + 1)) * world.unit
    return tokens[first : first + length].copy()
