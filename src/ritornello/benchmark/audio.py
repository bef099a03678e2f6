"""Attribution by ear on sound whose truth is exact: outputs of the concatenative generator.

That knows from where it cut each grain. docs/attribution.md has the method and larger tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.attribution.evaluate import Quality, compare
from ritornello.attribution.shares import to_weights
from ritornello.attribution.similarity import SimilaritySettings, attribute, cache
from ritornello.audio.decode import UnreadableAudio, examine, read_mono
from ritornello.generator.mosaic import MOSAIC, generate, train, truth_ppm

RATE_HZ = 22_050
EXCERPT_MS, SHORTEST_MS, OUTPUT_MS = 60_000, 20_000, 25_000
CONTROL_EVERY = 4  # a quarter of the recordings is in the index and in no training
LEAST = 8  # recordings
SUFFIXES = frozenset({".flac", ".mp3", ".ogg", ".opus", ".wav"})
Asset = tuple[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class AudioResult:
    """`quality` over `outputs` outputs of a generator that was trained on `trained` recordings; `controls` more are in the index."""

    trained: int
    controls: int
    quality: Quality


def measure_audio(folder: Path, outputs: int, seed: int) -> AudioResult | str:
    """The measurement, or a reason why there is none."""
    assets = _read(folder)
    if len(assets) < LEAST:
        return f"{folder.name} holds {len(assets)} recordings of at least {SHORTEST_MS // 1000} s; {LEAST} are needed"
    controls = {name for name, _ in assets[CONTROL_EVERY - 1 :: CONTROL_EVERY]}
    read = [asset for asset in assets if asset[0] not in controls]
    model = train(read, MOSAIC, seed)
    made = [generate(model, length_ms=OUTPUT_MS, seed=seed * 1000 + number) for number in range(outputs)]
    index = cache(assets, SimilaritySettings(rate_hz=RATE_HZ))
    exposure = {name: len(samples) for name, samples in read}
    shares = {
        str(number): to_weights(attribute(index, output.samples), OUTPUT_MS, eligible=frozenset(exposure))
        for number, output in enumerate(made)
    }
    quality = compare(
        {name: found.weights for name, found in shares.items()},
        {str(number): truth_ppm(output.passages) for number, output in enumerate(made)},
        seed,
        eligible=frozenset(exposure),
        exposure=exposure,
        leaks_ppm={name: found.leak_ppm for name, found in shares.items()},
    )
    return AudioResult(len(read), len(controls), quality)


def _read(folder: Path) -> Sequence[Asset]:
    """The first minute of every long enough file, in order of names; one of each name."""
    found: dict[str, npt.NDArray[np.float32]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        try:
            if path.stem not in found and examine(path).duration_ms >= SHORTEST_MS:
                found[path.stem] = read_mono(path, rate_hz=RATE_HZ, length_ms=EXCERPT_MS)
        except UnreadableAudio:
            continue
    return sorted(found.items())
