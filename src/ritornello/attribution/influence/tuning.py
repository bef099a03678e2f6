"""Chooses damping and layers by how well scores of held-out outputs agree with a truth. Never choose them on what is reported."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ritornello.attribution.influence.attributing import attribute
from ritornello.attribution.influence.caching import Batches, cache
from ritornello.attribution.influence.curvature import Loss
from ritornello.attribution.influence.features import Settings
from ritornello.attribution.influence.methods import Method
from ritornello.attribution.influence.recording import Recording
from ritornello.attribution.influence.truth import Truth, measure_lds
from ritornello.domain.errors import Refused


@dataclass(frozen=True, slots=True)
class Trial:
    """The mean linear datamodelling score of one choice of settings, or why it has none."""

    settings: Settings
    lds: float
    trouble: str = ""


def choose_settings(
    recording: Recording,
    model: nn.Module,
    loss: Loss,
    batches: Batches,
    held_out: Iterable[Any],
    truth: Truth,
    method: Method,
    candidates: Sequence[Settings],
    folder: Path,
) -> tuple[Method, tuple[Trial, ...]]:
    """The method with the candidate that foretells `truth` of the `held_out` outputs best, and all trials. Each candidate's cache lies in a folder of
    its number.

    Raises Refused (`degenerate_scores`) where no candidate foretells anything, which is what a damping far from the eigenvalues does without a sound.
    """
    outputs, trials = list(held_out), []
    for number, settings in enumerate(candidates):
        tried = replace(method, settings=settings)
        cached = cache(recording, model, loss, batches, folder / str(number), settings)
        try:
            found = measure_lds(attribute(cached, model, loss, outputs, tried), truth)
            trials.append(Trial(settings, float(np.mean(found))))
        except Refused as trouble:
            trials.append(Trial(settings, 0.0, str(trouble)))
    best = max(trials, key=lambda trial: trial.lds)
    if best.lds <= 0:
        raise Refused("degenerate_scores", "no candidate foretells anything", "try dampings of other sizes, 0.0001 to 10, or other layers")
    return replace(method, settings=best.settings), tuple(trials)
