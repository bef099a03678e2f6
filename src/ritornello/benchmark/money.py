"""What scores would pay: by the rule of `attribution/combine.py`, as parts of 1 of each output's money."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ritornello.attribution.combine import blend
from ritornello.attribution.shares import UNATTRIBUTED, WHOLE_PPM, Shares
from ritornello.benchmark.world import Piece
from ritornello.domain.money import apportion

Floats = npt.NDArray[np.float64]


def pay(
    scores: Floats,
    pieces: Sequence[Piece],
    *,
    eligible: int,
    a_ppm: int = WHOLE_PPM,
    heard: Floats | None = None,
    clusters: Sequence[Sequence[int]] = (),
    self_influence: Floats | None = None,
) -> Floats:
    """Each output's money, shape (outputs, pieces), in parts of 1; what is unattributed is missing from a row's sum.

    `scores` (outputs, pieces). The first `eligible` pieces were trained on; exposure is their length. `heard`
    (outputs, pieces) are parts of the output that evidence explains; `clusters` are numbers of pieces that are one and the same.
    """
    names = [f"{number:06d}" for number in range(len(pieces))]
    exposure = {name: len(piece.tokens) for name, piece in list(zip(names, pieces, strict=True))[:eligible]}
    groups = [[names[one] for one in cluster] for cluster in clusters]
    usual = None if self_influence is None else dict(zip(names, self_influence.tolist(), strict=True))
    paid = np.zeros(scores.shape)
    for number, row in enumerate(scores):
        found = blend(
            _to_shares(np.zeros(len(pieces)) if heard is None else heard[number], names, eligible),
            dict(zip(names, row.tolist(), strict=True)),
            exposure,
            a_ppm=a_ppm,
            clusters=groups,
            self_influence=usual,
        )
        for name, weight in found.weights.items():
            if name != UNATTRIBUTED:
                paid[number, int(name)] = weight / WHOLE_PPM
    return paid


def _to_shares(heard: Floats, names: Sequence[str], eligible: int) -> Shares:
    """Parts of an output as exact weights; what is heard in pieces that are not eligible stays unattributed, as a leak."""
    parts = {name: round(part * WHOLE_PPM) for name, part in zip(names, heard.tolist(), strict=True) if part > 0}
    leak = sum(part for name, part in parts.items() if int(name) >= eligible)
    parts = {name: part for name, part in parts.items() if int(name) < eligible}
    parts[UNATTRIBUTED] = max(0, WHOLE_PPM - sum(parts.values()))
    return Shares(apportion(WHOLE_PPM, parts), min(leak, parts[UNATTRIBUTED]))


def by_catalogue(paid: Floats, pieces: Sequence[Piece], catalogues: Sequence[str]) -> Floats:
    """The same money by catalogue, shape (outputs, catalogues)."""
    belongs = np.array([[piece.catalogue == name for name in catalogues] for piece in pieces], dtype=float)
    return np.asarray(paid @ belongs)
