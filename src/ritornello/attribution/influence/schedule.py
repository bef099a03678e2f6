"""After which steps a checkpoint is kept. Influence is strongest where much is learnt, which is early: checkpoints crowd there."""

from collections.abc import Iterable
from dataclasses import dataclass

COUNT = 10


@dataclass(frozen=True, slots=True)
class Schedule:
    """`steps`: those after which a checkpoint is kept. The last step of training always is."""

    steps: frozenset[int]

    def __contains__(self, step: int) -> bool:
        return step in self.steps


def choose(steps: Iterable[int]) -> Schedule:
    """Those steps; 0 is the model before training. Raises ValueError for a negative one."""
    chosen = frozenset(steps)
    if not chosen or min(chosen) < 0:
        raise ValueError("checkpoints are kept after steps from 0 on, at least one")
    return Schedule(chosen)


def geometric(total: int, count: int = COUNT) -> Schedule:
    """`count` steps from a twentieth of `total` to `total`, each later than the one before by the same factor."""
    if total < 1 or count < 2:
        raise ValueError("training has at least one step, and a schedule two checkpoints")
    return Schedule(frozenset(max(1, round(total * 20 ** (number / (count - 1) - 1))) for number in range(count)))
