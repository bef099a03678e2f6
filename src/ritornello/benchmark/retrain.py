"""The truth by training again: models that read only some of the pieces, and what they make of every output."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.benchmark import model
from ritornello.benchmark.world import Tokens, World, cut
from ritornello.domain.errors import Refused

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is trained: `subsets` random halves of the pieces, each with `seeds` seeds, and every coalition of catalogues with `coalition_seeds`."""

    subsets: int
    seeds: int
    coalition_seeds: int
    outputs: int  # of each kind
    epochs: int = model.EPOCHS


QUICK, FULL = Plan(24, 2, 1, 24), Plan(128, 2, 2, 64)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What models made of outputs, as mean log likelihood of a token (nats).

    `halves` (subsets, pieces): who was read; `of_halves` (subsets, seeds, outputs).
    `coalitions` (2^catalogues, catalogues); `of_coalitions` (2^catalogues, seeds, outputs).
    """

    halves: npt.NDArray[np.bool_]
    of_halves: Floats
    coalitions: npt.NDArray[np.bool_]
    of_coalitions: Floats


def find_truth(world: World, outputs: Tokens, plan: Plan, folder: Path, seed: int, tell: Callable[[str], None]) -> Truth:
    """Train all models of the plan and return what they say about `outputs` (n, 128). What lies in `folder` already is not trained again."""
    halves = draw_halves(len(world.pieces), plan.subsets, seed)
    coalitions = np.array(list(product([False, True], repeat=len(world.catalogues))))
    places = np.array([world.catalogues.index(piece.catalogue) for piece in world.pieces])
    # One seed of everything after the other: an interrupted run then has what matters most.
    ordered = []
    for seed_number in range(max(plan.seeds, plan.coalition_seeds)):
        if seed_number < plan.seeds:
            ordered += [(f"half-{number:03d}", read, seed_number) for number, read in enumerate(halves)]
        if seed_number < plan.coalition_seeds:
            ordered += [(f"coalition-{number:02d}", read[places], seed_number) for number, read in enumerate(coalitions)]
    found = {}
    for number, (name, read, seed_number) in enumerate(ordered, 1):
        path = folder / f"{name}-seed-{seed_number}.npy"
        if not path.is_file():
            tell(f"training again, {number} of {len(ordered)}: {name}, seed {seed_number + 1}")
            _keep(path, _measure(world, outputs, name, read, seed_number, seed, plan.epochs))
        found[name, seed_number] = _load(path, len(outputs))
    of_halves = [[found[f"half-{number:03d}", one] for one in range(plan.seeds)] for number in range(len(halves))]
    of_coalitions = [[found[f"coalition-{number:02d}", one] for one in range(plan.coalition_seeds)] for number in range(len(coalitions))]
    return Truth(halves, np.array(of_halves), coalitions, np.array(of_coalitions))


def draw_halves(pieces: int, subsets: int, seed: int) -> npt.NDArray[np.bool_]:
    """`subsets` random halves, shape (subsets, pieces)."""
    random = np.random.default_rng(seed)
    return np.argsort(random.random((subsets, pieces)), axis=1) < pieces // 2


def _measure(world: World, outputs: Tokens, name: str, read: npt.NDArray[np.bool_], seed_number: int, seed: int, epochs: int) -> Floats:
    """Mean log likelihood of each output's tokens under a model that read only some pieces."""
    segments, owners = cut(world.pieces)
    own_seed = int(np.random.default_rng([seed, seed_number, *name.encode()]).integers(2**31))
    trained = model.build(world.vocabulary, own_seed)
    model.train(trained, segments[read[owners]], own_seed, epochs=epochs)
    return np.asarray(-model.measure(trained, outputs))


def _load(path: Path, outputs: int) -> Floats:
    values: Floats = np.load(path, allow_pickle=False)
    if values.shape != (outputs,):
        raise Refused("out_exists", f"{path.name} is of another run", "choose another folder")
    return values


def _keep(path: Path, values: Floats) -> None:
    """Written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    with temporary.open("wb") as file:
        np.save(file, values)
    temporary.replace(path)
