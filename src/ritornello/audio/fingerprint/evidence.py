"""How much speaks for a line: how many of the recording's peaks are in the query where the line puts them, against how many chance would put there.

Chance knows which pitches the query holds and at which moments it is busy, and nothing else: a peak at pitch p and frame t is met with probability
1 − exp(−a(p)·b(t)), where a(p) is the share of frames in which the query has a peak near p, and b(t) how busy it is around t, relative to its mean. So neither a
drone nor a common beat is evidence. For hits h and probabilities q, the evidence is Chernoff's bound on the probability that chance does as well
(H. Chernoff, Annals of Mathematical Statistics 23, 1952): the largest over λ of λ·h − Σ ln(1 + q(e^λ − 1)).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint.line import Lines, join_lines
from ritornello.audio.fingerprint.peaks import STEP_SEMITONES, Peaks
from ritornello.audio.fingerprint.segment import Segment

PITCH_STEPS = 256
PADDING = 8
TILTS = np.array([0.7, 1.2, 1.8, 2.5, 3.2])
TILTED = np.expm1(TILTS).astype(np.float32)
SHIFTS_FRAMES = (-2, -1, 0, 1, 2)
LEAST_CHANCE, MOST_CHANCE = 0.003, 0.98

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Heard:
    """A query as evidence sees it: `near` (frames + padding, steps), whether a peak is within a frame and a step; `chance`, alike, how likely chance puts one there."""

    near: npt.NDArray[np.bool_]
    chance: npt.NDArray[np.float32]
    length: int

    def at(self, frames: Floats, steps: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
        """Whether a peak is there, and how likely chance would put one there."""
        rows = (np.rint(frames).astype(np.int64) + PADDING).clip(0, len(self.near) - 1)
        cells = rows * PITCH_STEPS + steps.clip(0, PITCH_STEPS - 1)
        return self.near.ravel()[cells] & (steps >= 0) & (steps < PITCH_STEPS), self.chance.ravel()[cells]


def hear(peaks: Peaks) -> Heard:
    """Prepare the peaks of a query, or of a window of it."""
    near = np.zeros((peaks.length + 2 * PADDING, PITCH_STEPS), dtype=bool)
    steps = (peaks.pitches / STEP_SEMITONES).astype(np.int64)
    for later in (-1, 0, 1):
        for higher in (-1, 0, 1):
            near[peaks.frames + PADDING + later, (steps + higher).clip(0, PITCH_STEPS - 1)] = True
    busy = near.sum(axis=1)
    length = max(peaks.length, 1)
    mean = max(float(busy.sum()) / length, 1e-9)
    expected = np.multiply.outer((busy / mean).astype(np.float32), (near.sum(axis=0) / length).astype(np.float32))
    return Heard(near, (1 - np.exp(-expected)).clip(LEAST_CHANCE, MOST_CHANCE), peaks.length)


@dataclass(frozen=True, eq=False)
class Expected:
    """Where lines put the recording's peaks in a query: frames and pitch steps. Those of line `present[i]` begin at `starts[i]`; some of the `lines` may have none."""

    frames: Floats
    steps: Ints
    starts: Ints
    present: Ints
    lines: int


def judge(segment: Segment, heard: Heard, lines: Lines, shifts: tuple[int, ...] = SHIFTS_FRAMES) -> tuple[Floats, Lines]:
    """The evidence for each line in decades, at the best of a few shifts in time, and the lines so shifted. Shape (n,)."""
    expected = expect(segment, heard.length, lines)
    evidence, best = np.full(len(lines), -1.0), np.zeros(len(lines))
    for shift in shifts:
        decades = _bound(*heard.at(expected.frames - shift, expected.steps), expected)
        better = decades > evidence
        evidence[better], best[better] = decades[better], shift
    return evidence, Lines(lines.origins + best * lines.stretches, lines.stretches, lines.transposed)


def refine(segment: Segment, heard: Heard, evidence: Floats, lines: Lines) -> tuple[Floats, Lines]:
    """Turn each line a little in speed and pitch while that brings more evidence."""
    turns = [(transposed, stretch) for transposed in (-0.3, 0.0, 0.3) for stretch in (-0.006, 0.0, 0.006) if transposed or stretch]
    for step in (1.0, 0.5):
        turned = join_lines([lines.turned(heard.length / 2, stretch * step, transposed * step) for transposed, stretch in turns])
        found, shifted = judge(segment, heard, turned, SHIFTS_FRAMES[1:-1])
        tried, results = join_lines([lines, shifted]), np.concatenate([evidence, found]).reshape(len(turns) + 1, len(lines))
        best = np.argmax(results, axis=0)
        column = np.arange(len(lines))
        evidence, lines = results[best, column], tried[best * len(lines) + column]
    return evidence, lines


def trace(segment: Segment, heard: Heard, line: Lines) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Along one line: the query frames at which the recording's peaks should be, whether each is there, and its chance."""
    expected = expect(segment, heard.length, line)
    hits, chance = heard.at(expected.frames, expected.steps)
    return expected.frames, hits, chance.astype(np.float64)


def bound(hits: npt.NDArray[np.bool_], chance: Floats) -> float:
    """Chernoff's bound in decades for one set of peaks."""
    first = np.zeros(1, dtype=np.int64)
    return float(_bound(hits, chance, Expected(chance, first, first, first, 1))[0]) if len(hits) else 0.0


def expect(segment: Segment, length: int, lines: Lines) -> Expected:
    """Where each line puts the recording's peaks in a query of `length` frames. A line stays on the asset at the query's middle."""
    firsts, lasts = segment.bounds_at(np.rint(lines.origins + lines.stretches * length / 2).astype(np.int64))
    firsts = np.maximum(firsts, lines.origins.astype(np.int64))
    lasts = np.minimum(lasts, (lines.origins + lines.stretches * length).astype(np.int64) + 1)
    there, pitches, of_line = segment.peaks_of(firsts, lasts)
    frames = (there - lines.origins[of_line]) / lines.stretches[of_line]
    steps = np.floor((pitches - lines.transposed[of_line].astype(np.float32)) / STEP_SEMITONES).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([of_line[:1] >= 0, of_line[1:] != of_line[:-1]]))
    return Expected(frames, steps, starts, of_line[starts], len(lines))


def _bound(hits: npt.NDArray[np.bool_], chance: npt.NDArray[np.floating[Any]], expected: Expected) -> Floats:
    best = np.zeros(expected.lines)
    if len(hits):
        met = np.add.reduceat(hits, expected.starts, dtype=np.float64)
        usual = np.add.reduceat(np.log1p(np.multiply.outer(TILTED, chance)), expected.starts, axis=1, dtype=np.float64)
        best[expected.present] = np.maximum((TILTS[:, None] * met - usual).max(axis=0), 0.0)
    return np.asarray(best / np.log(10), dtype=np.float64)
