"""Landmarks: pairs of neighbouring peaks, named by the pitch of the first, the interval to the second and the time between them.

A recording keeps one pair per strong peak. A query tries every pair of its own peaks, and both neighbours of each rounded value, so that small errors of
measurement don't hide a match.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint.peaks import HIGHEST_HZ, LOWEST_HZ, Peaks

STEP_SEMITONES = 0.5
PITCHES = int(12 * np.log2(HIGHEST_HZ / LOWEST_HZ) / STEP_SEMITONES) + 4
INTERVAL_SEMITONES = 12.0  # up or down
INTERVALS = int(2 * INTERVAL_SEMITONES / STEP_SEMITONES) + 1
SHORTEST_FRAMES, LONGEST_FRAMES = 2, 20
DURATIONS = LONGEST_FRAMES - SHORTEST_FRAMES + 1
KEYS = PITCHES * INTERVALS * DURATIONS

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks of one recording: `keys` (n,) below `KEYS`, `frames` (n,) of their first peaks."""

    keys: Ints
    frames: Ints


def make_landmarks(peaks: Peaks) -> Landmarks:
    """One pair for each peak: the next peak that is near enough in pitch and far enough in time."""
    taken = np.zeros(len(peaks.frames), dtype=bool)
    firsts, seconds = [], []
    for distance in range(1, 64):
        if distance >= len(peaks.frames):
            break
        ahead, interval = peaks.frames[distance:] - peaks.frames[:-distance], peaks.pitches[distance:] - peaks.pitches[:-distance]
        fits = (
            (ahead >= SHORTEST_FRAMES)
            & (ahead <= LONGEST_FRAMES)
            & (np.abs(interval) < INTERVAL_SEMITONES - STEP_SEMITONES)
            & ~taken[:-distance]
        )
        place = np.flatnonzero(fits)
        taken[place] = True
        firsts.append(place)
        seconds.append(place + distance)
    first, second = (np.concatenate(parts) if parts else np.zeros(0, np.int64) for parts in (firsts, seconds))
    pitch = np.rint(peaks.pitches[first] / STEP_SEMITONES).astype(np.int64)
    interval = np.rint((peaks.pitches[second] - peaks.pitches[first] + INTERVAL_SEMITONES) / STEP_SEMITONES).astype(np.int64)
    keys = _name(pitch, interval, peaks.frames[second] - peaks.frames[first] - SHORTEST_FRAMES)
    assert len(keys) == 0 or (keys.min() >= 0 and keys.max() < KEYS), "a landmark's name is out of range"
    order = np.lexsort((keys, peaks.frames[first]))
    return Landmarks(keys[order], peaks.frames[first][order])


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs among the peaks of a query: `first`, `second` are places in `peaks`."""

    peaks: Peaks
    first: Ints
    second: Ints

    def name(self, transposed: float, stretch: float) -> tuple[Ints, Ints]:
        """The keys under which these pairs would be found in a recording whose pitches are `transposed` semitones higher and whose time runs `stretch` times
        as long, and the frame of the first peak of each. Several keys a pair: both neighbours of each rounded value.
        """
        pitches, frames = self.peaks.pitches, self.peaks.frames
        pitch = np.floor((pitches[self.first] + transposed) / STEP_SEMITONES).astype(np.int64)
        interval = np.floor((pitches[self.second] - pitches[self.first] + INTERVAL_SEMITONES) / STEP_SEMITONES).astype(np.int64)
        duration = stretch * (frames[self.second] - frames[self.first]) - SHORTEST_FRAMES
        shorter, longer = np.floor(duration + 0.25).astype(np.int64), np.floor(duration - 0.25).astype(np.int64) + 1
        heights = [(at, (at >= 0) & (at < PITCHES)) for at in (pitch, pitch + 1)]
        widths = [(by, (by >= 0) & (by < INTERVALS)) for by in (interval, interval + 1)]
        lengths = [(apart, (apart >= 0) & (apart < DURATIONS)) for apart in (shorter, longer)]
        lengths[1][1][longer == shorter] = False
        keys, starts = [], []
        for (at, high), (by, wide) in product(heights, widths):
            for apart, lasts in lengths:
                fits = np.flatnonzero(high & wide & lasts)
                keys.append(_name(at[fits], by[fits], apart[fits]))
                starts.append(frames[self.first[fits]])
        return np.concatenate(keys), np.concatenate(starts)


def pair_up(peaks: Peaks) -> Pairs:
    """All pairs of a query's peaks that lie as near to each other as landmarks do."""
    firsts, seconds = [], []
    for distance in range(1, len(peaks.frames)):
        ahead = peaks.frames[distance:] - peaks.frames[:-distance]
        if ahead.min() > LONGEST_FRAMES:
            break
        interval = np.abs(peaks.pitches[distance:] - peaks.pitches[:-distance])
        place = np.flatnonzero((ahead >= SHORTEST_FRAMES) & (ahead <= LONGEST_FRAMES) & (interval < INTERVAL_SEMITONES))
        firsts.append(place)
        seconds.append(place + distance)
    first, second = (np.concatenate(parts) if parts else np.zeros(0, np.int64) for parts in (firsts, seconds))
    return Pairs(peaks, first, second)


def _name(pitch: Ints, interval: Ints, duration: Ints) -> Ints:
    return np.asarray((pitch * INTERVALS + interval) * DURATIONS + duration, dtype=np.int64)
