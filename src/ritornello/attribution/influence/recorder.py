"""Records training: checkpoints, learning rates, and which segments were read, in a folder that influence is computed from (docs/influence.md)."""

import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from torch import nn

from ritornello.attribution.influence import weights
from ritornello.attribution.influence.recording import (
    CHECKPOINTS,
    DOCUMENT,
    E12,
    FORMAT,
    RATES,
    SEGMENTS,
    Checkpoint,
    checkpoint_file,
    encode_document,
    open_recording,
)
from ritornello.attribution.influence.schedule import Schedule
from ritornello.attribution.influence.segments import Segment, write_segments
from ritornello.domain.errors import Refused

RATE = struct.Struct("<q")


class ExposureWriter(Protocol):
    """The log of what was read (`ritornello.loader.ExposureLog`)."""

    def add(self, number: int, epoch: int, frames: int, rate_hz: int) -> None: ...
    def sync(self) -> None: ...
    def close(self) -> str: ...


class Recorder:
    """Call `step` after each step of the optimiser. Leaving the `with` block without an error completes the recording; after an error it can be resumed."""

    def __init__(
        self, model: nn.Module, folder: Path, segments: Iterable[Segment], schedule: Schedule, *, model_version: str, parent: Path | None
    ) -> None:
        """Begin a recording. Raises Refused (`out_exists`) where the folder holds anything."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Refused("out_exists", f"{folder} exists already", "choose a new folder, or go on with an interrupted run: resume_at=STEP")
        parent_sha256 = open_recording(parent).sha256 if parent else None
        folder.mkdir(parents=True, exist_ok=True)
        ordered, root = write_segments(folder / SEGMENTS, segments)
        self._set(model, folder, ordered, root, schedule, model_version, parent_sha256, [])
        self._write(complete=False)
        if 0 in schedule:
            self._save()

    @classmethod
    def resume(cls, model: nn.Module, folder: Path, schedule: Schedule, step: int) -> "Recorder":
        """Go on with an interrupted recording after `step` steps, to which the caller has brought model and optimiser back. Later checkpoints are of
        weights that are gone, and dropped.

        Raises Refused (`out_exists`) for a complete recording, BadInput for a folder that is none, ValueError for a step that was not reached.
        """
        known = open_recording(folder, unfinished=True)
        if known.complete:
            raise Refused("out_exists", f"the recording in {folder} is complete", "choose a new folder")
        recorder = cls.__new__(cls)
        kept = [checkpoint for checkpoint in known.checkpoints if checkpoint.step <= step]
        recorder._set(model, folder, known.segments, known.segments_root, schedule, known.model_version, known.parent_sha256, kept)
        rates = (folder / RATES).read_bytes() if (folder / RATES).exists() else b""
        if not 0 <= step <= len(rates) // RATE.size:
            raise ValueError(f"{len(rates) // RATE.size} steps were recorded: training can't go on after step {step}")
        recorder._rates = [rate for (rate,) in RATE.iter_unpack(rates[: step * RATE.size])]
        if rates:
            os.truncate(folder / RATES, step * RATE.size)
        recorder._write(complete=False)
        for checkpoint in known.checkpoints[len(kept) :]:
            (folder / checkpoint.file).unlink(missing_ok=True)
        return recorder

    def _set(
        self,
        model: nn.Module,
        folder: Path,
        segments: Sequence[Segment],
        root: str,
        schedule: Schedule,
        model_version: str,
        parent_sha256: str | None,
        checkpoints: list[Checkpoint],
    ) -> None:
        self._model, self._folder, self._schedule = model, folder, schedule
        self._numbers = {segment.segment_id: (number, segment.duration_ms) for number, segment in enumerate(segments)}
        self.segments_root, self.model_version, self._parent_sha256, self._checkpoints = root, model_version, parent_sha256, checkpoints
        self._rates: list[int] = []  # of each step, in 10⁻¹²
        self._log: ExposureWriter | None = None

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return len(self._rates)

    def log_to(self, log: ExposureWriter) -> None:
        """Where exposure goes."""
        self._log = log

    def step(self, segment_ids: Iterable[str], learning_rate: float, epoch: int = 0) -> None:
        """The optimiser made one more step, at `learning_rate`, from a batch of these segments. Raises ValueError for a segment that was not
        announced: the step must not count unseen."""
        read = [self._numbers.get(segment_id) for segment_id in segment_ids]
        if None in read:
            raise ValueError("training read a segment that the recording doesn't name: give every segment to record(…, segments=…)")
        for number, duration_ms in filter(None, read):
            if self._log:
                self._log.add(number, epoch, duration_ms, 1000)
        self._rates.append(round(learning_rate * E12))
        with (self._folder / RATES).open("ab") as stream:
            stream.write(RATE.pack(self._rates[-1]))
        if self.steps in self._schedule:
            self._save()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            if not self._checkpoints or self._checkpoints[-1].step != self.steps:
                self._save()
            self._write(complete=True)
        if self._log:
            self._log.close()

    def _save(self) -> None:
        if self._log:
            self._log.sync()  # no weights outlive the record of what they were made from
        if self._rates:
            with (self._folder / RATES).open("ab") as stream:
                os.fsync(stream.fileno())
        before = self._checkpoints[-1].step if self._checkpoints else 0
        rate_e12 = self._rates[-1] if self._rates else 0
        sha256 = weights.save(self._folder / checkpoint_file(self.steps), self._model.state_dict())
        self._checkpoints.append(Checkpoint(self.steps, rate_e12, sum(self._rates[before:]), sha256))
        self._write(complete=False)

    def _write(self, complete: bool) -> None:
        (self._folder / CHECKPOINTS).mkdir(exist_ok=True)
        value = {
            "checkpoints": [
                {"rate_e12": each.rate_e12, "rate_sum_e12": each.rate_sum_e12, "sha256": each.sha256, "step": each.step}
                for each in self._checkpoints
            ],
            "complete": complete,
            "format": FORMAT,
            "model_version": self.model_version,
            "parent_sha256": self._parent_sha256,
            "segments_root": self.segments_root,
        }
        write_whole(self._folder / DOCUMENT, encode_document(value))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole, durable, or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
