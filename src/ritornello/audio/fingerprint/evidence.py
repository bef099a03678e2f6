"""How much speaks for a line: how many of the recording's peaks are in the query where the line puts them, against how many chance would put there.

Chance knows which pitches the query holds and at which moments it is busy, and nothing else: a peak at pitch p and frame t is met with probability
1 − exp(−a(p)·b(t)), where a(p) is the share of frames in which the query has a peak near p, and b(t) how busy it is around t, relative to its mean. So neither a
drone nor a common beat is evidence. For hits h and probabilities q, the evidence is Chernoff's bound on the probability that chance does as well
(H. Chernoff, Annals of Mathematical Statistics 23, 1952): the largest over λ of λ·h − Σ ln(1 + q(e^λ − 1)).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint.line import Lines
from ritornello.audio.fingerprint.peaks import STEP_SEMITONES, Peaks
from ritornello.audio.fingerprint.segment import Segment

PITCH_STEPS = 256
PADDING = 8
TILTS = np.array([0.7, 1.2, 1.8, 2.5, 3.2])
SHIFTS_FRAMES = (-2, -1, 0, 1, 2)
LEAST_CHANCE, MOST_CHANCE = 0.003, 0.98

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Heard:
    """A query as evidence sees it: `near` (frames + padding, steps), whether a peak is within a frame and a step; `of_pitch` (steps,) and `of_frame` are a and b."""

    near: npt.NDArray[np.bool_]
    of_pitch: npt.NDArray[np.float32]
    of_frame: npt.NDArray[np.float32]
    length: int

    def at(self, frames: Floats, steps: Ints) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Whether a peak is there, and how likely chance would put one there."""
        rows = (np.rint(frames).astype(np.int64) + PADDING).clip(0, len(self.near) - 1)
        inside = (steps >= 0) & (steps < PITCH_STEPS)
        columns = steps.clip(0, PITCH_STEPS - 1)
        chance = (1 - np.exp(-self.of_pitch[columns] * self.of_frame[rows])).clip(LEAST_CHANCE, MOST_CHANCE)
        return self.near[rows, columns] & inside, chance


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
    return Heard(near, (near.sum(axis=0) / length).astype(np.float32), (busy / mean).astype(np.float32), peaks.length)


def judge(segment: Segment, heard: Heard, lines: Lines, shifts: tuple[int, ...] = SHIFTS_FRAMES) -> tuple[Floats, Lines]:
    """The evidence for each line in decades, at the best of a few shifts in time, and the lines so shifted. Shape (n,)."""
    frames, steps, of_line = _expect(segment, heard, lines)
    evidence, best = np.full(len(lines), -1.0), np.zeros(len(lines))
    for shift in shifts:
        hits, chance = heard.at(frames - shift, steps)
        decades = _bound(hits, chance, of_line, len(lines))
        better = decades > evidence
        evidence[better], best[better] = decades[better], shift
    return evidence, Lines(lines.origins + best * lines.stretches, lines.stretches, lines.transposed)


def refine(segment: Segment, heard: Heard, evidence: Floats, lines: Lines) -> tuple[Floats, Lines]:
    """Turn each line a little in speed and pitch while that brings more evidence."""
    for step in (1.0, 0.5):
        tried, results = [lines], [evidence]
        for transposed in (-0.3, 0.0, 0.3):
            for stretch in (-0.006, 0.0, 0.006):
                if transposed or stretch:
                    found, shifted = judge(
                        segment, heard, lines.turned(heard.length / 2, stretch * step, transposed * step), SHIFTS_FRAMES[1:-1]
                    )
                    tried.append(shifted)
                    results.append(found)
        best = np.argmax(np.stack(results), axis=0)
        column = np.arange(len(lines))
        evidence = np.stack(results)[best, column]
        lines = Lines(*(np.stack([getattr(one, name) for one in tried])[best, column] for name in ("origins", "stretches", "transposed")))
    return evidence, lines


def trace(segment: Segment, heard: Heard, line: Lines) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Along one line: the query frames at which the recording's peaks should be, whether each is there, and its chance."""
    frames, steps, _ = _expect(segment, heard, line)
    hits, chance = heard.at(frames, steps)
    return frames, hits, chance


def bound(hits: npt.NDArray[np.bool_], chance: Floats) -> float:
    """Chernoff's bound in decades for one set of peaks."""
    return float(_bound(hits, chance, np.zeros(len(hits), dtype=np.int64), 1)[0]) if len(hits) else 0.0


def _expect(segment: Segment, heard: Heard, lines: Lines) -> tuple[Floats, Ints, Ints]:
    """Where each line puts the recording's peaks in the query: frames, pitch steps and the number of the line, which stays on the asset at the window's middle."""
    frames, steps, of_line = [], [], []
    for number in range(len(lines)):
        origin, stretch = float(lines.origins[number]), float(lines.stretches[number])
        asset = segment.asset_at(round(origin + stretch * heard.length / 2))
        first = max(int(origin), asset.start_frame)
        last = min(int(origin + stretch * heard.length) + 1, asset.start_frame + asset.length_frames)
        there, pitches = segment.peaks_between(first, last)
        frames.append((there - origin) / stretch)
        steps.append(np.floor((pitches - np.float32(lines.transposed[number])) / STEP_SEMITONES).astype(np.int64))
        of_line.append(np.full(len(there), number))
    return (
        np.concatenate([np.zeros(0), *frames]),
        np.concatenate([np.zeros(0, np.int64), *steps]),
        np.concatenate([np.zeros(0, np.int64), *of_line]),
    )


def _bound(hits: npt.NDArray[np.bool_], chance: Floats, of_line: Ints, lines: int) -> Floats:
    if not len(hits):
        return np.zeros(lines)
    starts = np.flatnonzero(np.diff(of_line, prepend=-1))  # lines come one after another
    present = of_line[starts]
    met = np.add.reduceat(hits, starts, dtype=np.float64)
    expected = np.add.reduceat(np.log1p(np.multiply.outer(np.expm1(TILTS), chance)), starts, axis=1)
    best = np.zeros(lines)
    best[present] = np.maximum((TILTS[:, None] * met - expected).max(axis=0), 0.0)
    return np.asarray(best / np.log(10), dtype=np.float64)
