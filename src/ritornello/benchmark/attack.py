"""Pieces changed to draw more money than they should: two published attacks at this scale.

X. Wang, P. Hu, J. Deng and J. W. Ma, "Adversarial Attacks on Data Attribution", ICLR 2025. Both change single tokens greedily, a given part of a piece at most,
each for another one of its kind.
*Outlier*: the attacker can only ask the trained model how likely music is, and makes the piece as unlikely as possible, since outliers tend to get high scores.
*Shadow*: the attacker trains models of its own on music of the same kind, and pushes the piece's gradient there towards the one that makes those models' outputs
likelier. The paper perturbs with gradients through the input; symbols have none, so candidates are tried instead.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ritornello.benchmark import model
from ritornello.benchmark.world import PAD, Piece, Tokens, World, cut

CHANGED = 0.1  # of a segment's tokens
CANDIDATES = 24  # changes tried for each that is made
SHADOW_STEP = 1e-3  # of the parameters' length, for the derivative
Objective = Callable[[Tokens], npt.NDArray[np.float64]]


def make_outliers(world: World, pieces: Sequence[Piece], trained: Any, seed: int) -> list[Piece]:
    """The pieces, changed until `trained` finds them unlikely."""
    return [_change(world, piece, lambda rows: model.measure(trained, rows), np.random.default_rng([seed, 1])) for piece in pieces]


def make_shadowed(world: World, pieces: Sequence[Piece], others: Sequence[Piece], seed: int, *, models: int, epochs: int) -> list[Piece]:
    """The pieces, changed to have influence on the outputs of models that the attacker trained on them and on `others`, music of the same kind."""
    segments, _ = cut([*pieces, *others])
    shadows = []
    for number in range(models):
        shadow = model.build(world.vocabulary, seed + number)
        model.train(shadow, segments, seed + number, epochs=epochs)
        shadows.append(shadow)
    objectives = [_influence_on(shadow, model.generate(shadow, 32, seed + number)) for number, shadow in enumerate(shadows)]

    def objective(rows: Tokens) -> npt.NDArray[np.float64]:
        return np.asarray(np.mean([one(rows) for one in objectives], axis=0))

    return [_change(world, piece, objective, np.random.default_rng([seed, 2])) for piece in pieces]


def _influence_on(shadow: Any, targets: Tokens) -> Objective:
    """How much a step of training on a segment would help the targets, to first order.

    That is the product of their gradients, here as the difference of the segment's loss on both sides along the targets' gradient.
    """
    import torch

    shadow.zero_grad()
    model.losses(shadow, torch.from_numpy(targets)).sum().backward()
    with torch.no_grad():
        weights = [parameter.detach().clone() for parameter in shadow.parameters()]
        slopes = [parameter.grad.detach().clone() for parameter in shadow.parameters()]
        lengths = [float(sum((tensor**2).sum() for tensor in tensors) ** 0.5) for tensors in (weights, slopes)]
        step = SHADOW_STEP * lengths[0] / lengths[1]

    def measure(rows: Tokens) -> npt.NDArray[np.float64]:
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                for parameter, weight, slope in zip(shadow.parameters(), weights, slopes, strict=True):
                    parameter.copy_(weight + sign * step * slope)
            sides.append(model.measure(shadow, rows))
        with torch.no_grad():
            for parameter, weight in zip(shadow.parameters(), weights, strict=True):
                parameter.copy_(weight)
        return np.asarray(sides[0] - sides[1])

    return measure


def _change(world: World, piece: Piece, objective: Objective, random: np.random.Generator) -> Piece:
    """The piece with the changes that raise the objective most, one after the other in each of its segments."""
    segments, _ = cut([piece])
    known = [np.unique(np.concatenate([one.tokens[place :: world.unit] for one in world.pieces])) for place in range(world.unit)]
    changed = []
    for row in segments:
        length = int((row != PAD).sum())
        row = row.copy()
        for _ in range(max(1, int(CHANGED * length))):
            tries = np.tile(row, (CANDIDATES + 1, 1))
            for attempt in tries[1:]:
                place = int(random.integers(length))
                attempt[place] = random.choice(known[place % world.unit])
            row = tries[int(objective(tries).argmax())]
        changed.append(row[:length])
    return Piece(piece.name, piece.catalogue, np.concatenate(changed))
