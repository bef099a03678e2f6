"""An audit's trial: recordings of a catalogue hidden, changed, among files that have nothing of it; run through `ritornello audit` itself.

    python3 dev.py bench hidden [--half report|tune] [--passages 200] [--strangers 1800] [--folder FOLDER] [--limit 0.01]

The catalogue is that of `dev.py bench fingerprint` (a half's recordings and the bystanders), imported and fingerprinted by the program. The same passages are
hidden in every kind of change; strangers are passages of 10 to 30 s, none overlapping another, of recordings that the catalogue lacks: music of other games and
artists, tracks that a model generated, the music that others are hidden under, and speech. The audited place says nothing but numbers; what is where stands in
`truth.jsonl` beside it. Files that are there are kept and an audit goes on where it was, so a stopped trial is started again by the same command.
Intervals are exact, 95 % (C. Clopper and E. Pearson, Biometrika 26, 1934). Never tune on what you report.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import beta

from benchmarks.fingerprint.corpus import Recording, find_tool, gather
from benchmarks.fingerprint.degrade import RATE_HZ, Passage, Samples, change_speed, keep, measure, stretch, under_music
from benchmarks.fingerprint.queries import QUIET, read_stereo, roll, take_backdrop, write_flac
from ritornello.demo.debian import CatalogueUnavailable
from ritornello.settings import read_settings

LIMITS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
SPARE = 1.2  # seconds of the recording that a second of a changed passage may need
STRANGER_S = (10.0, 30.0)
STRANGER_FORMS = ("flac", "mp3", "ogg")
ENCODERS = {"mp3": ("-c:a", "libmp3lame", "-b:a"), "opus": ("-c:a", "libopus", "-b:a"), "ogg": ("-c:a", "libvorbis", "-b:a")}


@dataclass(frozen=True, slots=True)
class Kind:
    """What happens to a passage. `ways`: passages take turns; `form` and `rate`: the file."""

    name: str
    seconds: int
    ways: tuple[Callable[[Passage], Samples], ...]
    form: str = "flac"
    rate: str = ""


def list_kinds(half: str) -> list[Kind]:
    """What the issue asks for, and the same by other means; the halves stretch with different tools."""
    tool = "rubberband" if half == "report" else "sox"
    music = partial(under_music, ratio_db=-6.0)
    return [
        Kind("MP3 64 kbit/s, 20 s", 20, (keep,), "mp3", "64k"),
        Kind("Opus 24 kbit/s, 20 s", 20, (keep,), "opus", "24k"),
        Kind("crop of 10 s", 10, (keep,)),
        Kind("speed ±5 %, 20 s", 20, (partial(change_speed, speed=1.05), partial(change_speed, speed=0.95))),
        Kind(
            "tempo ±5 %, 20 s",
            20,
            (partial(stretch, tool=tool, tempo=1.05, semitones=0.0), partial(stretch, tool=tool, tempo=0.95, semitones=0.0)),
        ),
        Kind(
            "pitch ±1 semitone, 20 s",
            20,
            (partial(stretch, tool=tool, tempo=1.0, semitones=1.0), partial(stretch, tool=tool, tempo=1.0, semitones=-1.0)),
        ),
        Kind("6 dB under music, 10 s", 10, (music,)),
        Kind("6 dB under music, 20 s", 20, (music,)),
    ]


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the place. `recording_id`: what is hidden in it, None for a stranger; `kind`: what was done to it, or the part a stranger is of."""

    name: str
    kind: str
    recording_id: str | None
    source: str
    start_s: float
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description="What an audit finds of recordings hidden in a place.")
    parser.add_argument("--half", choices=("report", "tune"), default="report")
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--strangers", type=int, default=1800)
    parser.add_argument(
        "--limit", type=float, default=LIMITS[0], help="--false-match of the audit; stricter limits are read off its result."
    )
    parser.add_argument("--folder", type=Path, help="Where catalogue, place and result are kept (default: in the cache).")
    parser.add_argument("--outcome", default="out", help="Name of the result's folder: another one after a change of the program.")
    options = parser.parse_args()
    cache = read_settings().cache.resolve()
    folder = (options.folder or cache / "hidden").resolve() / options.half
    try:
        recordings = gather(cache, tell)
        catalogue = [one for one in recordings if one.part in (options.half, "bystander")]
        home = import_catalogue(catalogue, folder)
        items = [
            *hide(recordings, options.half, options.passages, folder),
            *add_strangers(recordings, options.half, options.strangers, folder),
        ]
    except CatalogueUnavailable as trouble:
        print(f"The trial can't be run here: {trouble}")
        return 2
    (folder / "truth.jsonl").write_text("".join(json.dumps(asdict(one)) + "\n" for one in items))
    run("--home", home, "audit", folder / "place", "--out", folder / options.outcome, "--workers", 1, "--false-match", options.limit)
    matches = [json.loads(line) for line in (folder / options.outcome / "matches.jsonl").read_text().splitlines()]
    names, numbers = {one.name for one in items}, {f"r{number}": one.recording_id for number, one in enumerate(catalogue)}
    report(
        items, [(row["item"], numbers[row["recording_id"]], row) for row in matches if row["item"] in names], options.limit, len(catalogue)
    )
    return 0


def import_catalogue(catalogue: Sequence[Recording], folder: Path) -> Path:
    """A home with these recordings and their index, through the program's own commands. Titles say nothing about them."""
    home, audio = folder / "home", folder / "audio"
    if not (folder / "catalogue.done").exists():
        audio.mkdir(parents=True, exist_ok=True)
        rows = ["recording_id,file,title,artist"]
        for number, recording in enumerate(catalogue):
            name = f"{number}{recording.path.suffix}"
            if not (audio / name).exists():
                (audio / name).hardlink_to(recording.path)
            rows.append(f"r{number},{name},Title {number},Somebody")
        (folder / "recordings.csv").write_text("\n".join(rows) + "\n")
        if not home.exists():
            run("--home", home, "init")
        run("--home", home, "catalogue", "import", "--recordings", folder / "recordings.csv", "--audio", audio)
        run("--home", home, "catalogue", "fingerprint")
        (folder / "catalogue.done").touch()
    return home


def hide(recordings: Sequence[Recording], half: str, count: int, folder: Path) -> list[Item]:
    """The same passages, drawn by hash and not silent, in every kind of change."""
    pool = sorted((one for one in recordings if one.part in (half, "bystander")), key=lambda one: one.recording_id)
    pool.sort(key=lambda one: roll("hidden", one.recording_id).random())
    backdrop = [one for one in recordings if one.part == f"{half}-backdrop"]
    kinds, items = list_kinds(half), []
    longest_s = SPARE * max(kind.seconds for kind in kinds) + 1
    for number in range(count):
        recording = pool[number % len(pool)]
        dice = roll("hidden passage", recording.recording_id, number)
        starts = dice.uniform(0, max(recording.seconds - longest_s, 0.1), 20).round(3)
        start_s = float(next((start for start in starts if is_loud(recording, start, 10)), starts[0]))
        for which, kind in enumerate(kinds):
            item = Item(
                f"{number * len(kinds) + which:06d}.{kind.form}",
                kind.name,
                recording.recording_id,
                recording.recording_id,
                start_s,
                kind.seconds,
            )
            items.append(item)
            path = folder / "place" / item.name
            if path.exists():
                continue
            tell(f"hiding {len(items)}/{count * len(kinds)}")
            stereo = read_stereo(recording.path, start_s, SPARE * kind.seconds + 1)
            mixing = roll("hidden music", recording.recording_id, number, kind.name)
            music = partial(take_backdrop, backdrop, len(stereo) + RATE_HZ, mixing)
            sound = kind.ways[number % len(kind.ways)](Passage(stereo, music, music, mixing))
            write(path, sound[: kind.seconds * RATE_HZ], kind.form, kind.rate)
    return items


def add_strangers(recordings: Sequence[Recording], half: str, count: int, folder: Path) -> list[Item]:
    """Passages one after another of all that is in no catalogue of this half, so many of them, drawn by hash; quiet ones are left out."""
    places = []
    for recording in recordings:
        if recording.part in (half, "bystander"):
            continue
        dice, start_s = roll("stranger", recording.recording_id), 0.5
        while start_s + STRANGER_S[1] < recording.seconds:
            seconds = round(float(dice.uniform(*STRANGER_S)), 1)
            places.append((recording, start_s, seconds))
            start_s = round(start_s + seconds, 1)
    places.sort(key=lambda place: roll("stranger's place", place[0].recording_id, place[1]).random())
    items: list[Item] = []
    for recording, start_s, seconds in places:
        if len(items) == count:
            break
        form = STRANGER_FORMS[len(items) % len(STRANGER_FORMS)]
        item = Item(f"{900_000 + len(items):06d}.{form}", recording.part, None, recording.recording_id, start_s, seconds)
        path = folder / "place" / item.name
        if not path.exists():
            if not is_loud(recording, start_s, seconds):
                continue
            tell(f"strangers {len(items) + 1}/{count}")
            write(path, read_stereo(recording.path, start_s, seconds).mean(axis=1), form, "128k")
        items.append(item)
    return items


def is_loud(recording: Recording, start_s: float, seconds: float) -> bool:
    return measure(read_stereo(recording.path, start_s, seconds).mean(axis=1)) > QUIET


def write(path: Path, samples: Samples, form: str, rate: str) -> None:
    """A file of one channel; lossy ones by ffmpeg."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = (samples / max(float(np.abs(samples).max()) / 0.98, 1.0)).astype(np.float32)
    if form == "flac":
        write_flac(path, samples)
        return
    half = path.parent.parent / f"half.{form}"
    raw = ("-f", "f32le", "-ar", str(RATE_HZ), "-ac", "1", "-i", "pipe:")
    line = [find_tool("ffmpeg"), "-loglevel", "error", "-y", *raw, *ENCODERS[form], rate, str(half)]
    subprocess.run(line, input=samples.astype("<f4").tobytes(), check=True)
    half.replace(path)


Match = tuple[str, str, dict[str, int]]  # file, recording, row of matches.jsonl


def report(items: Sequence[Item], matches: Sequence[Match], limit: float, recordings: int) -> None:
    hidden, strangers = [one for one in items if one.recording_id], [one for one in items if not one.recording_id]
    print(f"{len(items)} files, {sum(one.seconds for one in items) / 3600:.1f} h; {recordings} recordings in the catalogue")
    limits = [one for one in LIMITS if one <= limit]
    print("\nFound as the right recording, at a false-match probability a file of at most (95 % interval in %)")
    print(f"{'':26}" + "".join(f"{one:>24g}" for one in limits))
    for kind in dict.fromkeys(one.kind for one in hidden):
        some = [one for one in hidden if one.kind == kind]
        print(f"{kind:26}" + "".join(f"{show(sum(is_found(one, matches, level) for one in some), len(some)):>24}" for level in limits))
    print("\nStrangers that are taken for some recording (95 % interval in 10,000 files)")
    unseen = {"report", "report-negative", "generated", "report-backdrop", "report-speech"}
    rows = [(part, [one for one in strangers if one.kind == part]) for part in sorted({one.kind for one in strangers})]
    rows += [("those never tuned on", [one for one in strangers if one.kind in unseen]), ("all", strangers)]
    for name, some in rows:
        print(f"{name:26}" + "".join(f"{show(len(named(some, matches, level)), len(some), 10_000):>24}" for level in limits))
    print("\nWho is taken for whom, and how surely (at the limit of the audit)")
    sources = {one.name: one for one in items}
    for file, recording_id, row in matches:
        if sources[file].recording_id != recording_id:
            what = f"{sources[file].source} [{sources[file].kind}] at {sources[file].start_s} s"
            print(f"  {what} → {recording_id}: {row['evidence_millidecades'] / 1000:.1f} decades, 1 in {1e9 / row['false_match_ppb']:,.0f}")


def is_found(item: Item, matches: Iterable[Match], level: float) -> bool:
    return any(
        (file, recording) == (item.name, item.recording_id) and row["false_match_ppb"] <= level * 1e9 for file, recording, row in matches
    )


def named(items: Sequence[Item], matches: Iterable[Match], level: float) -> set[str]:
    names = {one.name for one in items}
    return {file for file, _, row in matches if file in names and row["false_match_ppb"] <= level * 1e9}


def show(hits: int, count: int, scale: int = 100) -> str:
    low = float(beta.ppf(0.025, hits, count - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, count - hits)) if hits < count else 1.0
    return f"{hits}/{count} ({scale * low:.1f}–{scale * high:.1f})"


def run(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "ritornello", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def tell(text: str) -> None:
    """One line that is written over, on a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r{text[:100]:100}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
