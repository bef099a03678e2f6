"""What a benchmark needs of a body of music: pieces as token sequences, in catalogues, some of which no model ever reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SEGMENT = 128  # tokens that a model reads at once
PAD = 0  # also what every segment begins with
Tokens = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A piece of music: `tokens` (n,), each from 1 to the vocabulary less 1."""

    name: str
    catalogue: str
    tokens: Tokens


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """`pieces` may be trained on; `canaries`, of the same catalogues, never are. `unit` tokens belong together (a note's pitch and length) and are never cut apart.

    `pitches` are the first and last token that transposing moves, or None where music can't be transposed by its tokens.
    """

    name: str
    about: str
    vocabulary: int
    unit: int
    pieces: tuple[Piece, ...]
    canaries: tuple[Piece, ...]
    pitches: tuple[int, int] | None = None

    @property
    def catalogues(self) -> tuple[str, ...]:
        return tuple(sorted({piece.catalogue for piece in self.pieces}))


def cut(pieces: Sequence[Piece]) -> tuple[Tokens, npt.NDArray[np.int64]]:
    """The segments of pieces, shape (n, 128) padded with 0, and the number of the piece each is from.

    A last segment of less than a quarter is left out, if it isn't the only one.
    """
    rows, owners = [], []
    for number, piece in enumerate(pieces):
        for first in range(0, len(piece.tokens), SEGMENT):
            part = piece.tokens[first : first + SEGMENT]
            if first and len(part) < SEGMENT // 4:
                continue
            rows.append(np.pad(part, (0, SEGMENT - len(part))))
            owners.append(number)
    return np.array(rows, dtype=np.int64), np.array(owners, dtype=np.int64)
