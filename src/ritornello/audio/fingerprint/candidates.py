"""Which lines are worth judging: those on which many landmarks of one recording agree.

Each pair of a query names the landmarks that would match it; each of those puts the query's start somewhere on the segment's axis. Starts that recur, counted once
per landmark, are candidates. Common names are looked up last, and no more than `HITS_LIMIT` landmarks are read for a window, so the cost of a query is bounded
however large the index is.
"""

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint.landmarks import Pairs, pair_up
from ritornello.audio.fingerprint.line import Lines, join_lines
from ritornello.audio.fingerprint.peaks import Peaks
from ritornello.audio.fingerprint.segment import Segment

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


def propose_straight(segment: Segment, peaks: Peaks) -> Lines:
    """Candidates at the recording's own speed and pitch, best first."""
    pairs = pair_up(peaks.strongest(STRAIGHT_PEAKS_PER_SECOND))
    counts, origins = _vote(segment, pairs, 0.0, 1.0)
    beside = np.searchsorted(origins, origins + (AROUND_BINS + 1) * BIN_FRAMES)
    before = np.searchsorted(origins, origins - AROUND_BINS * BIN_FRAMES)
    total = np.concatenate([[0], np.cumsum(counts)])
    usual = (total[beside] - total[before]) / (2 * AROUND_BINS + 1)
    score = (_with_next(counts, origins) - 2 * usual) / np.sqrt(2 * usual + 1)
    best = np.argsort(-score, kind="stable")[:STRAIGHT_CANDIDATES]
    return _lines(origins[best], 0.0, 1.0)


def propose_bent(segment: Segment, peaks: Peaks) -> Lines:
    """Candidates at another speed, tempo or pitch, best first."""
    pairs = pair_up(peaks.strongest(BENT_PEAKS_PER_SECOND))
    scores, lines = [], []
    for transposed, stretch in BENDS:
        counts, origins = _vote(segment, pairs, transposed, stretch)
        score = _with_next(counts, origins)
        best = np.argsort(-score, kind="stable")[:CANDIDATES_PER_BEND]
        scores.append(score[best])
        lines.append(_lines(origins[best], transposed, stretch))
    best = np.argsort(-np.concatenate(scores), kind="stable")[:BENT_CANDIDATES]
    return join_lines(lines)[best]


def _vote(segment: Segment, pairs: Pairs, transposed: float, stretch: float) -> tuple[Ints, Ints]:
    """How many landmarks agree on each origin, and the origins (frames of the segment's axis), in order."""
    keys, frames = pairs.name(transposed, stretch)
    starts, counts = segment.find_landmarks(keys)
    if counts.sum() > HITS_LIMIT:
        rarest = np.argsort(counts, kind="stable")
        rarest = rarest[np.cumsum(counts[rarest]) <= HITS_LIMIT]
        starts, counts, frames = starts[rarest], counts[rarest], frames[rarest]
    places = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    origins = np.rint(segment.landmark_frames[places] - stretch * np.repeat(frames, counts)).astype(np.int64)
    landmarks = max(len(segment.landmark_frames), 1)
    once = _distinct(np.floor_divide(origins, BIN_FRAMES) * landmarks + places)[0]  # a landmark counts once in a bin
    bins, votes = _distinct(np.floor_divide(once, landmarks))
    return votes, bins * BIN_FRAMES


def _distinct(values: Ints) -> tuple[Ints, Ints]:
    """Distinct values in order and how often each occurs. By sorting: several times faster here than NumPy's own, which hashes."""
    ordered = np.sort(values)
    firsts = np.flatnonzero(np.concatenate([np.ones(min(len(ordered), 1), dtype=bool), ordered[1:] != ordered[:-1]]))
    return ordered[firsts], np.diff(firsts, append=len(ordered))


def _with_next(counts: Ints, origins: Ints) -> Ints:
    """Votes of each bin together with the bin behind it."""
    joined = counts.copy()
    adjacent = np.flatnonzero(np.diff(origins) == BIN_FRAMES)
    joined[adjacent] += counts[adjacent + 1]
    return joined


def _lines(origins: Ints, transposed: float, stretch: float) -> Lines:
    return Lines(origins.astype(np.float64) + BIN_FRAMES, np.full(len(origins), stretch), np.full(len(origins), transposed))
