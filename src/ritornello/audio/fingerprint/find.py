"""Which passages of a file are passages of which recordings."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint.candidates import Names, name_bent, name_straight, propose_bent, propose_straight
from ritornello.audio.fingerprint.chance import evidence_needed, false_match_probability, in_parts_per_billion
from ritornello.audio.fingerprint.evidence import bound, judge, refine, trace
from ritornello.audio.fingerprint.index import FingerprintIndex
from ritornello.audio.fingerprint.line import Lines, join_lines
from ritornello.audio.fingerprint.passage import Passage
from ritornello.audio.fingerprint.peaks import HOP, RATE_HZ, Peaks, measure_blocks
from ritornello.audio.fingerprint.pitch import measure_transposed
from ritornello.audio.fingerprint.segment import IndexedAsset, Segment
from ritornello.audio.fingerprint.windows import Window, cut

QUERY_PEAKS_PER_SECOND = 100
FALSE_MATCH_PROBABILITY = 0.001
SEED_DECADES = 3.0  # what a line needs in one window to be followed
SURE_DECADES_PER_FRAME = 0.05  # of a window: what makes looking for other speeds and pitches unnecessary
FOLLOWED = 8
LOST_DECADES = 0.7
SURVIVE = 0.3  # of a recording's peaks, where it is there but something covers it; others are met by chance
MS_PER_FRAME = 1000 * HOP // RATE_HZ
OVERLAP = 0.5

Floats = npt.NDArray[np.float64]


def find(
    index: FingerprintIndex,
    samples: npt.NDArray[np.float32],
    *,
    bends: bool = True,
    false_match_probability: float = FALSE_MATCH_PROBABILITY,
) -> tuple[Passage, ...]:
    """The passages of mono `samples` (n,) at `RATE_HZ` that are in the index, the strongest first. See `find_in_peaks`."""
    return find_in_blocks(index, [samples], bends=bends, false_match_probability=false_match_probability)


def find_in_blocks(
    index: FingerprintIndex,
    blocks: Iterable[npt.NDArray[np.float32]],
    *,
    bends: bool = True,
    false_match_probability: float = FALSE_MATCH_PROBABILITY,
) -> tuple[Passage, ...]:
    """As `find`, for a sound that comes in blocks: hours of it take no more memory than their peaks."""
    return find_in_peaks(index, measure_blocks(blocks, QUERY_PEAKS_PER_SECOND), bends=bends, probability=false_match_probability)


def find_in_peaks(
    index: FingerprintIndex,
    peaks: Peaks,
    *,
    bends: bool = True,
    probability: float = FALSE_MATCH_PROBABILITY,
    hours: float | None = None,
    ignored: frozenset[str] = frozenset(),
) -> tuple[Passage, ...]:
    """Passages whose evidence chance reaches with no more than `probability` anywhere in the file. `bends`: also at other speeds, tempos and pitches.
    `hours`: how much sound chance had to choose from, where the index is only a part of that.
    `ignored`: assets that are not looked for, such as the one asked about: what is found surely would end the search for others.

    Of one asset, passages don't overlap; different assets may be heard at once.
    """
    windows = cut(peaks)
    hours = index.hours if hours is None else hours
    needed = evidence_needed(probability, len(windows), hours)
    segments = [segment for segment in index.segments if segment.assets]
    seeds = _seed_all(segments, windows, bends, index.removed | ignored)
    found = [passage for number, segment in enumerate(segments) for passage in _find_in_segment(segment, windows, seeds[number], needed)]
    found.sort(key=lambda one: (-one.evidence, one.asset.sha256, one.start))
    kept: list[_Found] = []
    for one in found:
        if not any(one.asset == other.asset and _overlap(one, other) > OVERLAP for other in kept):
            kept.append(one)
    return tuple(_report(one, peaks, len(windows), hours) for one in kept)


@dataclass(frozen=True, slots=True)
class _Found:
    """In frames: the file's from `start` to `end` are the asset's from `asset_start` to `asset_end`."""

    segment: Segment
    asset: IndexedAsset
    start: float
    end: float
    asset_start: float
    asset_end: float
    transposed: float
    evidence: float


_Seed = tuple[float, Window, Lines]


def _find_in_segment(segment: Segment, windows: list[Window], seeds: list[_Seed], needed: float) -> Iterator[_Found]:
    seeds.sort(key=lambda seed: (-seed[0], seed[1].number, float(seed[2].origins[0])))
    done: dict[int, list[float]] = {}
    for _, window, line in seeds:
        place = float(line.origins[0] + line.stretches[0] * (window.last - window.first) / 2)
        asset = segment.asset_at(round(place))
        if any(abs(place - other) < 8 for other in done.get(window.number, [])):
            continue
        found = _follow(segment, asset, windows, window, line, done)
        if found and found.evidence >= needed:
            yield found


def _seed_all(segments: list[Segment], windows: list[Window], bends: bool, hidden: frozenset[str]) -> list[list[_Seed]]:
    """For each segment, the lines worth following from each window. A window's pairs are named once for all segments."""
    found: list[list[_Seed]] = [[] for _ in segments]
    for window in windows:
        straight, bent = name_straight(window.peaks), cache(partial(name_bent, window.peaks))
        for number, segment in enumerate(segments):
            seeds = _seed(segment, window, straight, bent if bends else None, hidden)
            found[number] += [(evidence, window, line) for evidence, line in seeds]
    return found


def _seed(
    segment: Segment, window: Window, straight: Names, name_bent: Callable[[], list[Names]] | None, hidden: frozenset[str]
) -> list[tuple[float, Lines]]:
    """Lines worth following from this window, each with its evidence."""
    evidence, lines = judge(segment, window.heard, _leave_out(segment, window, propose_straight(segment, straight), hidden))
    if name_bent and not (len(evidence) and evidence.max() >= SURE_DECADES_PER_FRAME * (window.last - window.first)):
        bent_evidence, bent = judge(segment, window.heard, _leave_out(segment, window, propose_bent(segment, name_bent()), hidden))
        evidence, lines = np.concatenate([evidence, bent_evidence]), join_lines([lines, bent])
    best = np.argsort(-evidence, kind="stable")[:FOLLOWED]
    evidence, lines = refine(segment, window.heard, evidence[best], lines[best])
    return [(float(evidence[place]), lines[np.array([place])]) for place in np.flatnonzero(evidence >= SEED_DECADES)]


def _leave_out(segment: Segment, window: Window, lines: Lines, hidden: frozenset[str]) -> Lines:
    """The lines that don't lie on a hidden asset."""
    if not hidden:
        return lines
    middles = np.rint(lines.origins + lines.stretches * (window.last - window.first) / 2).astype(np.int64)
    return lines[np.array([segment.asset_at(int(middle)).sha256 not in hidden for middle in middles], dtype=bool)]


def _follow(
    segment: Segment, asset: IndexedAsset, windows: list[Window], seed: Window, line: Lines, done: dict[int, list[float]]
) -> _Found | None:
    """Follow a line from its window to both sides until it is lost, then keep the stretch of it for which most speaks. None where it leaves the asset at once."""
    pieces = [*reversed(list(_walk(segment, asset, windows, seed, line, -1, done))), *_walk(segment, asset, windows, seed, line, 1, done)]
    frames, places, hits, chance = (np.concatenate([piece[i] for piece in pieces]) for i in range(4))
    if not len(frames):
        return None
    gain = np.where(hits, np.log1p(SURVIVE * (1 / chance - 1)), np.log1p(-SURVIVE))  # log likelihood of 'it is there' over 'it is chance'
    first, last = _most(gain)
    evidence = bound(hits[first:last], chance[first:last])
    start, end = float(frames[first]), float(frames[last - 1])
    return _Found(segment, asset, start, end, float(places[first]), float(places[last - 1]), float(line.transposed[0]), evidence)


def _walk(
    segment: Segment, asset: IndexedAsset, windows: list[Window], seed: Window, line: Lines, direction: int, done: dict[int, list[float]]
) -> Iterator[tuple[Floats, Floats, npt.NDArray[np.bool_], Floats]]:
    """Window by window (the seed itself only when walking forwards): frames of the file, frames of the asset, hits and chance of each expected peak."""
    here, lost, number = line, 0, seed.number if direction > 0 else seed.number - 1
    came_from = seed
    while 0 <= number < len(windows) and lost < 2:
        window = windows[number]
        moved = Lines(here.origins + here.stretches * (window.first - came_from.first), here.stretches, here.transposed)
        evidence, shifted = refine(segment, window.heard, *judge(segment, window.heard, moved))
        lost = lost + 1 if evidence[0] < LOST_DECADES else 0
        here, came_from = (shifted if not lost else moved), window
        place = float(here.origins[0] + here.stretches[0] * (window.last - window.first) / 2)
        done.setdefault(number, []).append(place)
        if segment.asset_at(round(place)) is not asset and number != seed.number:
            return
        frames, hits, chance = trace(segment, window.heard, here)
        yield frames + window.first, here.origins[0] + here.stretches[0] * frames - asset.start_frame, hits, chance
        number += direction


def _most(gain: Floats) -> tuple[int, int]:
    """The run with the largest sum (J. Bentley, "Programming Pearls", column 8): first place and the one behind the last."""
    total = np.concatenate([[0.0], np.cumsum(gain)])
    lowest = np.minimum.accumulate(total)
    last = int(np.argmax(total[1:] - lowest[:-1])) + 1 if len(gain) else 0
    first = int(np.argmin(total[:last])) if last else 0
    return first, max(last, first + 1)


def _overlap(one: _Found, other: _Found) -> float:
    """Which part of the shorter passage both share."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return max(0.0, shared) / max(min(one.end - one.start, other.end - other.start), 1e-9)


def _measure_transposed(found: _Found, peaks: Peaks) -> float:
    """How many semitones the asset lies higher along the passage."""
    start = found.asset.start_frame + found.asset_start
    first, last = (np.array([round(frame)]) for frame in (start, found.asset.start_frame + found.asset_end + 1))
    there, pitches, _ = found.segment.peaks_of(first, last)
    slope = max(found.asset_end - found.asset_start, 1e-9) / max(found.end - found.start, 1e-9)
    return measure_transposed(peaks, found.start + (there - start) / slope, pitches, found.transposed)


def _report(found: _Found, peaks: Peaks, windows: int, hours: float) -> Passage:
    span = max(found.end - found.start, 1e-9)
    return Passage(
        asset_sha256=found.asset.sha256,
        start_ms=max(0, round(found.start * MS_PER_FRAME)),
        end_ms=max(0, round(found.end * MS_PER_FRAME)),
        asset_start_ms=max(0, round(found.asset_start * MS_PER_FRAME)),
        asset_end_ms=max(0, round(found.asset_end * MS_PER_FRAME)),
        speed_ppm=round((found.asset_end - found.asset_start) / span * 1_000_000),
        pitch_cents=round(-_measure_transposed(found, peaks) * 100),
        evidence_millidecades=round(found.evidence * 1000),
        false_match_ppb=in_parts_per_billion(false_match_probability(found.evidence, windows, hours)),
    )
