"""One vector a row in whole numbers of 8 bits, with one scale a row, mapped into memory: a byte for each dimension of each segment."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.attribution.influence.segments import AGAIN
from ritornello.domain.errors import BadInput, Problem

Floats = npt.NDArray[np.float32]
BLOCK_ROWS = 4096


class Rows:
    """`vectors.npy` (rows, dimensions) int8 and `scales.npy` (rows,) float32 of a folder; row times scale is the vector."""

    def __init__(self, vectors: npt.NDArray[np.int8], scales: Floats) -> None:
        self.vectors, self.scales = vectors, scales

    @classmethod
    def create(cls, folder: Path, rows: int, dimensions: int) -> "Rows":
        """New files, all zeros. What lies there already is written over."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(
            np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.int8, (rows, dimensions)),
            np.lib.format.open_memmap(folder / "scales.npy", "w+", np.float32, (rows,)),
        )

    @classmethod
    def open(cls, folder: Path, rows: int, dimensions: int) -> "Rows":
        """Map the files, read-only. Raises BadInput where they are not of this shape."""
        found = []
        for name, kind, shape in (("vectors.npy", np.int8, (rows, dimensions)), ("scales.npy", np.float32, (rows,))):
            try:
                values = np.load(folder / name, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError, EOFError):
                raise BadInput([Problem(name, None, None, f"is missing or no array in {folder}", AGAIN)]) from None
            if values.dtype != kind or values.shape != shape or not values.flags.c_contiguous:
                what = f"holds {values.dtype} {values.shape} instead of {np.dtype(kind)} {shape}"
                raise BadInput([Problem(name, None, None, what, AGAIN)])
            found.append(values)
        return cls(found[0], found[1])

    def put(self, row: int, vectors: Floats) -> None:
        """Write vectors (n, dimensions) from `row` on. A vector of zeros has the scale 0. Raises ValueError for vectors that are not finite."""
        largest = np.abs(vectors).max(axis=1)
        if not np.isfinite(largest).all():
            raise ValueError("a gradient is not finite: the loss, or the weights of this checkpoint, overflow")
        scales = (largest / 127).astype(np.float32)
        self.vectors[row : row + len(vectors)] = np.rint(vectors / np.where(scales > 0, scales, 1)[:, None])
        self.scales[row : row + len(vectors)] = scales

    def flush(self) -> None:
        for values in (self.vectors, self.scales):
            if isinstance(values, np.memmap):
                values.flush()

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """Vectors in blocks, each with the number of its first row."""
        for first in range(0, len(self.vectors), BLOCK_ROWS):
            part = slice(first, first + BLOCK_ROWS)
            yield first, self.vectors[part].astype(np.float32) * self.scales[part, None]
