"""How many outputs a second one core attributes by spectra, and how time and bytes grow with the catalogue.

    python -m benchmarks.attribute FOLDER… --recordings 250 1000 --outputs 20

A "recording" is an excerpt of 30 s of real music, one after another from the files of the folders; where they end, excerpts begin anew 15 s in (and share sound
with earlier ones). Outputs of 30 s: half of them splices of three excerpts, half other music (the last files). CPU of the process, decoding not counted.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.attribution.audible import SETTINGS, hear
from ritornello.attribution.catalogue import build, pack
from ritornello.attribution.spectra import measure_spectra
from ritornello.audio.decode import UnreadableAudio, examine, read_mono

LENGTH_MS = 30_000
PARTS = 3
SUFFIXES = frozenset({".flac", ".mp3", ".ogg", ".opus", ".wav"})
STRANGERS = 4  # files, the last ones

Samples = npt.NDArray[np.float32]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Time attribution by spectra.")
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--recordings", nargs="+", type=int, default=[1_000, 4_000, 10_000])
    parser.add_argument("--outputs", type=int, default=20)
    given = parser.parse_args(arguments)
    paths = sorted({path for folder in given.folder for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES})
    excerpts = list_excerpts(paths[:-STRANGERS], max(given.recordings))
    packed = []
    before = time.process_time()
    for path, start_ms in excerpts:
        packed.append((f"{path.stem}-{start_ms}", pack(measure_spectra(read_excerpt(path, start_ms), SETTINGS))))
    print(f"{len(packed)} excerpts measured in {time.process_time() - before:.0f} CPU s, decoding included", flush=True)
    for count in given.recordings:
        before = time.process_time()
        catalogue = build(packed[:count], SETTINGS)
        built = time.process_time() - before
        copies = make_splices(excerpts[:count], given.outputs // 2)
        others = [read_excerpt(*one) for one in list_excerpts(paths[-STRANGERS:], given.outputs // 2)]
        told = [f"{min(count, len(packed))} recordings: built in {built:.0f} CPU s, {catalogue.size_bytes / 2**20:.0f} MiB"]
        for name, outputs in (("copies", copies), ("strangers", others)):
            for bends in (False, True):
                before = time.process_time()
                found = sum(bool(hear(catalogue, samples, bends=bends)) for samples in outputs)
                rate = len(outputs) / (time.process_time() - before)
                told.append(
                    f"{name}{' and at other speeds' if bends else ''}: {rate:.1f} outputs a second, {found} of {len(outputs)} with a passage"
                )
        print("; ".join(told), flush=True)


def list_excerpts(paths: Sequence[Path], count: int) -> list[tuple[Path, int]]:
    """Files and where an excerpt begins."""
    lengths = dict(_measure(paths))
    found = [(path, start) for path, length in lengths.items() for start in range(0, length - LENGTH_MS, LENGTH_MS)]
    found += [(path, start) for path, length in lengths.items() for start in range(LENGTH_MS // 2, length - LENGTH_MS, LENGTH_MS)]
    return found[:count]


def _measure(paths: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    for path in paths:
        try:
            yield path, examine(path).duration_ms
        except UnreadableAudio:
            continue


def read_excerpt(path: Path, start_ms: int) -> Samples:
    return read_mono(path, rate_hz=SETTINGS.rate_hz, start_ms=start_ms, length_ms=LENGTH_MS)


def make_splices(excerpts: Sequence[tuple[Path, int]], count: int) -> list[Samples]:
    """A third of each of three excerpts."""
    dice, length = np.random.default_rng(3), LENGTH_MS * SETTINGS.rate_hz // 1000 // PARTS
    return [
        np.concatenate([read_excerpt(*excerpts[int(one)])[length : 2 * length] for one in dice.integers(0, len(excerpts), PARTS)])
        for _ in range(count)
    ]


if __name__ == "__main__":
    main()
