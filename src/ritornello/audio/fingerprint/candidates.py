"""Which lines are worth judging: those on which many landmarks of one recording agree.

Each pair of a query names the landmarks that would match it; each of those puts the query's start somewhere on the segment's axis. Starts that recur, counted once
per landmark, are candidates. Common names are looked up last, and no more than `HITS_LIMIT` landmarks are read for a window, so the cost of a query is bounded
however large the index is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint.landmarks import pair_up
from ritornello.audio.fingerprint.line import Lines, join_lines
from ritornello.audio.fingerprint.peaks import Peaks
from ritornello.audio.fingerprint.segment import Segment, count_up

STRAIGHT_PEAKS_PER_SECOND = 50
BENT_PEAKS_PER_SECOND = 25
STRAIGHT_CANDIDATES = 100
BENT_CANDIDATES = 60
CANDIDATES_PER_BEND = 10
HITS_LIMIT = 400_000
BIN_FRAMES = 3
AROUND_BINS = 25

Ints = npt.NDArray[np.int64]


def _list_bends() -> tuple[tuple[float, float], ...]:
    """(semitones that the recording lies higher than the query, how long its time runs): changes of speed, of tempo alone, of pitch alone."""
    percents = [percent / 100 for percent in range(-6, 7) if percent]
    speeds = [(-12 * float(np.log2(1 + percent)), 1 + percent) for percent in percents]
    tempos = [(0.0, 1 + percent) for percent in percents]
    pitches = [(step / 2, 1.0) for step in range(-4, 5) if step]
    return tuple(speeds + tempos + pitches)


BENDS = _list_bends()


@dataclass(frozen=True, eq=False)
class Names:
    """Under which keys the pairs of a query would be found at one bend, and the frames of their first peaks."""

    transposed: float
    stretch: float
    keys: Ints
    frames: Ints


def name_straight(peaks: Peaks) -> Names:
    """At the recording's own speed and pitch."""
    return Names(0.0, 1.0, *pair_up(peaks.strongest(STRAIGHT_PEAKS_PER_SECOND)).name(0.0, 1.0))


def name_bent(peaks: Peaks) -> list[Names]:
    """At every other speed, tempo and pitch."""
    pairs = pair_up(peaks.strongest(BENT_PEAKS_PER_SECOND))
    return [Names(transposed, stretch, *pairs.name(transposed, stretch)) for transposed, stretch in BENDS]


def propose_straight(segment: Segment, names: Names) -> Lines:
    """Candidates at the recording's own speed and pitch, best first."""
    counts, origins = _vote(segment, names)
    beside = np.searchsorted(origins, origins + (AROUND_BINS + 1) * BIN_FRAMES)
    before = np.searchsorted(origins, origins - AROUND_BINS * BIN_FRAMES)
    total = np.concatenate([[0], np.cumsum(counts)])
    usual = (total[beside] - total[before]) / (2 * AROUND_BINS + 1)
    score = (_with_next(counts, origins) - 2 * usual) / np.sqrt(2 * usual + 1)
    return _lines(origins[_best(score, STRAIGHT_CANDIDATES)], 0.0, 1.0)


def propose_bent(segment: Segment, bent: Sequence[Names]) -> Lines:
    """Candidates at another speed, tempo or pitch, best first."""
    scores, lines = [], []
    for names in bent:
        counts, origins = _vote(segment, names)
        score = _with_next(counts, origins)
        best = _best(score, CANDIDATES_PER_BEND)
        scores.append(score[best])
        lines.append(_lines(origins[best], names.transposed, names.stretch))
    return join_lines(lines)[_best(np.concatenate(scores), BENT_CANDIDATES)]


def _vote(segment: Segment, names: Names) -> tuple[Ints, Ints]:
    """How many landmarks agree on each origin, and the origins (frames of the segment's axis), in order."""
    frames = names.frames
    starts, counts = segment.find_landmarks(names.keys)
    if counts.sum() > HITS_LIMIT:
        rarest = np.argsort(counts, kind="stable")
        rarest = rarest[np.cumsum(counts[rarest]) <= HITS_LIMIT]
        starts, counts, frames = starts[rarest], counts[rarest], frames[rarest]
    places = count_up(starts, counts)
    origins = np.rint(segment.landmark_frames[places] - names.stretch * np.repeat(frames, counts)).astype(np.int64)
    landmarks = max(len(segment.landmark_frames), 1)
    agreeing = np.sort(np.floor_divide(origins, BIN_FRAMES) * landmarks + places)
    once = agreeing[_first_of_runs(agreeing)]  # a landmark counts once in a bin
    bins = np.floor_divide(once, landmarks)
    firsts = _first_of_runs(bins)
    return np.diff(firsts, append=len(bins)), bins[firsts] * BIN_FRAMES


def _first_of_runs(ordered: Ints) -> Ints:
    """Where the runs of equal values begin."""
    return np.flatnonzero(np.concatenate([np.ones(min(len(ordered), 1), dtype=bool), ordered[1:] != ordered[:-1]]))


def _best(scores: npt.NDArray[Any], count: int) -> Ints:
    """The places of the highest scores, best first, among equals in order; without putting all of them in order."""
    if len(scores) <= count:
        return np.argsort(-scores, kind="stable")
    if scores.dtype.kind == "i":  # votes, mostly ones: counting is quicker than putting them in order
        at_least = np.cumsum(np.bincount(scores)[::-1])
        least = len(at_least) - 1 - int(np.searchsorted(at_least, count))
    else:
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
    enough = np.flatnonzero(scores >= least)
    return enough[np.argsort(-scores[enough], kind="stable")[:count]]


def _with_next(counts: Ints, origins: Ints) -> Ints:
    """Votes of each bin together with the bin behind it."""
    joined = counts.copy()
    adjacent = np.flatnonzero(np.diff(origins) == BIN_FRAMES)
    joined[adjacent] += counts[adjacent + 1]
    return joined


def _lines(origins: Ints, transposed: float, stretch: float) -> Lines:
    return Lines(origins.astype(np.float64) + BIN_FRAMES, np.full(len(origins), stretch), np.full(len(origins), transposed))
