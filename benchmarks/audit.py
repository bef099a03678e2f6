"""Measure what an audit costs beside bare decoding of the same files, in one run, on the real music that is cached.

    python3 -m benchmarks.audit [--catalogue 40] [--files 60] [--cache FOLDER] [--folder FOLDER]

Some recordings go into a catalogue; other recordings and pieces of the catalogue's, re-encoded where ffmpeg is installed, into a place. Bare decoding reads every
file of the place with libsndfile as 32-bit samples and does nothing with them. CPU seconds are of the process and its children; the audit's include the start of
the program, hashing, listening, and writing the result. No network: it uses what `dev.py demo` and `dev.py bench fingerprint` have fetched.
"""

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import soundfile

ENDINGS = {".ogg", ".mp3", ".flac", ".wav"}
LEAST_SECONDS, MOST_SECONDS = 30, 900
PIECE_SECONDS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=int, default=40)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "ritornello" / "unpacked")
    parser.add_argument("--folder", type=Path, help="Where to work. Default: a temporary folder.")
    arguments = parser.parse_args()
    music = find_music(arguments.cache)
    if len(music) < arguments.catalogue + 2:
        sys.exit(
            f"{arguments.cache} has {len(music)} recordings of half a minute to a quarter of an hour: too few; run `python3 dev.py bench fingerprint` first"
        )
    random.Random(1).shuffle(music)
    known, strangers = music[: arguments.catalogue], music[arguments.catalogue :]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        measure(Path(name), known, strangers, arguments.files)


def measure(folder: Path, known: list[Path], strangers: list[Path], files: int) -> None:
    home, place = folder / "home", folder / "place"
    audio = folder / "audio"
    audio.mkdir()
    rows = ["recording_id,file,title,artist"]
    for number, path in enumerate(known):
        shutil.copy(path, audio / f"{number}{path.suffix}")
        rows.append(f"r{number},{number}{path.suffix},Title {number},Somebody")
    (folder / "recordings.csv").write_text("\n".join(rows) + "\n")
    run("--home", home, "init")
    run("--home", home, "catalogue", "import", "--recordings", folder / "recordings.csv", "--audio", audio)
    run("--home", home, "catalogue", "fingerprint")
    place.mkdir()
    hidden = fill(place, known, strangers, files)
    hours = sum(soundfile.info(path).duration for path in place.iterdir()) / 3600
    bare = spend(lambda: subprocess.run([sys.executable, "-c", DECODE, str(place)], check=True))
    nothing = spend(lambda: subprocess.run([sys.executable, "-c", "import soundfile, numpy"], check=True))
    audits = spend(lambda: run("--home", home, "--quiet", "audit", place, "--out", folder / "out"))
    again = spend(lambda: run("--home", home, "--quiet", "audit", place, "--out", folder / "out"))
    rows_found = [json.loads(line) for line in (folder / "out" / "matches.jsonl").read_text().splitlines()]
    right = {row["item"] for row in rows_found if hidden.get(row["item"]) == row["recording_id"]}
    wrong = {row["item"] for row in rows_found if hidden.get(row["item"]) != row["recording_id"]}
    print(f"{files} files, {hours:.2f} h, against {len(known)} recordings")
    print(f"found {len(right)} of {len(hidden)} hidden; {len(wrong)} files with a match that isn't the hidden recording")
    print(f"bare decoding    {(bare - nothing) / hours:7.1f} CPU s per audio hour")
    print(f"audit            {audits / hours:7.1f} CPU s per audio hour: {audits / (bare - nothing):.1f} × bare decoding")
    print(f"audit once more  {again / hours:7.1f} CPU s per audio hour (nothing has changed)")


DECODE = """
import sys, pathlib, soundfile
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    with soundfile.SoundFile(path) as sound:
        while len(sound.read(1 << 16, dtype="float32")):
            pass
"""


def find_music(cache: Path) -> list[Path]:
    """Recordings of a length that music has, each name once."""
    found = {}
    for path in sorted(cache.rglob("*")) if cache.is_dir() else ():
        if path.suffix.lower() in ENDINGS and path.is_file() and not path.is_symlink():
            try:
                seconds = soundfile.info(path).duration
            except soundfile.SoundFileError:
                continue
            if LEAST_SECONDS <= seconds <= MOST_SECONDS:
                found[path.name] = path
    return list(found.values())


def fill(place: Path, known: list[Path], strangers: list[Path], files: int) -> dict[str, str]:
    """Half of the files are strangers as they are, half pieces of the catalogue's, MP3 where there is ffmpeg. Returns file → recording."""
    hidden = {}
    encoder = shutil.which("ffmpeg")
    for number in range(files):
        if number % 2:
            path = strangers[number // 2 % len(strangers)]
            shutil.copy(path, place / f"{number}{path.suffix}")
            continue
        path = known[number // 2 % len(known)]
        start = int(max(soundfile.info(path).duration - PIECE_SECONDS, 0)) // 2
        name = f"{number}.{'mp3' if encoder else 'flac'}"
        if encoder:
            subprocess.run(
                [encoder, "-v", "error", "-ss", str(start), "-t", str(PIECE_SECONDS), "-i", path, "-vn", "-b:a", "96k", place / name],
                check=True,
            )
        else:
            with soundfile.SoundFile(path) as sound:
                sound.seek(start * sound.samplerate)
                soundfile.write(place / name, sound.read(PIECE_SECONDS * sound.samplerate), sound.samplerate)
        hidden[name] = f"r{number // 2 % len(known)}"
    return hidden


def run(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "ritornello", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def spend(work: Callable[[], object]) -> float:
    """CPU seconds of children that the work starts, and of theirs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
