"""Measure attribution against mosaics, whose sources are known exactly.

    python -m benchmarks.attribution_mosaic AUDIO_FOLDER [AUDIO_FOLDER …] --tune
    python -m benchmarks.attribution_mosaic AUDIO_FOLDER [AUDIO_FOLDER …] --report

Every audio file of at least 20 s below the folders is an asset; files that lie in one folder and are called `guitar` and `song`
are stems of one recording: their sum is an asset of it as well, and what the model hears. Of each recording the first 60 s are
used. Every fourth recording is a control: the model never hears it, the index holds it. `--tune` prints errors for a grid of
settings, `--report` prints one table for the settings as they are. Never tune on what you report.
"""

import argparse
import io
import resource
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from ritornello.attribution.evaluate import Measure, Quality, compare
from ritornello.attribution.shares import UNATTRIBUTED, to_weights
from ritornello.attribution.similarity import Index, SimilaritySettings, attribute, cache
from ritornello.audio.decode import UnreadableAudio, examine, read_mono
from ritornello.generator.mosaic import GRANULAR_CLOUD, MOSAIC, Generated, MosaicSettings, generate, train, truth_ppm

RATE_HZ = 22_050
EXCERPT_MS = 60_000
SHORTEST_MS = 20_000
OUTPUT_MS = 25_000
CONTROL_EVERY = 4
SUFFIXES = frozenset({".flac", ".mp3", ".ogg", ".opus", ".wav"})
STEMS = frozenset({"guitar", "song"})

CASES = (
    ("mosaic of 350 ms grains", replace(MOSAIC, grain_ms=350, crossfade_ms=50)),
    ("mosaic of 200 ms grains", replace(MOSAIC, grain_ms=200, crossfade_ms=40)),
    ("mosaic of 700 ms grains, transposed", replace(MOSAIC, transpose_semitones=3)),
    ("granular cloud without transposition", replace(GRANULAR_CLOUD, transpose_semitones=0)),
    ("granular cloud", GRANULAR_CLOUD),
)

Asset = tuple[str, npt.NDArray[np.float32]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure attribution against mosaics.")
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--outputs", type=int, default=56)
    parser.add_argument("--seed", type=int, default=1)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--tune", action="store_true")
    mode.add_argument("--report", action="store_true")
    given = parser.parse_args(arguments)
    assets = read_assets(given.folder)
    names = sorted({name for name, _ in assets})
    controls = frozenset(names[CONTROL_EVERY - 1 :: CONTROL_EVERY])
    print(f"{len(names)} recordings, {len(assets)} assets, {len(controls)} of the recordings are controls")
    (tune if given.tune else report)(assets, controls, given.outputs, given.seed)


def read_assets(folders: Sequence[Path]) -> list[Asset]:
    """Excerpts of all long enough audio files, in order of recording id and file name."""
    assets = []
    for path in sorted({path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES}):
        try:
            if examine(path).duration_ms < SHORTEST_MS:
                continue
        except UnreadableAudio as trouble:
            print(f"left out {path.name}: {trouble.what}")
            continue
        recording_id = path.parent.name if path.stem in STEMS else path.stem
        assets.append((recording_id, read_mono(path, rate_hz=RATE_HZ, length_ms=EXCERPT_MS)))
    heard_whole = {name for name, _ in assets if sum(name == other for other, _ in assets) > 1}
    return assets + [asset for asset in mix_stems(assets) if asset[0] in heard_whole]


def tune(assets: list[Asset], controls: frozenset[str], outputs: int, seed: int) -> None:
    """Errors over a grid of thresholds, for mosaics only: the cloud is not tuned for."""
    made = make_outputs(assets, controls, MOSAIC, outputs, seed)
    packed = [compress(output) for output in made]
    foreign_index, foreign = make_foreign(assets, controls, outputs, seed)
    index = cache(assets, SimilaritySettings(rate_hz=RATE_HZ))
    for threshold in (0.4, 0.5, 0.6):
        for accept in (0.8, 0.85, 0.9):
            for change_cost in (2.0, 4.0):
                settings = replace(index.settings, threshold=threshold, accept=accept, change_cost=change_cost)
                quality = measure(replace(index, settings=settings), assets, controls, made, seed)
                compressed = measure(replace(index, settings=settings), assets, controls, packed, seed)
                false = measure_foreign(replace(foreign_index, settings=settings), foreign, seed)
                print(
                    f"threshold {threshold} accept {accept} change {change_cost}: error {show(quality.error)}, "
                    f"aggregate {show(quality.aggregate_error)}, leak {show(quality.leak)}, compressed {show(compressed.error)}, foreign {show(false)}"
                )


def report(assets: list[Asset], controls: frozenset[str], outputs: int, seed: int) -> None:
    index = cache(assets, SimilaritySettings(rate_hz=RATE_HZ))
    print_costs(assets, outputs, seed)
    foreign_index, foreign = make_foreign(assets, controls, outputs, seed)
    print(f"mosaics of controls, controls not in the index: {show(measure_foreign(foreign_index, foreign, seed))} attributed")
    mosaics = make_outputs(assets, controls, MOSAIC, outputs, seed)
    print_case("mosaic", measure(index, assets, controls, mosaics, seed), mosaics)
    packed = [compress(output) for output in mosaics]
    print_case("mosaic, compressed", measure(index, assets, controls, packed, seed), packed)
    stems_only = cache(drop_mixes(assets), index.settings)
    print_case("mosaic, mixes of stems not in the index", measure(stems_only, assets, controls, mosaics, seed), mosaics)
    for title, settings in CASES:
        made = make_outputs(assets, controls, settings, outputs, seed)
        print_case(title, measure(index, assets, controls, made, seed), made)


def make_outputs(assets: list[Asset], controls: frozenset[str], settings: MosaicSettings, outputs: int, seed: int) -> list[Generated]:
    """Outputs of a model trained on all recordings but the controls. The last asset of a recording is its mix."""
    model = train(drop_doubles([asset for asset in assets if asset[0] not in controls]), settings, seed)
    return [generate(model, length_ms=OUTPUT_MS, seed=seed * 1000 + number) for number in range(outputs)]


def make_foreign(assets: list[Asset], controls: frozenset[str], outputs: int, seed: int) -> tuple[Index, list[Generated]]:
    """Outputs of a model trained on the controls, and an index without them: nothing in these outputs can be found rightly."""
    trained = frozenset(name for name, _ in assets) - controls
    index = cache([asset for asset in assets if asset[0] in trained], SimilaritySettings(rate_hz=RATE_HZ))
    return index, make_outputs(assets, trained, MOSAIC, outputs, seed)


def drop_doubles(assets: list[Asset]) -> list[Asset]:
    """The last asset of each recording, in order of recording id."""
    return sorted(dict(assets).items())


def mix_stems(assets: list[Asset]) -> list[Asset]:
    """One asset a recording: the sum of its assets, within full scale."""
    mixed: dict[str, npt.NDArray[np.float32]] = {}
    for name, samples in assets:
        earlier = mixed.get(name, samples[:0])
        length = max(len(earlier), len(samples))
        mixed[name] = np.pad(earlier, (0, length - len(earlier))) + np.pad(samples, (0, length - len(samples)))
    return [(name, np.clip(samples, -1, 1)) for name, samples in sorted(mixed.items())]


def compress(output: Generated) -> Generated:
    """The output after Ogg Vorbis at the encoder's lowest quality."""
    file = io.BytesIO()
    soundfile.write(file, output.samples, RATE_HZ, format="OGG", subtype="VORBIS", compression_level=1.0)
    file.seek(0)
    return Generated(soundfile.read(file, dtype="float32")[0], output.passages)


def measure(index: Index, assets: list[Asset], controls: frozenset[str], made: list[Generated], seed: int) -> Quality:
    exposure = {name: len(samples) for name, samples in assets if name not in controls}
    eligible = frozenset(exposure)
    shares = [to_weights(attribute(index, output.samples), OUTPUT_MS, eligible=eligible) for output in made]
    estimates = {str(number): found.weights for number, found in enumerate(shares)}
    truths = {str(number): truth_ppm(output.passages) for number, output in enumerate(made)}
    leaks = {str(number): found.leak_ppm for number, found in enumerate(shares)}
    return compare(estimates, truths, seed, eligible=eligible, exposure=exposure, leaks_ppm=leaks)


def measure_foreign(index: Index, made: list[Generated], seed: int) -> Measure:
    """Share of the outputs that is attributed although none of it should be: the error where the truth is nobody."""
    eligible = frozenset(index.recording_ids)
    estimates = {
        str(number): to_weights(attribute(index, output.samples), OUTPUT_MS, eligible=eligible).weights
        for number, output in enumerate(made)
    }
    nobody = {output: {UNATTRIBUTED: 1_000_000} for output in estimates}
    return compare(estimates, nobody, seed, eligible=eligible, exposure={}, leaks_ppm=dict.fromkeys(estimates, 0)).error


def drop_mixes(assets: list[Asset]) -> list[Asset]:
    """The assets less the sums that `read_assets` added: the last asset of each recording that has several."""
    count = {name: sum(name == other for other, _ in assets) for name, _ in assets}
    last = {name: place for place, (name, _) in enumerate(assets)}
    return [asset for place, asset in enumerate(assets) if count[asset[0]] == 1 or last[asset[0]] != place]


def print_costs(assets: list[Asset], outputs: int, seed: int) -> None:
    model = train(drop_doubles(assets), MOSAIC, seed)
    made = [generate(model, length_ms=OUTPUT_MS, seed=number).samples for number in range(outputs)]
    before = read_cpu_seconds()
    index = cache(assets, SimilaritySettings(rate_hz=RATE_HZ))
    indexed = read_cpu_seconds()
    for samples in made:
        attribute(index, samples)
    print(
        f"CPU seconds: indexing {indexed - before:.1f}, attributing {outputs} outputs of {OUTPUT_MS // 1000} s {read_cpu_seconds() - indexed:.1f}"
    )


def print_case(title: str, quality: Quality, made: list[Generated]) -> None:
    sources = sorted(sum(share > 0 for share in truth_ppm(output.passages).values()) for output in made)
    print(
        f"{title}: {quality.outputs} outputs, sources in one (own voice counted): {sources[0]} to {sources[-1]}, median {sources[len(sources) // 2]}"
    )
    print(f"  error of an output        {show(quality.error)}")
    print(f"  error of the aggregate    {show(quality.aggregate_error)}")
    print(f"  leak on controls          {show(quality.leak)}")
    print(f"  recall at two             {quality.recall_at_two_ppm / 10_000:.1f} %")
    print(f"  uniform: output {quality.uniform_error_ppm / 10_000:.1f} %, aggregate {quality.uniform_aggregate_error_ppm / 10_000:.1f} %")
    print(
        f"  exposure: output {quality.exposure_error_ppm / 10_000:.1f} %, aggregate {quality.exposure_aggregate_error_ppm / 10_000:.1f} %"
    )


def show(measure: Measure) -> str:
    return f"{measure.value_ppm / 10_000:.2f} % ({measure.low_ppm / 10_000:.2f}–{measure.high_ppm / 10_000:.2f})"


def read_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
