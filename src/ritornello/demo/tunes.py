"""Public-domain tunes from music21's bundled corpus, arranged for two parts: the tune, and something under it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ritornello.demo.synthesiser import Note

Event = tuple[float, float, int]  # start and length in quarter notes, MIDI pitch
MAJOR = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True, slots=True)
class Tune:
    """A tune as written: its melody, its lower voices where the score has them, and what an accompanist must know."""

    melody: tuple[Event, ...]
    lower: tuple[Event, ...]
    length: float  # quarter notes
    bar: float  # quarter notes
    upbeat: float  # quarter notes before the first full bar
    tonic: int  # pitch class
    minor: bool


def read_tune(name: str, number: int | None) -> Tune:
    """Read corpus file `name`, tune `number` of a collection. Raises ValueError when it holds no notes."""
    # Imported here: a second of start-up that only the portable catalogue should pay.
    import music21
    from music21 import converter

    reader = converter.Converter()
    reader.parseFile(Path(music21.__file__).parent / "corpus" / name, number=number, forceSource=True, storePickle=False)
    score: Any = reader.stream
    parts = [tuple(_events(part)) for part in score.parts]
    if not parts or not parts[0]:
        raise ValueError(f"{name} {number or ''} holds no notes")
    time, key = (score.recurse().getElementsByClass(kind).first() for kind in ("TimeSignature", "KeySignature"))
    key = key.asKey() if not hasattr(key, "tonic") else key
    bar = float(time.barDuration.quarterLength)
    first = float(score.parts[0].getElementsByClass("Measure").first().duration.quarterLength)
    lower = tuple(sorted(event for part in parts[1:] for event in part))
    minor = key.mode in {"minor", "dorian", "phrygian", "aeolian"}
    return Tune(parts[0], lower, float(score.highestTime), bar, first % bar, key.tonic.pitchClass, minor)


def _events(part: Any) -> Iterator[Event]:
    for element in part.flatten().stripTies().notes:
        if element.duration.quarterLength:  # grace notes have none
            yield float(element.offset), float(element.duration.quarterLength), max(pitch.midi for pitch in element.pitches)


@dataclass(frozen=True, slots=True)
class Style:
    """How a tune is played."""

    beats_per_minute: float  # quarter notes
    transpose: int  # semitones
    pattern: str  # a key of PATTERNS, or "chorale" for the score's own lower voices
    drums: str  # "none", "brush" or "march"


def arrange(tune: Tune, style: Style, shortest_s: float, longest_s: float) -> tuple[list[Note], list[Note], float]:
    """Melody, accompaniment (with drums) and length in seconds: the tune repeated until it lasts `shortest_s`, cut at `longest_s`."""
    quarter_s = 60 / style.beats_per_minute
    times = max(-(-shortest_s // (tune.length * quarter_s)), 1)
    length_s = min(times * tune.length * quarter_s, longest_s)
    melody, under = [], []
    for time in range(int(times)):
        shift = time * tune.length
        # Every second time a little softer, as one does.
        loudness = 0.9 if time % 2 == 0 else 0.75
        melody += _place(tune.melody, shift, quarter_s, style.transpose, loudness)
        lower = tune.lower if style.pattern == "chorale" else tuple(_accompany(tune, style.pattern))
        under += _place(lower, shift, quarter_s, style.transpose, 0.45)
        under += _place(tuple(_beat(tune, style.drums)), shift, quarter_s, 0, 0.5)
    heard = [[note for note in part if note.start_s < length_s - 0.05] for part in (melody, under)]
    return heard[0], heard[1], length_s


def _place(events: Sequence[Event], shift: float, quarter_s: float, transpose: int, loudness: float) -> list[Note]:
    return [
        Note((start + shift) * quarter_s, 0.95 * length * quarter_s, pitch + transpose if pitch >= 0 else pitch, loudness)
        for start, length, pitch in events
    ]


def _accompany(tune: Tune, pattern: str) -> Iterator[Event]:
    play, start = PATTERNS[pattern], tune.upbeat
    while start < tune.length:
        bar = min(tune.bar, tune.length - start)
        chord = _choose_chord(tune, start, start + bar)
        yield from (event for event in play(start, bar, chord) if event[0] < start + bar)
        start += tune.bar


def _choose_chord(tune: Tune, start: float, end: float) -> tuple[int, int, int]:
    """The triad of the key that most of the bar's melody belongs to; the tonic where nothing speaks against it. Root near MIDI 48."""
    weight = [0.0] * 12
    for at, length, pitch in tune.melody:
        weight[pitch % 12] += max(min(at + length, end) - max(at, start), 0)
    major = (tune.tonic + 3) % 12 if tune.minor else tune.tonic
    scale = [(major + step) % 12 for step in MAJOR]
    best, best_weight = (tune.tonic, 0, 0), -1.0
    for degree in (5, 3, 1, 4) if tune.minor else (0, 3, 4, 5):
        triad = [scale[(degree + third) % 7] for third in (0, 2, 4)]
        found = sum(weight[pitch] for pitch in triad) * (1.15 if triad[0] == tune.tonic else 1.0)
        if found > best_weight:
            best, best_weight = (triad[0], (triad[1] - triad[0]) % 12, (triad[2] - triad[0]) % 12), found
    root = 43 + (best[0] - 43) % 12
    return root, root + best[1], root + best[2]


def _drone(start: float, bar: float, chord: tuple[int, int, int]) -> Iterator[Event]:
    yield from ((start, bar, pitch) for pitch in (chord[0], chord[2]))


def _block(start: float, bar: float, chord: tuple[int, int, int]) -> Iterator[Event]:
    yield from ((start + half * bar / 2, bar / 2, pitch + 12) for half in (0, 1) for pitch in chord)


def _oompah(start: float, bar: float, chord: tuple[int, int, int]) -> Iterator[Event]:
    for half in (0, 1):
        at, length = start + half * bar / 2, bar / 4
        yield at, length, chord[0] if half == 0 else chord[2] - 12
        yield from ((at + length, length * 0.6, pitch + 12) for pitch in chord)


def _arpeggio(start: float, bar: float, chord: tuple[int, int, int]) -> Iterator[Event]:
    order = (chord[0], chord[2], chord[0] + 12, chord[1] + 12, chord[2] + 12, chord[0] + 12)
    steps = max(round(bar * 2), 2)
    yield from ((start + step * bar / steps, bar / steps, order[step % len(order)]) for step in range(steps))


def _walking(start: float, bar: float, chord: tuple[int, int, int]) -> Iterator[Event]:
    order = (chord[0], chord[1], chord[2], chord[0] + 9)
    steps = max(round(bar), 2)
    yield from ((start + step * bar / steps, bar / steps, order[step % len(order)]) for step in range(steps))


def _offbeat(start: float, bar: float, chord: tuple[int, int, int]) -> Iterator[Event]:
    steps = max(round(bar), 2)
    yield start, bar / steps, chord[0]
    yield from ((start + (step + 0.5) * bar / steps, 0.3 * bar / steps, pitch + 12) for step in range(steps) for pitch in chord)


def _beat(tune: Tune, drums: str) -> Iterator[Event]:
    start = tune.upbeat
    while drums != "none" and start < tune.length:
        steps = max(round(tune.bar * 2), 4)
        for step in range(steps):
            drum = -1 if step == 0 else -2 if step == steps // 2 or (drums == "march" and step >= steps - 2) else -3
            yield start + step * tune.bar / steps, tune.bar / steps, drum
        start += tune.bar


PATTERNS: dict[str, Callable[[float, float, tuple[int, int, int]], Iterator[Event]]] = {
    "drone": _drone,
    "block": _block,
    "oompah": _oompah,
    "arpeggio": _arpeggio,
    "walking": _walking,
    "offbeat": _offbeat,
}
