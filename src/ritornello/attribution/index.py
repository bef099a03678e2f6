"""The catalogue as the similarity method sees it."""

import io
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.attribution.patches import describe_patches, make_unit, measure_deviation
from ritornello.attribution.settings import SimilaritySettings

FORMAT = "ritornello-similarity-1"
ARRAYS = ("bands", "audible", "asset_starts", "mean", "deviation")


@dataclass(frozen=True, eq=False)
class Index:
    """Spectra of all assets end to end: asset i has rows `asset_starts[i]` to `asset_starts[i + 1]` and `recording_ids[i]`.

    `bands` (frames, bands) as `measure_spectra` gives them; `mean` and `deviation` (bands,) are those of all audible frames.
    """

    settings: SimilaritySettings
    recording_ids: tuple[str, ...]
    asset_starts: npt.NDArray[np.int64]
    bands: npt.NDArray[np.float32]
    audible: npt.NDArray[np.bool_]
    mean: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float32]

    def standardise(self, bands: npt.NDArray[np.float32], audible: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """Bands less the catalogue's mean in units of its deviation: what makes a sound unlike others. Silence becomes 0."""
        return np.asarray((bands - self.mean) / self.deviation * audible[:, None], dtype=np.float32)

    def read_asset(self, asset: int) -> npt.NDArray[np.float32]:
        """Standardised spectra (frames, bands) of the asset with that number."""
        rows = self._rows_of(asset)
        return self.standardise(self.bands[rows], self.audible[rows])

    @cached_property
    def patch_deviation(self) -> npt.NDArray[np.float32]:
        """How far the patches of the catalogue vary, coefficient by coefficient."""
        return measure_deviation(self._describe(asset) for asset in range(len(self.recording_ids)))

    @cached_property
    def patches(self) -> tuple[npt.NDArray[np.float32], ...]:
        """Per asset, a unit vector for each patch. Computed on first use and kept: twice the size of the spectra."""
        return tuple(make_unit(self._describe(asset), self.patch_deviation) for asset in range(len(self.recording_ids)))

    def _describe(self, asset: int) -> npt.NDArray[np.float32]:
        return describe_patches(self.read_asset(asset), self.audible[self._rows_of(asset)], self.settings.patch_frames)

    def _rows_of(self, asset: int) -> slice:
        return slice(int(self.asset_starts[asset]), int(self.asset_starts[asset + 1]))

    def to_bytes(self) -> bytes:
        """Return the index as an uncompressed NumPy archive; the same index always gives the same bytes."""
        header = {"format": FORMAT, "settings": asdict(self.settings), "recording_ids": list(self.recording_ids)}
        text = np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, header=text, **{name: getattr(self, name) for name in ARRAYS})
        return file.getvalue()

    def save(self, path: Path) -> None:
        """Write `to_bytes()` to `path`."""
        path.write_bytes(self.to_bytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> "Index":
        """Return the index that `to_bytes` wrote. Raises `ValueError` for anything else."""
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            header = json.loads(archive["header"].tobytes()) if "header" in archive else {}
            if header.get("format") != FORMAT:
                raise ValueError("not a similarity index of a known format")
            arrays = {name: archive[name] for name in ARRAYS}
        return cls(SimilaritySettings(**header["settings"]), tuple(header["recording_ids"]), **arrays)

    @classmethod
    def load(cls, path: Path) -> "Index":
        """Return the index that `save` wrote to `path`. Raises `ValueError` for anything else."""
        return cls.from_bytes(path.read_bytes())
