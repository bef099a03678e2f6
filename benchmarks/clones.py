"""What verdicts `audio/likeness` gives on real recordings whose relation is known: eight band songs with their stems (fretsonfire), and other music from FOLDERs.

Half of the songs (muldjord) tuned the limits, the others (sectoid) are reported. Every song is indexed with 60 s of its mix; files are made of it. Needs ffmpeg.
"""

import argparse
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ritornello.audio.decode import UnreadableAudio, examine, read_blocks, read_mono
from ritornello.audio.fingerprint import RATE_HZ, FingerprintIndex, Passage, Peaks, measure_blocks
from ritornello.audio.fingerprint.find import QUERY_PEAKS_PER_SECOND, find_in_peaks
from ritornello.audio.likeness import verdict
from ritornello.audio.likeness.masking import measure_shared

FULL_HZ = 44_100
START_S, LENGTH_S = 25, 60
CODECS = {
    "mp3 128k": ("mp3", "-b:a", "128k"),
    "mp3 64k": ("mp3", "-b:a", "64k"),
    "opus 32k": ("opus", "-b:a", "32k"),
    "ogg q0": ("ogg", "-q:a", "0"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("songs", type=Path, help="Folder with the unpacked fretsonfire-songs packages.")
    parser.add_argument("others", type=Path, nargs="*", help="Folders of other music: none of it must get a verdict.")
    parser.add_argument("--strangers", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        _measure(given.songs, given.others, given.strangers, Path(place))


def _measure(folder: Path, others: list[Path], strangers: int, place: Path) -> None:
    songs = {path.parent.name: path.parent for path in sorted(folder.rglob("song.ogg"))}
    mixes: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    index, peaks = FingerprintIndex.open(place / "index"), dict[str, Peaks]()
    for name, song in songs.items():
        mixes[name] = (_read(song / "guitar.ogg"), _read(song / "song.ogg"))
        soundfile.write(place / "mix.wav", sum(mixes[name]), FULL_HZ)
        peaks[name] = _listen(place / "mix.wav")
    index = index.add(list(peaks.items()))
    results: dict[tuple[bool, str, str], Counter[str]] = defaultdict(Counter)
    started, seconds = time.process_time(), 0.0
    for name, song in songs.items():
        tuning = "muldjord" in str(song)
        for label, wanted, file in _make(name, mixes, place):
            file_ms = examine(file).duration_ms
            seconds += file_ms / 1000
            found = _judge(index, peaks, file, file_ms)
            results[tuning, label, wanted][found.get(name, "nothing")] += 1
            others_found = [kind for other, kind in found.items() if other != name]
            if others_found and label != "under another":
                print(f"  {name} {label}: also {others_found}")
    for (tuning, label, wanted), counts in sorted(results.items(), key=lambda item: (not item[0][0], item[0][1])):
        print(f"{'tuning' if tuning else 'report':7} {label:22} wanted {wanted:12} got {dict(counts)}")
    print(f"{(time.process_time() - started) / seconds * 1000:.0f} CPU ms a second of file, making the files left in")
    _meet_strangers(index, peaks, others, strangers)


def _make(name: str, mixes: dict[str, tuple[np.ndarray, np.ndarray]], place: Path) -> Iterator[tuple[str, str, Path]]:
    """What is made of a song: a label, the verdict it should get, and the file."""
    guitar, rest = mixes[name]
    mix = guitar + rest
    names = list(mixes)
    other = sum(mixes[names[(names.index(name) + 1) % len(names)]])[: len(mix)]
    loud = float(np.sqrt(np.mean(mix**2) / np.mean(other**2)))

    def write(samples: np.ndarray) -> Path:
        soundfile.write(place / "file.wav", np.clip(samples, -1, 1), FULL_HZ, subtype="PCM_16")
        return place / "file.wav"

    for codec, (kind, *options) in CODECS.items():
        target = place / f"file.{kind}"
        subprocess.run(["ffmpeg", "-y", "-loglevel", "error", "-i", str(write(mix)), *options, str(target)], check=True)  # noqa: S607
        yield codec, verdict.SAME_SOUND, target
    yield "16-bit WAV, -6 dB", verdict.SAME_SOUND, write(mix / 2)
    for percent in (-4, 3):
        yield f"speed {percent:+d} %", verdict.VARIANT, write(soxr.resample(mix, FULL_HZ * (1 + percent / 100), FULL_HZ))
    yield "10 s of it", verdict.EXCERPT, write(mix[20 * FULL_HZ : 30 * FULL_HZ])
    yield "its guitar", verdict.STEM_OF, write(guitar)
    yield "all but its guitar", verdict.STEM_OF, write(rest)
    yield "under another", verdict.CONTAINS, write(mix + loud * other[: len(mix)] if len(other) >= len(mix) else mix)
    yield (
        "15 s within another",
        verdict.SAMPLE,
        write(np.concatenate([other[: 20 * FULL_HZ], mix[20 * FULL_HZ : 35 * FULL_HZ], other[25 * FULL_HZ : 45 * FULL_HZ]])),
    )
    yield "4 s of it, five times", verdict.LOOP, write(np.tile(mix[20 * FULL_HZ : 24 * FULL_HZ], 5))


def _judge(index: FingerprintIndex, peaks: dict[str, Peaks], file: Path, file_ms: int) -> dict[str, str]:
    """Song → verdict."""
    heard, passages = _listen(file), defaultdict[str, list[Passage]](list)
    for one in find_in_peaks(index, heard, bends=True, probability=0.001):
        if one.evidence_millidecades >= verdict.LEAST_MILLIDECADES:
            passages[one.asset_sha256].append(one)
    found = {}
    for name, ones in passages.items():
        judged = verdict.judge(file_ms, LENGTH_S * 1000, ones, [measure_shared(heard, peaks[name], one) for one in ones])
        if judged:
            found[name] = judged.kind
    return found


def _meet_strangers(index: FingerprintIndex, peaks: dict[str, Peaks], folders: list[Path], limit: int) -> None:
    files = [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".ogg", ".mp3", ".flac"} and "fretsonfire" not in str(path)
    ]
    step, met, accused = max(1, len(files) // max(limit, 1)), 0, []
    for file in files[::step]:
        try:
            file_ms = examine(file).duration_ms
            if 30_000 <= file_ms <= 600_000:
                met += 1
                accused += [(file.name, found) for found in [_judge(index, peaks, file, file_ms)] if found]
        except (UnreadableAudio, OSError):
            continue
    print(f"{met} recordings of others: {len(accused)} got a verdict {accused[:5]}")


def _read(path: Path) -> np.ndarray:
    return 0.45 * read_mono(path, rate_hz=FULL_HZ, start_ms=START_S * 1000, length_ms=LENGTH_S * 1000)


def _listen(path: Path) -> Peaks:
    return measure_blocks(read_blocks(path, rate_hz=RATE_HZ), QUERY_PEAKS_PER_SECOND)


if __name__ == "__main__":
    main()
