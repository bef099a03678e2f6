"""A music generator by corpus-based concatenative synthesis.

Recordings are cut into grains, described, and sorted into kinds; the order of kinds in the corpus is learnt as a first-order
Markov chain. A new piece is a walk over kinds, for each of which the grain is selected that fits and joins best. After
D. Schwarz, "Concatenative sound synthesis: the early years", Journal of New Music Research 35(1), 2006 (and his CataRT, DAFx
2006), and A. Zils and F. Pachet, "Musical mosaicing", DAFx 2001. Since it copies sound, what each output is made of is
known exactly: that truth is what methods of attribution are measured against.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ritornello.generator.clusters import find_kinds
from ritornello.generator.descriptors import Descriptors, describe
from ritornello.generator.model import MosaicModel, read_model
from ritornello.generator.passages import UNATTRIBUTED, Passage, truth_ppm
from ritornello.generator.path import SILENT_DB, choose_runs
from ritornello.generator.render import render_runs
from ritornello.generator.settings import GRANULAR_CLOUD, MOSAIC, MosaicSettings

__all__ = [
    "GRANULAR_CLOUD",
    "MOSAIC",
    "UNATTRIBUTED",
    "Generated",
    "MosaicModel",
    "MosaicSettings",
    "Passage",
    "generate",
    "read_model",
    "train",
    "truth_ppm",
]


@dataclass(frozen=True, slots=True, eq=False)
class Generated:
    """One output: mono float32 `samples` at the model's rate, and the `passages` it is made of, in order of time."""

    samples: npt.NDArray[np.float32]
    passages: tuple[Passage, ...]


def train(corpus: Iterable[tuple[str, npt.NDArray[np.float32]]], settings: MosaicSettings, seed: int) -> MosaicModel:
    """Learn a vocabulary and a grammar from `corpus`: pairs of recording id and mono samples at `settings.rate_hz`.

    Every id comes once. Raises `ValueError` for an id that comes twice, or a corpus without one audible grain.
    The same corpus in the same order, settings and seed give the same bytes (with the same build of NumPy and SciPy).
    """
    recording_ids: list[str] = []
    sounds: list[npt.NDArray[np.int16]] = []
    described: list[Descriptors] = []
    for recording_id, samples in corpus:
        if recording_id in recording_ids:
            raise ValueError(f"recording {recording_id} comes twice")
        recording_ids.append(recording_id)
        sounds.append(np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16))
        described.append(describe(np.asarray(samples, dtype=np.float32), settings))
    counts = [len(part.level_db) for part in described]
    level_db = np.concatenate([part.level_db for part in described]) if described else np.zeros(0, dtype=np.float32)
    if not (level_db > SILENT_DB).any():
        raise ValueError("the corpus holds no audible grain")
    whole = _standardise(np.concatenate([part.whole for part in described]))
    ends = _standardise(np.concatenate([part.head for part in described] + [part.tail for part in described]))
    centres, kind = find_kinds(whole, settings.clusters, np.random.default_rng(seed))
    recording = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return MosaicModel(
        settings=settings,
        recording_ids=tuple(recording_ids),
        samples=np.concatenate(sounds),
        sample_starts=np.concatenate([[0], np.cumsum([len(sound) for sound in sounds])]).astype(np.int64),
        recording=recording,
        start_ms=np.concatenate([np.arange(count) * settings.step_ms for count in counts]).astype(np.int32),
        kind=kind,
        level_db=level_db,
        whole=whole,
        head=ends[: len(kind)],
        tail=ends[len(kind) :],
        centres=centres.astype(np.float32),
        transitions=_count_transitions(recording, kind, settings.starts_per_grain, len(centres)),
    )


def generate(model: MosaicModel, *, length_ms: int, seed: int) -> Generated:
    """Make a new piece of `length_ms`; the same model and seed give the same samples and passages.

    Raises `ValueError` for a length that is not positive.
    """
    if length_ms <= 0:
        raise ValueError("an output has a positive length")
    random = np.random.default_rng(seed)
    samples, passages = render_runs(model, choose_runs(model, length_ms, random), length_ms, random)
    return Generated(samples, passages)


def _standardise(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each column with mean 0 and deviation 1, so that no descriptor outweighs another by its unit."""
    deviation = rows.std(axis=0, dtype=np.float64)
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    return np.asarray(centred / np.where(deviation > 1e-6, deviation, 1.0), dtype=np.float32)


def _count_transitions(recording: npt.NDArray[np.int32], kind: npt.NDArray[np.int32], stride: int, kinds: int) -> npt.NDArray[np.int64]:
    """How often kind i is followed by kind j, one hop later in the same recording."""
    counts = np.zeros((kinds, kinds), dtype=np.int64)
    together = recording[:-stride] == recording[stride:]
    np.add.at(counts, (kind[:-stride][together], kind[stride:][together]), 1)
    return counts
