"""`ritornello.record`: what a licensee puts around the training of a model so that influence can be computed later (docs/influence.md). Needs the
extra `torch`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ritornello.attribution.influence.recorder import Recorder
from ritornello.attribution.influence.recording import EXPOSURE
from ritornello.attribution.influence.schedule import choose, spread
from ritornello.attribution.influence.segments import Segment
from ritornello.loader.exposure import ExposureLog


def record(
    model: Any,
    folder: Path | str,
    *,
    segments: Iterable[Segment] = (),
    model_version: str = "model",
    steps: int | None = None,
    checkpoints: Iterable[int] | None = None,
    parent: Path | str | None = None,
    resume_at: int | None = None,
) -> Recorder:
    """Record the training of `model`, any PyTorch module with Linear or convolution layers, into a new folder: `with record(…) as recording: …
    recording.step(ids, rate)`.

    `segments` are all pieces that training may read. Ten checkpoints are kept over the first three quarters of `steps`, the number that training will
    take, or one after each of the steps named in `checkpoints`; the last one always is. `parent` is the recording of the model that this one was made
    from. After an interruption bring model and optimiser back to the state after some step and give that number as `resume_at`. Nothing but the
    segments' ids and durations, exposure, learning rates and the model's weights is written. Raises Refused (`out_exists`) where the folder holds
    something already.
    """
    if (steps is None) == (checkpoints is None):
        raise ValueError("say how many steps training will take, or after which steps checkpoints are kept")
    schedule = spread(steps) if steps is not None else choose(checkpoints or ())
    folder = Path(folder)
    if resume_at is None:
        recorder = Recorder(model, folder, segments, schedule, model_version=model_version, parent=Path(parent) if parent else None)
    else:
        recorder = Recorder.resume(model, folder, schedule, resume_at)
    recorder.log_to(ExposureLog(folder / EXPOSURE, recorder.model_version, recorder.segments_root))
    return recorder
