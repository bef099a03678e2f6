"""After which steps a checkpoint is kept. Influence shows best where much is learnt: from soon after the beginning until the learning rate is low."""

from collections.abc import Iterable
from dataclasses import dataclass

COUNT = 10
FIRST, LAST = 1 / 15, 3 / 4  # of training


@dataclass(frozen=True, slots=True)
class Schedule:
    """`steps`: those after which a checkpoint is kept. The last step of training always is."""

    steps: frozenset[int]

    def __contains__(self, step: int) -> bool:
        return step in self.steps


def choose(steps: Iterable[int]) -> Schedule:
    """Those steps; 0 is the model before training. Raises ValueError for a negative one, or none."""
    chosen = frozenset(steps)
    if not chosen or min(chosen) < 0:
        raise ValueError("checkpoints are kept after steps from 0 on, at least one")
    return Schedule(chosen)


def spread(total: int, count: int = COUNT) -> Schedule:
    """`count` steps, evenly from a fifteenth of `total` to three quarters: better than as many in geometric order, or up to the end (docs/influence.md)."""
    if total < 1 or count < 2:
        raise ValueError("training has at least one step, and a schedule two checkpoints")
    return Schedule(frozenset(max(1, round(total * (FIRST + (LAST - FIRST) * number / (count - 1)))) for number in range(count)))


def geometric(total: int, count: int = COUNT) -> Schedule:
    """`count` steps from a twentieth of `total` to `total`, each later than the one before by the same factor."""
    if total < 1 or count < 2:
        raise ValueError("training has at least one step, and a schedule two checkpoints")
    return Schedule(frozenset(max(1, round(total * 20 ** (number / (count - 1) - 1))) for number in range(count)))
