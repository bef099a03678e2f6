"""Passages that a sequence of notes shares with others, note by note, also transposed: evidence for compositions, with what chance would give.

Three notes in a row that step alike in two sequences are a seed. From seeds the likeness is followed along one offset and one transposition: a note that
agrees earns how surprising it is after the note before, in bits; gaps and jumps cost. The best chain of stretches is a passage if chance would hardly give one
like it anywhere in the catalogue. This is ungapped sequence alignment with the significance of its scores (S. Karlin and S. F. Altschul, PNAS 87, 1990; Altschul and
others, "Basic local alignment search tool", J. Mol. Biol. 215, 1990) on intervals, as tunes have long been looked up (J. S. Downie, 1999).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

import numpy as np
import numpy.typing as npt

SEED_NOTES = 3
LEAST_SEEDS = 2
MOST_PLACES = 2_000  # a seed that is at more places than this says nothing
MISMATCH_BITS = 4.0
MOST_BITS = 8.0  # of one note
JUMP_BITS = 12.0
MOST_GAP = 16  # notes
CHANCE_BITS = 20.0
AS_GOOD = 0.98  # passages with this part of the best one's bits share a note with it

Integers = npt.NDArray[np.int64]
Run = tuple[int, int, int]  # first note, last note (exclusive), offset in the source
Step = tuple[int, int]  # how a note stands to the one before: interval and own length


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """`pitches` and `lengths` (n,) in whole numbers of any unit. Where `movable` is false no transposition counts, as with tokens of sound."""

    pitches: Integers
    lengths: Integers
    movable: bool = True

    def steps(self) -> list[Step]:
        """How each note stands to the one before; the first one by its length alone (by its pitch too where nothing is movable)."""
        if not self.movable:
            return list(zip(self.pitches.tolist(), self.lengths.tolist(), strict=True))
        return list(zip(np.diff(self.pitches, prepend=self.pitches[:1]).tolist(), self.lengths.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Passage:
    """Notes `start` to `end` (exclusive) are those of `source` from `source_start` on, `transposed` steps higher.

    `bits` is how far the likeness, with the other passages that go with it, is above the best that chance gives: by this model of chance 2 to the power of -bits is the
    probability of one as good in a sequence that shares nothing. Music repeats itself more than the model knows, hence the distance that is asked for.
    """

    source: str
    start: int
    end: int
    source_start: int
    transposed: int
    bits: float


class Index:
    """Sequences by name, to look others up in."""

    def __init__(self, sources: Iterable[tuple[str, Notes]]) -> None:
        self._sources = list(sources)
        self._places: dict[tuple[Step, ...], list[tuple[int, int]]] = defaultdict(list)
        self._single: Counter[Step] = Counter()
        self._pairs: Counter[tuple[Step, Step]] = Counter()
        self._notes = 0
        for number, (_, notes) in enumerate(self._sources):
            steps = notes.steps()
            self._notes += len(steps)
            self._single.update(steps)
            self._pairs.update(pairwise(steps))
            for place in range(len(steps) - SEED_NOTES + 1):
                self._places[_seed(steps, place, notes.movable)].append((number, place))

    def find(self, notes: Notes) -> tuple[Passage, ...]:
        """The passages of `notes` that are in the catalogue beyond chance, best first; they may overlap. Deterministic."""
        steps = notes.steps()
        if len(steps) < SEED_NOTES or not self._notes:
            return ()
        bits = np.array([self._surprise(steps, place) for place in range(len(steps))])
        floor = log2(len(steps) * self._notes)
        found = []
        for (number, shift), offsets in self._lines(notes, steps).items():
            runs = sorted(
                run
                for offset, count in offsets.items()
                for run in self._runs(notes, number, offset, shift, 1 if count >= LEAST_SEEDS else SEED_NOTES)
            )
            chain, total = _chain(runs, np.concatenate([[0.0], np.cumsum(bits)]))
            if total - floor >= CHANCE_BITS:
                name = self._sources[number][0]
                found += [Passage(name, start, end, start + offset, shift, total - floor) for start, end, offset in chain]
        return tuple(sorted(found, key=lambda one: (-one.bits, one.source, one.start, one.source_start)))

    def _lines(self, notes: Notes, steps: Sequence[Step]) -> dict[tuple[int, int], Counter[int]]:
        """By source and transposition the offsets at which there are seeds, and how many; only where there are at least two."""
        seeds: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        for place in range(len(steps) - SEED_NOTES + 1):
            places = self._places.get(_seed(steps, place, notes.movable), ())
            for number, there in places if len(places) <= MOST_PLACES else ():
                shift = int(notes.pitches[place] - self._sources[number][1].pitches[there]) if notes.movable else 0
                seeds[number, shift][there - place] += 1
        return {key: offsets for key, offsets in sorted(seeds.items()) if offsets.total() >= LEAST_SEEDS}

    def _runs(self, notes: Notes, number: int, offset: int, shift: int, least: int) -> Iterator[Run]:
        """Stretches of at least `least` notes that agree along a line."""
        source = self._sources[number][1]
        first, last = max(0, -offset), min(len(notes.pitches), len(source.pitches) - offset)
        there = slice(first + offset, last + offset)
        agree = (notes.pitches[first:last] == source.pitches[there] + shift) & (notes.lengths[first:last] == source.lengths[there])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], agree.astype(np.int8), [0]])))
        for start, end in edges.reshape(-1, 2).tolist():
            if end - start >= least:
                yield first + start, first + end, offset

    def _surprise(self, steps: Sequence[Step], place: int) -> float:
        """Bits of a step after the one before it, seldom pairs judged halfway by the step alone."""
        alone = (self._single[steps[place]] + 0.5) / (self._notes + 0.5 * (len(self._single) + 1))
        if not place:
            return min(MOST_BITS, -log2(alone))
        before = self._single[steps[place - 1]]
        after = (self._pairs[steps[place - 1], steps[place]] + 10 * alone) / (before + 10)
        return min(MOST_BITS, -log2(after))


def divide_notes(passages: Sequence[Passage], notes: int) -> dict[str, float]:
    """How many of a sequence's `notes` notes each source explains. A note belongs to the best passage over it; sources with as good a passage share it."""
    found: dict[str, float] = defaultdict(float)
    for note in range(notes):
        over = [one for one in passages if one.start <= note < one.end]
        best = max((one.bits for one in over), default=0.0)
        names = sorted({one.source for one in over if one.bits >= AS_GOOD * best})
        for name in names:
            found[name] += 1 / len(names)
    return dict(found)


def _chain(runs: Sequence[Run], sums: npt.NDArray[np.float64]) -> tuple[list[Run], float]:
    """The best sequence of runs in order of the notes, and its bits: those of its notes less what is paid for going on after a gap, a little further on in both."""
    best: list[tuple[float, int]] = []
    for number, (start, end, offset) in enumerate(runs):
        earned, before = float(sums[end] - sums[start]), -1
        for other, (_, other_end, other_offset) in enumerate(runs[:number]):
            if other_end >= end:
                continue
            gap = start - other_end
            cost = JUMP_BITS if offset != other_offset else MISMATCH_BITS * gap
            whole = best[other][0] + float(sums[end] - sums[max(start, other_end)]) - cost
            ahead = max(start, other_end) + offset - other_end - other_offset
            if gap <= MOST_GAP and 0 <= ahead <= MOST_GAP and whole > earned:
                earned, before = whole, other
        best.append((earned, before))
    number = max(range(len(runs)), key=lambda one: best[one][0])
    total, chain = best[number][0], []
    while number >= 0:
        chain.append(runs[number])
        number = best[number][1]
    joined: list[Run] = []
    for start, end, offset in reversed(chain):
        if joined and joined[-1][2] == offset:  # what lies between is the same passage, with other notes
            joined[-1] = (joined[-1][0], end, offset)
        else:
            joined.append((max(start, joined[-1][1]) if joined else start, end, offset))
    return joined, total


def _seed(steps: Sequence[Step], place: int, movable: bool) -> tuple[Step, ...]:
    """Three notes: their lengths and how the second and third stand to the one before."""
    first, *others = steps[place : place + SEED_NOTES]
    return ((0, first[1]), *others) if movable else (first, *others)
