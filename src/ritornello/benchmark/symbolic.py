"""Worlds of notes: public-domain music of the package music21 in five catalogues, each note a token for its pitch and one for its length.

The tuning world and the report world share no piece. Whatever is chosen (a damping, a number of checkpoints, a mixture) is chosen on the first, and figures
are reported on the second.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.benchmark.world import Piece, Tokens, World

TUNE, REPORT = "tune", "report"
CATALOGUES = ("bach", "essenFolksong", "oneills1850", "palestrina", "ryansMammoth")
FORMAT = "ritornello-symbolic-world-1"
TRAINED, KEPT_BACK = 20, 5  # pieces of each catalogue
LEAST_NOTES, MOST_NOTES = 64, 192
LOWEST, HIGHEST = 36, 96  # MIDI pitches; others are moved by octaves
LENGTHS = (1 / 8, 1 / 6, 1 / 4, 1 / 3, 3 / 8, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4, 6, 8)  # quarter notes
FIRST_PITCH, FIRST_LENGTH = 1, 2 + HIGHEST - LOWEST
VOCABULARY = FIRST_LENGTH + len(LENGTHS)


def read_world(half: str, cache: Path, seed: int = 20261125) -> World:
    """The tuning or the report world. Reading music21's files takes a minute or two; the notes are kept in `cache`, a folder."""
    kept = cache / f"symbolic-{seed}.json"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        found = {catalogue: _choose(catalogue, seed) for catalogue in CATALOGUES}
        temporary = kept.with_suffix(".part")
        temporary.write_text(json.dumps({"format": FORMAT, "catalogues": found}))
        temporary.replace(kept)
    document = json.loads(kept.read_text())
    each = TRAINED + KEPT_BACK
    first = {TUNE: 0, REPORT: each}[half]
    pieces: list[Piece] = []
    canaries: list[Piece] = []
    for catalogue in CATALOGUES:
        for number, (name, notes) in enumerate(document["catalogues"][catalogue][first : first + each]):
            (pieces if number < TRAINED else canaries).append(Piece(name, catalogue, _tokens(notes)))
    about = f"{len(pieces)} pieces of five catalogues of music21 ({', '.join(CATALOGUES)}) and {len(canaries)} more that no model reads"
    return World(half, about, VOCABULARY, 2, tuple(pieces), tuple(canaries), (FIRST_PITCH, FIRST_LENGTH - 1))


def _tokens(notes: list[tuple[int, int]]) -> Tokens:
    return np.array([token for pitch, length in notes for token in (FIRST_PITCH + pitch, FIRST_LENGTH + length)], dtype=np.int64)


def _choose(catalogue: str, seed: int) -> list[tuple[str, list[tuple[int, int]]]]:
    """Pieces with enough notes, in an order drawn by the seed; no two that begin alike."""
    random = np.random.default_rng([seed, CATALOGUES.index(catalogue)])
    places = list(_places(catalogue))
    chosen: list[tuple[str, list[tuple[int, int]]]] = []
    beginnings: set[tuple[int, ...]] = set()
    for number in random.permutation(len(places)):
        name, notes = _read(*places[number])
        if len(notes) < LEAST_NOTES:
            continue
        beginning = tuple(later[0] - earlier[0] for earlier, later in pairwise(notes[:25]))
        if beginning in beginnings:
            continue
        beginnings.add(beginning)
        chosen.append((name, notes))
        if len(chosen) == 2 * (TRAINED + KEPT_BACK):
            return chosen
    raise AssertionError(f"music21 has too few pieces in {catalogue}")


def _places(catalogue: str) -> Iterator[tuple[Path, int | None]]:
    """Each piece's file, and its number where a file holds many."""
    import music21

    folder = Path(music21.__file__).parent / "corpus" / catalogue
    for path in sorted(path for path in folder.rglob("*") if path.suffix in {".abc", ".krn", ".mxl", ".xml"}):
        numbers = (
            [int(line[2:]) for line in path.read_text("utf-8", "replace").splitlines() if line[:2] == "X:" and line[2:].strip().isdigit()]
            if path.suffix == ".abc"
            else []
        )
        if len(numbers) > 1:
            yield from ((path, number) for number in numbers)
        else:
            yield path, None


def _read(path: Path, number: int | None) -> tuple[str, list[tuple[int, int]]]:
    """The notes of a piece, voice after voice; none where music21 can't read it."""
    from music21 import converter

    name = f"{path.parent.name}/{path.stem}" + (f"#{number}" if number is not None else "")
    reader = converter.Converter()
    try:
        reader.parseFile(path, number=number, forceSource=True, storePickle=False)
    except Exception:  # music21 raises anything; what it can't read is not chosen
        return name, []
    notes: list[tuple[int, int]] = []
    for part in reader.stream.parts:
        for element in part.flatten().stripTies().notes:
            if element.duration.quarterLength:
                notes.append((_pitch(element), _length(float(element.duration.quarterLength))))
    return name, notes[:MOST_NOTES]


def _pitch(element: Any) -> int:
    pitch = max(pitch.midi for pitch in element.pitches)
    while pitch < LOWEST:
        pitch += 12
    while pitch > HIGHEST:
        pitch -= 12
    return int(pitch) - LOWEST


def _length(quarters: float) -> int:
    return int(np.argmin([abs(np.log(quarters / length)) for length in LENGTHS]))
