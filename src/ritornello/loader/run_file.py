"""The training run's file (docs/formats/run.md), written from what the exposure logs recorded and from nothing else."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ritornello.domain.errors import BadInput, Problem
from ritornello.domain.identifiers import parse_own
from ritornello.loader.dataset import Dataset
from ritornello.loader.exposure_reading import Recorded

RUN_FORMAT = "ritornello-run-1"


@dataclass(frozen=True, slots=True)
class RunFile:
    """What was written: how many assets, their milliseconds in all, and the logs that no `close` sealed (their process died, or their end was cut off)."""

    assets: int
    exposure_ms: int
    unsealed: tuple[str, ...]


def write_run_file(
    path: Path,
    *,
    datasets: Sequence[Dataset],
    logs: Iterable[Recorded],
    run_id: str,
    model_version: str,
    code_sha256: str,
    weights_sha256: str,
    trained_on: date,
    parents: Sequence[str] = (),
) -> RunFile:
    """Add the logs of all workers, epochs and restarts up and write the file that `ritornello run register` takes.

    An asset's frames are added up before they become milliseconds (rounded down, once per sample rate). Raises BadInput for a log of a dataset that isn't given,
    and ValueError for identifiers or hashes that can't be registered.
    """
    for identifier in (run_id, model_version, *parents):
        parse_own(identifier)
    for digest in (code_sha256, weights_sha256):
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"{digest!r} is not 64 lower-case hex digits")
    exposures, unsealed = _add_up(datasets, logs)
    run = {
        "format": RUN_FORMAT,
        "run_id": run_id,
        "model_version": model_version,
        "parents": sorted(set(parents)),
        "snapshot_ids": sorted({dataset.snapshot_id for dataset in datasets}),
        "code_sha256": code_sha256,
        "weights_sha256": weights_sha256,
        "trained_on": trained_on.isoformat(),
        "exposure": [{"asset_id": asset_id, "exposure_ms": exposures[asset_id]} for asset_id in sorted(exposures)],
    }
    temporary = path.with_name(f".{path.name}.writing")
    with temporary.open("wb") as stream:
        stream.write(json.dumps(run, sort_keys=True, separators=(",", ":")).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    return RunFile(len(exposures), sum(exposures.values()), tuple(unsealed))


def _add_up(datasets: Sequence[Dataset], logs: Iterable[Recorded]) -> tuple[dict[str, int], list[str]]:
    """Milliseconds by asset over all logs, and the names of the logs that were not sealed."""
    by_root = {dataset.manifest_root: dataset for dataset in datasets}
    frames: Counter[tuple[str, int]] = Counter()
    unsealed: list[str] = []
    problems: list[Problem] = []
    for log in logs:
        if not log.sealed:
            unsealed.append(log.file)
        if log.manifest_root is None:
            continue
        dataset = by_root.get(log.manifest_root)
        if dataset is None:
            what = f"logs {log.snapshot_id} with the root {log.manifest_root}, which is none of the datasets"
            problems.append(Problem(log.file, 1, "manifest_root", what, "give every dataset that training read"))
            continue
        for (_, number, rate_hz), count in log.frames.items():
            if number >= len(dataset.assets):
                problems.append(Problem(log.file, None, "asset", f"{number} is no row of the manifest", "get the log as it was written"))
                continue
            frames[dataset.assets[number].asset_id, rate_hz] += count
    if problems:
        raise BadInput(problems)
    totals: Counter[str] = Counter()
    for (asset_id, rate_hz), count in frames.items():
        totals[asset_id] += count * 1000 // rate_hz
    return dict(totals), unsealed
