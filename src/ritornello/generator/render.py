"""Making sound of chosen grains."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ritornello.generator.model import MosaicModel
from ritornello.generator.passages import Passage
from ritornello.generator.path import OWN_VOICE, Run
from ritornello.generator.voice import sing

PEAK = 0.9
LEVELLING = 0.7
LEVELLING_LIMIT_DB = 9.0

Floats = npt.NDArray[np.float32]


def render_runs(model: MosaicModel, runs: Sequence[Run], length_ms: int, random: np.random.Generator) -> tuple[Floats, tuple[Passage, ...]]:
    """Return float32 samples of shape (length_ms * rate // 1000,), loudest 0.9, and one passage a run.

    Runs are levelled towards `level_db`, by at most 9 dB, and joined by crossfades of equal power.
    """
    rate = model.settings.rate_hz
    output = np.zeros(length_ms * rate // 1000, dtype=np.float64)
    passages = []
    for place, run in enumerate(runs):
        first, last = run.start_ms * rate // 1000, min(run.end_ms * rate // 1000, len(output))
        sound = _level(_read_run(model, run, last - first, random), model.settings.level_db)
        fade = min(model.settings.crossfade_ms * rate // 1000, len(sound))
        rise = np.sin(np.linspace(0, np.pi / 2, fade))
        if place > 0:
            sound[:fade] *= rise
        if place < len(runs) - 1:
            sound[len(sound) - fade :] *= rise[::-1]
        output[first:last] += sound
        own = run.grain == OWN_VOICE
        recording_id = None if own else model.recording_ids[model.recording[run.grain]]
        passages.append(Passage(recording_id, run.start_ms, run.end_ms, 0 if own else int(model.start_ms[run.grain])))
    loudest = float(np.abs(output).max(initial=0.0))
    return (output * (PEAK / loudest if loudest > 0 else 0.0)).astype(np.float32), tuple(passages)


def _read_run(model: MosaicModel, run: Run, length: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """The run's sound, `length` samples, faster or slower where its pitch is changed (by linear interpolation)."""
    if run.grain == OWN_VOICE:
        return sing(length, model.settings.rate_hz, random).astype(np.float64)
    sound = model.sound_of(int(model.recording[run.grain]))
    first = int(model.start_ms[run.grain]) * model.settings.rate_hz // 1000
    ratio = 2 ** (run.semitones / 12)
    if first + length * ratio + 2 > len(sound):
        ratio = 1.0  # too near the end to be played faster
    source = sound[first : first + int(length * ratio) + 2].astype(np.float64) / 32768
    if ratio == 1.0:
        return np.pad(source[:length], (0, max(0, length - len(source))))
    return np.asarray(np.interp(np.arange(length) * ratio, np.arange(len(source)), source))


def _level(sound: npt.NDArray[np.float64], level_db: float) -> npt.NDArray[np.float64]:
    measured_db = 10 * np.log10(float((sound**2).mean()) + 1e-12) if len(sound) else level_db
    gain_db = np.clip(LEVELLING * (level_db - measured_db), -LEVELLING_LIMIT_DB, LEVELLING_LIMIT_DB)
    return np.asarray(sound * 10 ** (gain_db / 20))
