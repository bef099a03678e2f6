"""The demo's AI developer: trains two small generators on an exported dataset and reports what came of it.

It sees the dataset folder and nothing else of the operator's. The truth about each output (which the generators know, because they
copy sound) goes into a sheet of its own, to measure attribution with.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ritornello import generator
from ritornello.audio.decode import read_mono, write_wav
from ritornello.formats.canonical import iterate_files, lines
from ritornello.generator.mosaic import GRANULAR_CLOUD, MOSAIC, UNATTRIBUTED, MosaicModel, MosaicSettings, generate, train, truth_ppm

MODELS: dict[str, MosaicSettings] = {"mosaic-1": MOSAIC, "granular-1": GRANULAR_CLOUD}
READ_MS = 60_000  # what an epoch reads of each asset: at most its first minute
OUTPUT_MS = 24_000
OUTPUTS_EACH = 6
SEED = 1926


def work(dataset: Path, folder: Path, day: date, tell: Callable[[str], None]) -> dict[str, Any]:
    """Train, generate, and write the reports into `folder`. Returns some figures for the story."""
    manifest = [json.loads(line) for line in lines((dataset / "manifest.jsonl").read_bytes())]
    snapshot = json.loads((dataset / "snapshot.json").read_bytes())
    corpus: list[tuple[str, np.ndarray[Any, np.dtype[np.float32]]]] = []
    for number, row in enumerate(manifest, 1):
        tell(f"training reads {number}/{len(manifest)} files")
        corpus.append((row["asset_id"], read_mono(dataset / row["file"], rate_hz=MOSAIC.rate_hz, length_ms=READ_MS)))
    recording_of = {row["asset_id"]: row["recording_id"] for row in manifest}
    (folder / "outputs").mkdir(parents=True, exist_ok=True)
    outputs, truths, usage = [], [], []
    for model_version, settings in MODELS.items():
        tell(f"training {model_version}")
        model = train(corpus, settings, SEED)
        _write_run(folder, model_version, snapshot["snapshot_id"], corpus, model, day)
        for number in range(1, OUTPUTS_EACH + 1):
            tell(f"{model_version} makes output {number}/{OUTPUTS_EACH}")
            output_id = f"{model_version}-{number:02d}"
            made = generate(model, length_ms=OUTPUT_MS, seed=SEED + number)
            write_wav(folder / "outputs" / f"{output_id}.wav", made.samples, settings.rate_hz)
            outputs.append((output_id, f"outputs/{output_id}.wav", model_version, day.isoformat()))
            truths += [(output_id, name, ppm) for name, ppm in _truth(truth_ppm(made.passages), recording_of).items()]
            usage += [(f"u-{output_id}-{territory}", output_id, territory, uses) for territory, uses in _uses(number)]
    _write_sheet(folder / "outputs.csv", ("output_id", "file", "model_version", "made_on"), outputs)
    _write_sheet(folder / "truth.csv", ("output_id", "recording_id", "weight_ppm"), truths)
    _write_sheet(folder / "usage.csv", ("usage_id", "output_id", "territory", "uses"), usage)
    (folder / "revenue.csv").write_text(REVENUE, encoding="utf-8-sig")
    return {"assets": len(corpus), "seconds": round(sum(len(samples) for _, samples in corpus) / MOSAIC.rate_hz), "outputs": len(outputs)}


# As a licensee's accounting exports it: semicolons, decimal commas, a byte order mark.
REVENUE = """line_id;product;model_version;territory;currency;net_amount
L-001;Mosaic Studio monthly;mosaic-1;DE;EUR;4120,50
L-002;Mosaic Studio yearly;mosaic-1;DE;EUR;2380,00
L-003;Mosaic Studio monthly;mosaic-1;SE;SEK;31875,25
L-004;Mosaic Studio monthly;mosaic-1;US;USD;5210,75
L-005;Refunds;mosaic-1;US;USD;-149,97
L-006;Cloud Textures;granular-1;DE;EUR;1890,10
"""


def _uses(number: int) -> Sequence[tuple[str, int]]:
    """How often an output was used: some are hits, most are not."""
    return [("DE", 1200 // number**2 + 3), ("US", 700 // number + 1), ("SE", 90 * number)]


def _truth(by_asset: dict[str, int], recording_of: dict[str, str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for asset_id, ppm in by_asset.items():
        found[recording_of.get(asset_id, UNATTRIBUTED)] += ppm
    return dict(sorted(found.items()))


def _write_run(
    folder: Path, model_version: str, snapshot_id: str, corpus: Sequence[tuple[str, Any]], model: MosaicModel, day: date
) -> None:
    run = {
        "format": "ritornello-run-1",
        "run_id": f"run-{model_version}",
        "model_version": model_version,
        "parents": [],
        "snapshot_ids": [snapshot_id],
        "code_sha256": _hash_code(),
        "weights_sha256": hashlib.sha256(model.to_bytes()).hexdigest(),
        "trained_on": day.isoformat(),
        "exposure": [{"asset_id": asset_id, "exposure_ms": len(samples) * 1000 // MOSAIC.rate_hz} for asset_id, samples in corpus],
    }
    (folder / f"run-{model_version}.json").write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")


def _hash_code() -> str:
    """SHA-256 over the generator's source files, in order of their names."""
    digest = hashlib.sha256()
    for path in iterate_files(Path(next(iter(generator.__path__)))):
        if path.suffix == ".py":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _write_sheet(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
