"""The catalogue as the audible-evidence method sees it: every asset's spectra in a byte a band, and a coarse table of its patches."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ritornello.attribution.coarse import CoarseTable, make_table
from ritornello.attribution.patches import describe_patches, make_unit, measure_deviation
from ritornello.attribution.settings import SimilaritySettings
from ritornello.attribution.spectra import RANGE_DB, Spectra

STEPS_PER_DB = 127 / RANGE_DB
DEVIATION_EVERY = 16  # of the patches, every so many are enough to know how far they vary

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Spectra in a byte a band: `bands` (frames, bands) int8 in steps of 0.4 dB, and `audible` (frames,)."""

    bands: npt.NDArray[np.int8]
    audible: npt.NDArray[np.bool_]


def pack(spectra: Spectra) -> Packed:
    """Round spectra to a byte a band."""
    return Packed(np.rint(np.clip(spectra.bands, -RANGE_DB, RANGE_DB) * STEPS_PER_DB).astype(np.int8), spectra.audible)


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Assets end to end: asset i has rows `starts[i]` to `starts[i + 1]` of `bands` and belongs to `recording_ids[i]`.

    `mean` and `deviation` (bands,) in steps are those of all audible rows; `patch_deviation` (84,) is that of patches.
    """

    settings: SimilaritySettings
    recording_ids: tuple[str, ...]
    starts: npt.NDArray[np.int64]
    bands: npt.NDArray[np.int8]
    audible: npt.NDArray[np.bool_]
    mean: Floats
    deviation: Floats
    patch_deviation: Floats
    table: CoarseTable = field(repr=False)

    def read(self, first: int, last: int) -> Floats:
        """Standardised rows `first` to `last` (exclusive), silence 0."""
        rows = self.bands[first:last].astype(np.float32)
        return np.asarray((rows - self.mean) / self.deviation * self.audible[first:last, None], dtype=np.float32)

    def standardise(self, spectra: Spectra) -> Floats:
        """Spectra of an output as `read` gives those of the catalogue."""
        rows = spectra.bands * np.float32(STEPS_PER_DB)
        return np.asarray((rows - self.mean) / self.deviation * spectra.audible[:, None], dtype=np.float32)

    def describe(self, rows: Floats, audible: npt.NDArray[np.bool_]) -> Floats:
        """A unit vector for each patch of standardised rows."""
        return make_unit(describe_patches(rows, audible, self.settings.patch_frames), self.patch_deviation)

    def asset_at(self, row: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The asset on which each row lies."""
        return np.asarray(np.searchsorted(self.starts, row, side="right") - 1, dtype=np.int64)

    @property
    def size_bytes(self) -> int:
        """Of its arrays."""
        arrays = (self.starts, self.bands, self.audible, self.table.names, self.table.places)
        return sum(one.nbytes for one in arrays)


def build(assets: Iterable[tuple[str, Packed]], settings: SimilaritySettings) -> Catalogue:
    """Return the catalogue of `assets`: pairs of recording id and packed spectra; an id may come several times. Raises `ValueError` where there is none."""
    recording_ids, parts = [], []
    for recording_id, packed in assets:
        recording_ids.append(recording_id)
        parts.append(packed)
    if not parts:
        raise ValueError("a catalogue needs a recording")
    bands, audible = np.concatenate([one.bands for one in parts]), np.concatenate([one.audible for one in parts])
    starts = np.concatenate([[0], np.cumsum([len(one.bands) for one in parts])]).astype(np.int64)
    mean, deviation = _measure(bands, audible)
    blank = CoarseTable(np.zeros(0, np.uint32), np.zeros(0, np.uint32))
    ones = np.ones(1, np.float32)
    found = Catalogue(settings, tuple(recording_ids), starts, bands, audible, mean, deviation, ones, blank)
    patch_deviation = measure_deviation(one[::DEVIATION_EVERY] for one in _describe_all(found))
    units = (
        (start + np.arange(len(one)), make_unit(one, patch_deviation)) for start, one in zip(starts, _describe_all(found), strict=False)
    )
    table = make_table(units)
    return Catalogue(settings, found.recording_ids, starts, bands, audible, mean, deviation, patch_deviation, table)


def _describe_all(catalogue: Catalogue) -> Iterable[Floats]:
    for first, last in zip(catalogue.starts[:-1].tolist(), catalogue.starts[1:].tolist(), strict=True):
        yield describe_patches(catalogue.read(first, last), catalogue.audible[first:last], catalogue.settings.patch_frames)


def _measure(bands: npt.NDArray[np.int8], audible: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean and deviation of each band over audible rows: exact sums of whole numbers, whatever the order."""
    count = max(1, int(audible.sum()))
    sums = np.zeros((2, bands.shape[1]), dtype=np.int64)
    for first in range(0, len(bands), 1 << 16):
        rows = bands[first : first + (1 << 16)][audible[first : first + (1 << 16)]].astype(np.int64)
        sums += np.stack([rows.sum(axis=0), (rows**2).sum(axis=0)])
    mean = sums[0] / count
    return mean.astype(np.float32), np.sqrt(np.maximum(sums[1] / count - mean**2, STEPS_PER_DB**2)).astype(np.float32)
