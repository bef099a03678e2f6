"""Passages of notes: found where they are, transposed, noised and taking turns, and not where there are none."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ritornello.attribution.sequences import Index, Notes, divide_notes

STEPS, CHANCES = np.array([-4, -2, -1, 0, 1, 2, 4]), np.array([1, 4, 3, 2, 3, 5, 2]) / 20


def melody(seed: int, notes: int = 120) -> Notes:
    """A walk in the manner of tunes: mostly steps, mostly short notes."""
    random = np.random.default_rng(seed)
    return Notes(60 + np.cumsum(random.choice(STEPS, notes, p=CHANCES)), random.choice([1, 2, 4], notes, p=[0.6, 0.3, 0.1]))


def part(notes: Notes, first: int, count: int, up: int = 0) -> Notes:
    return Notes(notes.pitches[first : first + count] + up, notes.lengths[first : first + count])


def join(*parts: Notes) -> Notes:
    return Notes(np.concatenate([one.pitches for one in parts]), np.concatenate([one.lengths for one in parts]))


SOURCES = {f"S{number}": melody(number) for number in range(40)}
INDEX = Index(SOURCES.items())


def test_a_transposed_passage_is_found_at_its_place() -> None:
    found = INDEX.find(join(melody(900, 30), part(SOURCES["S7"], 40, 30, up=3), melody(901, 30)))
    assert {passage.source for passage in found} == {"S7"} and found[0].transposed == 3
    start, end = min(passage.start for passage in found), max(passage.end for passage in found)
    assert 27 <= start <= 30 and 60 <= end <= 63 and found[0].source_start - found[0].start == 10


def test_two_sources_half_and_half() -> None:
    notes = join(part(SOURCES["S3"], 0, 32), part(SOURCES["S9"], 64, 32))
    parts = divide_notes(INDEX.find(notes), 64)
    assert set(parts) == {"S3", "S9"} and min(parts.values()) >= 31


def test_sources_taking_turns_every_four_notes() -> None:
    turns = [part(SOURCES[name], 4 * number, 4) for number in range(8) for name in ("S1", "S2")]
    parts = divide_notes(INDEX.find(join(*turns)), 64)
    assert set(parts) == {"S1", "S2"} and min(parts.values()) >= 27


def test_wrong_notes_are_bridged() -> None:
    notes = part(SOURCES["S5"], 10, 40)
    notes.pitches[[5, 13, 21, 30]] += 7
    parts = divide_notes(INDEX.find(notes), 40)
    assert parts["S5"] >= 38


def test_strangers_are_not_found() -> None:
    """200 melodies of the same manner that share nothing: by the model one in a million has a passage by chance."""
    assert not any(INDEX.find(melody(seed, 64)) for seed in range(1000, 1200))


def test_copies_share_what_they_explain() -> None:
    index = Index([*SOURCES.items(), ("copy of S4", SOURCES["S4"])])
    parts = divide_notes(index.find(part(SOURCES["S4"], 20, 40)), 40)
    assert parts == {"S4": 20.0, "copy of S4": 20.0}


def test_tokens_of_sound_are_not_transposed() -> None:
    fixed = {name: Notes(notes.pitches, notes.lengths, movable=False) for name, notes in SOURCES.items()}
    index = Index(fixed.items())
    same, moved = part(SOURCES["S6"], 30, 40), part(SOURCES["S6"], 30, 40, up=1)
    assert {one.source for one in index.find(Notes(same.pitches, same.lengths, movable=False))} == {"S6"}
    assert not index.find(Notes(moved.pitches, moved.lengths, movable=False))


def test_nothing_to_look_for_or_in() -> None:
    empty = Notes(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    assert INDEX.find(empty) == () == Index([]).find(melody(1)) == Index([("empty", empty)]).find(melody(1))
    assert divide_notes((), 5) == {}


@given(st.integers(0, 39), st.integers(0, 80), st.integers(20, 40), st.integers(-12, 12))
def test_notes_are_divided_once(source: int, first: int, count: int, up: int) -> None:
    notes = part(SOURCES[f"S{source}"], first, count, up)
    found = INDEX.find(notes)
    parts = divide_notes(found, count)
    assert sum(parts.values()) <= count + 1e-9 and max(parts, key=lambda name: parts[name]) == f"S{source}"
    assert found == INDEX.find(notes) and all(0 <= one.start < one.end <= count for one in found)
