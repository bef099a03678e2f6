"""Attribution from sound alone, through the methods as the product uses them, against outputs whose sources are known.

    python -m benchmarks.attribution_audible FOLDER… --strangers FOLDER… --generated FOLDER --outputs 56

Recordings and controls as in `attribution_mosaic`. Rows: mosaics of several kinds; splices (three passages of 8.3 s) as they are, encoded, at another speed,
tempo and pitch, under other music and two at once; and what must be nobody's: mosaics of recordings that aren't in the index, strangers' music, generated
tracks, speech, noise and silence.
Needs ffmpeg and rubberband. Done rows are kept in `--kept` and not computed again.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from benchmarks.attribution_mosaic import CASES, OUTPUT_MS, RATE_HZ, SUFFIXES, Asset, compress, make_outputs, read_assets, show
from benchmarks.fingerprint import degrade
from ritornello.attribution.evaluate import compare
from ritornello.attribution.shares import UNATTRIBUTED, WHOLE_PPM, to_weights
from ritornello.attribution.witnesses import list_matches
from ritornello.audio.decode import read_mono
from ritornello.generator.mosaic import MOSAIC, truth_ppm
from ritornello.service.listening import METHODS, Listener, Source, sort_sources

Samples = npt.NDArray[np.float32]
Truth = dict[str, int]
Row = list[tuple[Samples, Truth]]
NOBODY: Truth = {UNATTRIBUTED: WHOLE_PPM}
PARTS = 3
BACKDROP_DB = -6.0  # of the splice against the music over it


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure attribution by sound.")
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--strangers", nargs="+", type=Path, required=True, help="music that is in no index")
    parser.add_argument("--generated", type=Path, required=True, help="tracks that a music model generated")
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--outputs", type=int, default=56)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--only", nargs="*", help="rows whose name begins so")
    parser.add_argument("--kept", type=Path, required=True)
    given = parser.parse_args(arguments)
    given.kept.mkdir(parents=True, exist_ok=True)
    assets = read_assets(given.folder)
    names = sorted({name for name, _ in assets})
    controls = frozenset(names[3::4])
    print(f"{len(names)} recordings, {len(assets)} assets, {len(controls)} controls", flush=True)
    bench = Bench(assets, controls, given.outputs, given.seed, given.kept)
    for name, row, foreign in list_rows(bench, given.strangers, given.generated, given.speech):
        if given.only and not any(name.startswith(one) for one in given.only):
            continue
        for method in given.methods:
            print(f"{name} | {method} | {bench.measure(name, row, method, foreign)}", flush=True)


class Bench:
    """The recordings as files, and both methods listening for them."""

    def __init__(self, assets: list[Asset], controls: frozenset[str], outputs: int, seed: int, kept: Path) -> None:
        self.assets, self.controls, self.outputs, self.seed, self.kept = assets, controls, outputs, seed, kept
        self.exposure = {name: len(samples) for name, samples in assets if name not in controls}
        sources = [(name in controls, Source(name, *_write(kept / "sources", samples))) for name, samples in assets]
        self.everything = sort_sources([one for _, one in sources])
        self.without_controls = sort_sources([one for control, one in sources if not control])
        self.listeners: dict[tuple[str, bool], Listener] = {}

    def measure(self, name: str, make: Callable[[], Row], method: str, foreign: bool) -> str:
        """A row's figures. `foreign`: controls are not in the index."""
        path = self.kept / f"{name.replace(' ', '-').replace('/', '-')}-{method}-{self.outputs}-{self.seed}.txt"
        if path.exists():
            return path.read_text()
        listener = self.listeners.setdefault((method, foreign), self._listen(method, foreign))
        row, eligible = make(), frozenset(self.exposure)
        shares, spent, seconds = [], 0.0, 0.0
        with tempfile.TemporaryDirectory() as place:
            for number, (samples, _) in enumerate(row):
                file, _ = reversed(_write(Path(place), samples))
                length_ms = len(samples) * 1000 // RATE_HZ
                if not number:
                    listener.hear(Path(file), length_ms)  # the index is made on first use
                before = time.process_time()
                passages = listener.hear(Path(file), length_ms)
                spent += time.process_time() - before
                seconds += length_ms / 1000
                shares.append(to_weights(list_matches(passages), length_ms, eligible=eligible))
        estimates = {str(number): found.weights for number, found in enumerate(shares)}
        truths = {str(number): truth for number, (_, truth) in enumerate(row)}
        leaks = {str(number): found.leak_ppm for number, found in enumerate(shares)}
        quality = compare(estimates, truths, self.seed, eligible=eligible, exposure=self.exposure, leaks_ppm=leaks)
        wrongly = sum(found.weights[UNATTRIBUTED] < WHOLE_PPM for found in shares)
        text = (
            f"error {show(quality.error)} aggregate {show(quality.aggregate_error)} leak {show(quality.leak)} recall@2 {quality.recall_at_two_ppm / 10_000:.1f} % "
            f"{len(row)} outputs, {wrongly} with a share, {1000 * spent / max(seconds, 1e-9):.1f} CPU ms a second"
        )
        path.write_text(text)
        return text

    def _listen(self, method: str, foreign: bool) -> Listener:
        return Listener(method, self.without_controls if foreign else self.everything, self.kept / "heard", lambda _: None)

    def splices(self) -> Row:
        """Three passages of 8.3 s each, of recordings trained on."""
        whole = {name: samples for name, samples in self.assets if name not in self.controls}
        dice = np.random.default_rng(self.seed * 77)
        length = OUTPUT_MS * RATE_HZ // 1000 // PARTS
        row: Row = []
        for _ in range(self.outputs):
            pieces, truth = [], {UNATTRIBUTED: 0}
            for name in dice.choice(sorted(whole), PARTS, replace=False).tolist():
                start = int(dice.integers(0, len(whole[name]) - length))
                pieces.append(whole[name][start : start + length])
                truth[name] = WHOLE_PPM // PARTS
            truth[UNATTRIBUTED] = WHOLE_PPM - sum(truth.values())
            row.append((np.concatenate(pieces), truth))
        return row

    def mosaics(self, settings: object) -> Row:
        return [
            (one.samples, truth_ppm(one.passages)) for one in make_outputs(self.assets, self.controls, settings, self.outputs, self.seed)
        ]  # type: ignore[arg-type]


def list_rows(bench: Bench, strangers: Sequence[Path], generated: Path, speech: Path) -> Iterator[tuple[str, Callable[[], Row], bool]]:
    """Name, what makes it, and whether controls are left out of the index."""

    def packed():
        return [
            (compress(one).samples, truth_ppm(one.passages))
            for one in make_outputs(bench.assets, bench.controls, MOSAIC, bench.outputs, bench.seed)
        ]

    yield "mosaic of 700 ms grains", lambda: bench.mosaics(MOSAIC), False
    yield "mosaic of 700 ms grains, Vorbis", packed, False
    for title, settings in CASES:
        yield title, lambda settings=settings: bench.mosaics(settings), False  # type: ignore[misc]
    for title, change in list_changes(bench, strangers):
        yield f"splice, {title}", lambda change=change: [change(samples, truth) for samples, truth in bench.splices()], False  # type: ignore[misc]
    trained = frozenset(bench.exposure)
    yield (
        "nobody: mosaics of controls",
        lambda: [(one.samples, NOBODY) for one in make_outputs(bench.assets, trained, MOSAIC, bench.outputs, bench.seed)],
        True,
    )
    yield "nobody: strangers", lambda: [(samples, NOBODY) for samples in read_pieces(strangers, 2 * bench.outputs)], False
    yield "nobody: generated tracks", lambda: [(samples, NOBODY) for samples in read_whole([generated])], False
    yield "nobody: speech", lambda: [(samples, NOBODY) for samples in read_pieces([speech], bench.outputs)], False
    yield "nobody: noise and silence", lambda: list(make_garbage(bench.outputs)), False


def list_changes(bench: Bench, strangers: Sequence[Path]) -> Iterator[tuple[str, Callable[[Samples, Truth], tuple[Samples, Truth]]]]:
    backdrops, layers = iter(read_pieces(strangers, bench.outputs)), iter(bench.splices()[1:] + bench.splices()[:1])

    def at_44100(change: Callable[[Samples], Samples]) -> Callable[[Samples, Truth], tuple[Samples, Truth]]:
        def apply(samples: Samples, truth: Truth) -> tuple[Samples, Truth]:
            changed = change(soxr.resample(samples, RATE_HZ, degrade.RATE_HZ))
            return soxr.resample(changed, degrade.RATE_HZ, RATE_HZ).astype(np.float32), truth

        return apply

    def under_music(samples: Samples, truth: Truth) -> tuple[Samples, Truth]:
        other = next(backdrops)
        return degrade.lay_over(samples[: len(other)], other, BACKDROP_DB), truth

    def layered(samples: Samples, truth: Truth) -> tuple[Samples, Truth]:
        other, of_other = next(layers)
        both = {name: (truth.get(name, 0) + of_other.get(name, 0)) // 2 for name in truth.keys() | of_other.keys()}
        both[UNATTRIBUTED] += WHOLE_PPM - sum(both.values())
        return degrade.lay_over(samples, other, 0.0), both

    yield "as it is", lambda samples, truth: (samples, truth)
    yield "MP3 64 kbit/s", at_44100(lambda one: degrade.recode(one, ("-c:a", "libmp3lame", "-b:a", "64k"), "mp3"))
    yield "Opus 24 kbit/s", at_44100(lambda one: degrade.recode(one, ("-c:a", "libopus", "-b:a", "24k"), "opus"))
    yield "speed +4 %", at_44100(lambda one: degrade.resample(one, 1.04))
    yield "speed -9 %", at_44100(lambda one: degrade.resample(one, 0.91))
    yield "tempo +5 %", at_44100(lambda one: degrade.stretch_mono(one, "rubberband", 1.05, 0.0))
    yield "pitch +2 semitones", at_44100(lambda one: degrade.stretch_mono(one, "rubberband", 1.0, 2.0))
    yield "under other music, -6 dB", under_music
    yield "two at once", layered


def read_pieces(folders: Sequence[Path], count: int) -> list[Samples]:
    """Pieces of an output's length, from files in turn."""
    paths = _list_files(folders)
    found: list[Samples] = []
    for turn in range(100):
        for path in paths:
            samples = read_mono(path, rate_hz=RATE_HZ, start_ms=(turn + 1) * 30_000, length_ms=OUTPUT_MS)
            if len(samples) == OUTPUT_MS * RATE_HZ // 1000:
                found.append(samples)
            if len(found) == count:
                return found
    return found


def read_whole(folders: Sequence[Path]) -> list[Samples]:
    return [read_mono(path, rate_hz=RATE_HZ) for path in _list_files(folders)]


def _list_files(folders: Sequence[Path]) -> list[Path]:
    return sorted(
        {path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*")) if path.suffix.lower() in SUFFIXES}
    )


def make_garbage(outputs: int) -> Iterator[tuple[Samples, Truth]]:
    dice = np.random.default_rng(4)
    length = OUTPUT_MS * RATE_HZ // 1000
    for number in range(outputs):
        noise = dice.normal(0, 0.1, length)
        brown = np.cumsum(noise) / 200
        yield (noise, brown - brown.mean(), np.zeros(length))[number % 3].astype(np.float32), NOBODY


def _write(folder: Path, samples: Samples) -> tuple[str, Path]:
    """A sound as a file named by its hash; both."""
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(samples.tobytes()).hexdigest()
    path = folder / f"{sha256[:24]}.wav"
    if not path.exists():
        soundfile.write(path, np.clip(samples, -1, 1), RATE_HZ, subtype="PCM_16")
    return hashlib.sha256(path.read_bytes()).hexdigest(), path


if __name__ == "__main__":
    main()
