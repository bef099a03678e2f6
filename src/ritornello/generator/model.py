"""A trained mosaic generator: its vocabulary of grains, its grammar, and the sound it was made from."""

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ritornello.generator.settings import MosaicSettings

FORMAT = "ritornello-mosaic-1"
ARRAYS = ("samples", "sample_starts", "recording", "start_ms", "kind", "level_db", "whole", "head", "tail", "centres", "transitions")


@dataclass(frozen=True, eq=False)
class MosaicModel:
    """Grains of r recordings, in k kinds.

    `samples` is the int16 sound of all recordings end to end, recording i from `sample_starts[i]` to `sample_starts[i + 1]`.
    Per grain: index of its `recording`, its `start_ms` there, its `kind`, `level_db`, and descriptors `whole`, `head`, `tail`.
    `centres` (k, d) are the kinds, `transitions` (k, k) counts how often a grain of kind i was followed by one of kind j,
    one hop later in the same recording.
    """

    settings: MosaicSettings
    recording_ids: tuple[str, ...]
    samples: npt.NDArray[np.int16]
    sample_starts: npt.NDArray[np.int64]
    recording: npt.NDArray[np.int32]
    start_ms: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int32]
    level_db: npt.NDArray[np.float32]
    whole: npt.NDArray[np.float32]
    head: npt.NDArray[np.float32]
    tail: npt.NDArray[np.float32]
    centres: npt.NDArray[np.float32]
    transitions: npt.NDArray[np.int64]

    def to_bytes(self) -> bytes:
        """Return the model as an uncompressed NumPy archive; the same model always gives the same bytes."""
        header = {"format": FORMAT, "settings": asdict(self.settings), "recording_ids": list(self.recording_ids)}
        text = np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, header=text, **{name: getattr(self, name) for name in ARRAYS})
        return file.getvalue()

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of `to_bytes()` in hexadecimal: the name of this model version's weights."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def sound_of(self, recording: int) -> npt.NDArray[np.int16]:
        """The samples of the recording with that index."""
        return self.samples[self.sample_starts[recording] : self.sample_starts[recording + 1]]


def read_model(content: bytes) -> MosaicModel:
    """Return the model that `to_bytes` wrote. Raises `ValueError` for anything else."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        if "header" not in archive:
            raise ValueError("not a mosaic model")
        header = json.loads(archive["header"].tobytes())
        if header.get("format") != FORMAT:
            raise ValueError("not a mosaic model of a known format")
        arrays = {name: archive[name] for name in ARRAYS}
    return MosaicModel(MosaicSettings(**header["settings"]), tuple(header["recording_ids"]), **arrays)
