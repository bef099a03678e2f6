"""What training again showed, and how well scores foretell it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ritornello.attribution.influence.attributing import Scores
from ritornello.attribution.rank_correlation import correlate_ranks

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Models trained on subsets of the recordings: `subsets` (subsets, recordings), true where one was read, and `values` (subsets, outputs), how
    likely each output then was (log likelihood)."""

    recording_ids: tuple[str, ...]
    subsets: npt.NDArray[np.bool_]
    values: Doubles

    def __post_init__(self) -> None:
        if self.subsets.shape != (len(self.values), len(self.recording_ids)) or len(self.values) < 3 or not np.isfinite(self.values).all():
            raise ValueError("a truth has at least three subsets, a column for each recording, and finite values")

    def of_outputs(self, chosen: npt.NDArray[np.int64]) -> "Truth":
        return Truth(self.recording_ids, self.subsets, self.values[:, chosen])

    def add_up(self, scores: Scores) -> Doubles:
        """What scores foretell for each subset, (subsets, outputs): the sum over its recordings. Raises ValueError where a recording has no score."""
        columns = {name: number for number, name in enumerate(scores.recording_ids)}
        missing = [name for name in self.recording_ids if name not in columns]
        if missing:
            raise ValueError(f"{missing[0]!r} has no score")
        values = scores.values[:, [columns[name] for name in self.recording_ids]]
        return np.asarray(self.subsets.astype(np.float64) @ values.T.astype(np.float64))


def measure_lds(scores: Scores, truth: Truth) -> Doubles:
    """The linear datamodelling score of each output, (outputs,): rank correlation over subsets of foretold and true values; 0 where scores say
    nothing (S. M. Park and others, TRAK, ICML 2023, definition 2.3)."""
    return correlate_ranks(truth.add_up(scores), truth.values)
