"""The queries: excerpts of ten seconds from recordings in and outside the catalogue, each degraded in every way, kept as files.

Shorter queries are the beginnings of these. The same excerpts are used for every degradation, so that columns compare the same music.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from benchmarks.fingerprint.corpus import SEED, Recording
from benchmarks.fingerprint.degrade import RATE_HZ, Degradation, Passage, Samples, list_degradations, measure

LENGTH_S = 10
LENGTHS_S = (10, 5, 3)
LEAD_S, TAIL_S = 1.0, 1.6  # sound before and after, so that rooms ring and faster tempos have enough
QUIET = 10 ** (-45 / 20)


@dataclass(frozen=True, slots=True)
class Query:
    """One file. `recording_id`: what should be found, None where nothing should; `start_s`: where the query begins in it.

    `speed`: seconds of the recording in a second of the query; `semitones`: how much higher the query sounds; `source`: the recording it was cut from.
    """

    query_id: str
    path: Path
    half: str
    degradation: str
    kind: str
    recording_id: str | None
    source: str
    start_s: float
    speed: float
    semitones: float

    def read(self, length_s: int) -> Samples:
        """The first seconds of the query, mono at RATE_HZ."""
        return soundfile.read(self.path, frames=length_s * RATE_HZ, dtype="float32")[0]


@dataclass(frozen=True, slots=True)
class Excerpt:
    recording: Recording
    start_s: float
    wanted: bool


def make_queries(
    recordings: Sequence[Recording], half: str, folder: Path, positives: int, negatives: int, progress: Callable[[str], None]
) -> list[Query]:
    """Every degradation of `half` on `positives` excerpts from its catalogue and `negatives` from outside; files that are there are kept.

    A side signal needs stereo: excerpts without one have none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inside = choose(recordings, {half}, positives)
    outside = choose(recordings, {f"{half}-negative", *(["generated"] if half == "report" else [])}, negatives)
    excerpts = [Excerpt(*one, True) for one in inside] + [Excerpt(*one, False) for one in outside]
    backdrops = {kind: [one for one in recordings if one.part == f"{half}-{kind}"] for kind in ("backdrop", "speech")}
    made: list[Query] = []
    for degradation in list_degradations(half):
        progress(f"{half}: {degradation.name}")
        for excerpt in excerpts:
            if degradation.kind != "side" or has_sides(excerpt):
                made.append(make_query(excerpt, degradation, half, folder, backdrops))
    index = folder / f"queries-{positives}-{negatives}.jsonl"
    index.write_text("".join(json.dumps({**asdict(query), "path": str(query.path)}) + "\n" for query in made))
    return made


def make_outside(recordings: Sequence[Recording], folder: Path, count: int, progress: Callable[[str], None]) -> list[Query]:
    """So many clean excerpts that follow one another in recordings of no catalogue of `report`, drawn by hash: nothing should be found in them."""
    folder.mkdir(parents=True, exist_ok=True)
    pool = [one for one in recordings if one.part not in ("report", "bystander") and not one.part.endswith("-speech")]
    places = [(one, start_s) for one in pool for start_s in range(1, int(one.seconds - LENGTH_S - TAIL_S - 1), LENGTH_S)]
    places.sort(key=lambda place: roll("outside", place[0].recording_id, place[1]).random())
    clean, made = list_degradations("report")[0], []
    for number, (recording, start_s) in enumerate(places[:count]):
        if number % 100 == 0:
            progress(f"outside: {number}/{count}")
        made.append(
            make_query(
                Excerpt(recording, float(start_s), False), replace(clean, name="outside"), "report", folder, {"backdrop": [], "speech": []}
            )
        )
    return made


def choose(recordings: Sequence[Recording], parts: set[str], count: int) -> list[tuple[Recording, float]]:
    """`count` excerpts that are not silent, from as many recordings as there are, in an order drawn by hash."""
    pool = sorted((one for one in recordings if one.part in parts), key=lambda one: roll("order", one.recording_id).random())
    chosen = []
    for number in range(count):
        recording = pool[number % len(pool)]
        dice = roll("start", recording.recording_id, number // len(pool))
        starts = dice.uniform(LEAD_S, recording.seconds - LENGTH_S - TAIL_S - 1, 20).round(3)
        loud = (start for start in starts if measure(read_excerpt(recording, start).mean(axis=1)) > QUIET)
        chosen.append((recording, float(next(loud, starts[0]))))
    return chosen


def make_query(excerpt: Excerpt, degradation: Degradation, half: str, folder: Path, backdrops: dict[str, list[Recording]]) -> Query:
    recording = excerpt.recording
    words = f"{half} {degradation.name} {recording.recording_id} {excerpt.start_s}"
    query_id = hashlib.sha256(words.encode()).hexdigest()[:16]
    query = Query(
        query_id,
        folder / f"{query_id}.flac",
        half,
        degradation.name,
        degradation.kind,
        recording.recording_id if excerpt.wanted else None,
        recording.recording_id,
        excerpt.start_s,
        degradation.speed,
        degradation.semitones,
    )
    if query.path.is_file():
        return query
    dice = roll("query", words)
    stereo = read_excerpt(recording, excerpt.start_s)
    music, speech = (partial(take_backdrop, backdrops[kind], len(stereo) + 3 * RATE_HZ, dice) for kind in ("backdrop", "speech"))
    sound = degradation.apply(Passage(stereo, music, speech, dice))
    first = round(LEAD_S / degradation.speed * RATE_HZ)
    sound = sound[first : first + LENGTH_S * RATE_HZ]
    assert len(sound) == LENGTH_S * RATE_HZ, (degradation.name, len(sound))
    peak = float(np.abs(sound).max())
    write_flac(query.path, sound / max(peak / 0.98, 1.0))
    return query


def read_excerpt(recording: Recording, start_s: float) -> Samples:
    return read_stereo(recording.path, start_s - LEAD_S, LEAD_S + LENGTH_S + TAIL_S)


def take_backdrop(pool: Sequence[Recording], frames: int, dice: np.random.Generator) -> Samples:
    """A loud enough piece of one of the recordings, drawn by dice; mono."""
    seconds = frames / RATE_HZ
    for _ in range(50):
        recording = pool[int(dice.integers(len(pool)))]
        if recording.seconds > seconds + 1:
            piece = read_stereo(recording.path, float(dice.uniform(0, recording.seconds - seconds - 0.5)), seconds).mean(
                axis=1, dtype=np.float32
            )
            if len(piece) >= frames - 10 and measure(piece) > QUIET:
                return np.pad(piece, (0, max(0, frames - len(piece))))
    raise ValueError("no recording to lie over queries is loud and long enough")


def read_stereo(path: Path, start_s: float, length_s: float) -> Samples:
    """A passage of shape (n, 2) at RATE_HZ; mono sound comes twice. MP3s are read from their start: seeking in them is not exact."""
    with soundfile.SoundFile(path) as sound:
        rate_hz, first, frames = sound.samplerate, round(start_s * sound.samplerate), round(length_s * sound.samplerate)
        if path.suffix == ".mp3":
            samples = read_whole(path)[first : first + frames]
        else:
            sound.seek(first)
            samples = sound.read(frames, dtype="float32", always_2d=True)
    stereo = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    return soxr.resample(stereo, rate_hz, RATE_HZ).astype(np.float32) if rate_hz != RATE_HZ else stereo


@cache
def read_whole(path: Path) -> Samples:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def has_sides(excerpt: Excerpt) -> bool:
    stereo = read_excerpt(excerpt.recording, excerpt.start_s)
    return measure(stereo[:, 0] - stereo[:, 1]) > 0.01 * measure(stereo.sum(axis=1))


def write_flac(path: Path, samples: Samples) -> None:
    half = path.with_suffix(".half")
    soundfile.write(half, samples, RATE_HZ, format="FLAC", subtype="PCM_16")
    half.replace(path)


def roll(*words: object) -> np.random.Generator:
    """Dice of their own for every purpose."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr((SEED, *words)).encode()).digest()[:8], "big"))
