"""A line: the supposition that from some moment on a file is a recording, at some speed and pitch."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Lines:
    """Suppositions: query frame q is frame `origins + stretches * q` of a segment's axis, and its pitches are `transposed` semitones higher there. All of shape (n,)."""

    origins: npt.NDArray[np.float64]
    stretches: npt.NDArray[np.float64]
    transposed: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Lines":
        return Lines(self.origins[which], self.stretches[which], self.transposed[which])

    def turned(self, around_frame: float, stretch: float, transposed: float) -> "Lines":
        """The same lines a little steeper or higher, still through the same point at query frame `around_frame`."""
        return Lines(self.origins - stretch * around_frame, self.stretches + stretch, self.transposed + transposed)


def join_lines(parts: "list[Lines]") -> Lines:
    """All lines in one."""
    return Lines(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("origins", "stretches", "transposed")))
