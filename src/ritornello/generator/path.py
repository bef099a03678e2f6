"""Choosing what comes next: a walk over kinds of grains, and the grain that fits best."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ritornello.generator.model import MosaicModel
from ritornello.generator.passages import WHOLE_PPM

SILENT_DB = -50.0
SMOOTHING = 0.1
OWN_VOICE = -1


@dataclass(frozen=True, slots=True)
class Run:
    """Grains that follow each other in one recording: the first one's index (or `OWN_VOICE`), its place in the output in ms
    with fades, and the pitch change in semitones."""

    grain: int
    start_ms: int
    end_ms: int
    semitones: int


def choose_runs(model: MosaicModel, length_ms: int, random: np.random.Generator) -> list[Run]:
    """Return runs that fill `length_ms`, each overlapping the next by the crossfade.

    Kinds follow the Markov chain of the corpus; a run goes on with a chance of `continue_ppm` a grain, which is the same chain
    as one recording walked it. Where a run ends, the next kind is drawn and its grain selected by target cost and join cost
    (Hunt and Black, 1996; Schwarz, 2006).
    """
    settings = model.settings
    usable = _draw_palette(model, random) & (model.level_db > SILENT_DB)
    goes_on = settings.continue_ppm / WHOLE_PPM
    mean_run_ms = settings.grain_ms + goes_on / (1 - goes_on) * settings.hop_ms
    owed_ms = random.random() * mean_run_ms  # so that short outputs also get their chance of the own voice
    runs: list[Run] = []
    start_ms, own_ms, last = 0, 0.0, OWN_VOICE
    while start_ms + settings.crossfade_ms < length_ms or not runs:
        is_own = start_ms * settings.own_share_ppm / WHOLE_PPM + owed_ms - own_ms >= mean_run_ms and settings.own_share_ppm > 0
        grain = OWN_VOICE if is_own or not usable.any() else _select(model, usable, last, random)
        grains = 1
        while random.random() < goes_on and (grain == OWN_VOICE or _follows(model, grain, grains)):
            grains += 1
        end_ms = min(length_ms, start_ms + settings.grain_ms + (grains - 1) * settings.hop_ms)
        limit = settings.transpose_semitones
        runs.append(Run(grain, start_ms, end_ms, int(random.integers(-limit, limit + 1)) if grain != OWN_VOICE else 0))
        own_ms += end_ms - start_ms if grain == OWN_VOICE else 0
        last = OWN_VOICE if grain == OWN_VOICE else grain + (grains - 1) * settings.starts_per_grain
        start_ms = end_ms - settings.crossfade_ms
        if end_ms == length_ms:
            break
    return runs


def _draw_palette(model: MosaicModel, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which grains belong to the recordings drawn for this output."""
    least, most = model.settings.palette_least, model.settings.palette_most
    count = len(model.recording_ids)
    wanted = min(count, int(random.integers(least, most + 1))) if most else count
    drawn = random.permutation(count)[: wanted or count]
    return np.isin(model.recording, drawn)


def _follows(model: MosaicModel, grain: int, hops: int) -> bool:
    """Whether the recording of `grain` has another audible grain `hops` later."""
    later = grain + hops * model.settings.starts_per_grain
    return later < len(model.recording) and model.recording[later] == model.recording[grain] and model.level_db[later] > SILENT_DB


def _select(model: MosaicModel, usable: npt.NDArray[np.bool_], last: int, random: np.random.Generator) -> int:
    """The grain with the least cost, its costs disturbed by as much as the temperature allows (Gumbel-max sampling)."""
    settings = model.settings
    chances = (model.transitions.sum(axis=0) if last == OWN_VOICE else model.transitions[model.kind[last]]) + SMOOTHING
    kind = int(np.searchsorted(np.cumsum(chances), random.random() * chances.sum(), side="right"))
    kind = min(kind, len(chances) - 1)
    found = np.flatnonzero(usable & (model.kind == kind))
    candidates = found if len(found) else np.flatnonzero(usable)
    cost = ((model.whole[candidates] - model.centres[kind]) ** 2).mean(axis=1)
    if last != OWN_VOICE:
        cost = cost + ((model.head[candidates] - model.tail[last]) ** 2).mean(axis=1)
    return int(candidates[np.argmin(cost - settings.temperature * random.gumbel(size=len(candidates)))])
