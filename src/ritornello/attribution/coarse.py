"""A table in which patches of sound are looked up by a few bits: what a patch costs hardly grows with the catalogue.

A bit is the side of a fixed random plane on which a patch lies, so that patches at a small angle share most bits (M. Charikar, "Similarity estimation techniques from
rounding algorithms", STOC 2002). The bits of which a patch is least sure are tried both ways (Q. Lv and others, "Multi-probe LSH", VLDB 2007). One shared name proves
nothing; two at one place in one recording are worth a look.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BITS = 28  # that are kept; a smaller catalogue is looked up by fewer, the first ones
LEAST_BITS = 16
SPARE_BITS = 5  # so that a patch meets one in 32 of its names by chance, whatever the catalogue's size
UNSURE_BITS = 6
PLANES_SEED = 7
PLACES_LIMIT = 256  # of one name: more are no news

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CoarseTable:
    """`names` (n,) uint32 in order, and `places` (n,) uint32: the rows of the catalogue at which patches so named begin."""

    names: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]

    @property
    def bits(self) -> int:
        """By how many bits patches are looked up."""
        return min(BITS, max(LEAST_BITS, len(self.names).bit_length() + SPARE_BITS))

    def look_up(self, patches: Floats) -> tuple[Ints, Ints]:
        """Return pairs (number of the patch, place) for unit vectors (m, d); zero vectors find nothing. Names at too many places are skipped."""
        rest = np.uint32(BITS - self.bits)
        numbers, wanted = _try_names(patches, self.bits)
        firsts = np.searchsorted(self.names, np.left_shift(wanted, rest))
        counts = np.searchsorted(self.names, np.left_shift(wanted + np.uint32(1), rest)) - firsts
        counts[counts > PLACES_LIMIT] = 0
        entries = np.repeat(firsts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        return np.repeat(numbers, counts), self.places[entries].astype(np.int64)


def make_table(parts: Iterable[tuple[Ints, Floats]]) -> CoarseTable:
    """Return the table of `parts`: places (n,) and the unit vectors (n, d) of the patches that begin there."""
    names, places = [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)]
    for some_places, patches in parts:
        heard = np.flatnonzero(patches.any(axis=1))
        names.append(_pack(_measure_sides(patches[heard], BITS) > 0))
        places.append(some_places[heard].astype(np.uint32))
    joined, where = np.concatenate(names), np.concatenate(places)
    order = np.argsort(joined, kind="stable")
    return CoarseTable(joined[order], where[order])


def _try_names(patches: Floats, bits: int) -> tuple[Ints, npt.NDArray[np.uint32]]:
    """Numbers of the patches and the names under which each is looked up."""
    heard = np.flatnonzero(patches.any(axis=1))
    sides = _measure_sides(patches[heard], bits)
    unsure = np.argsort(np.abs(sides), axis=1, kind="stable")[:, :UNSURE_BITS].astype(np.uint32)
    flips = np.left_shift(np.uint32(1), np.uint32(bits - 1) - unsure)
    chosen = (np.arange(1 << UNSURE_BITS)[:, None] >> np.arange(UNSURE_BITS)) & 1
    tried = _pack(sides > 0)[:, None] ^ (flips @ chosen.T.astype(np.uint32))
    return np.repeat(heard, 1 << UNSURE_BITS), tried.ravel()


def _measure_sides(patches: Floats, bits: int) -> npt.NDArray[np.float64]:
    """How far each patch lies on which side of each plane, in double precision, so that no bit depends on the number of threads."""
    planes = np.linalg.qr(np.random.default_rng(PLANES_SEED).normal(size=(patches.shape[1],) * 2))[0][:, :bits]
    return np.asarray(np.round(patches.astype(np.float64) @ planes, 9))


def _pack(bits: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint32]:
    """Names whose first bit counts most."""
    return np.asarray(bits @ np.left_shift(np.uint32(1), np.arange(bits.shape[1], dtype=np.uint32)[::-1]), dtype=np.uint32)
