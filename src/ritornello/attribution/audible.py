"""What of a catalogue is heard in an output, note by note, at its own speed or another: short passages found by their spectra.

The coarse table says where in the catalogue parts of the output may lie; each such place is compared frame by frame and followed as long as it goes on
(`trace`). What stays unexplained is tried at other speeds, as a sound that was sped up sounds higher. An output of any length is heard in blocks of bounded size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ritornello.attribution.catalogue import Catalogue
from ritornello.attribution.settings import SimilaritySettings
from ritornello.attribution.spectra import Spectra, measure_spectra
from ritornello.attribution.trace import Stretch, find_stretches, measure_along

SEMITONES = (-3, -2, -1, 1, 2, 3)
BLOCK_MS = 60_000
COMPARED_LIMIT = 50_000  # agreements of the table; where there are more, one that stands alone is not looked at
VOTE_FRAMES = 3  # shifts that differ by less are one
CANDIDATES_LIMIT = 256
SETTINGS = SimilaritySettings(patch_frames=12)
STANDS_OUT = 1.35  # how many times as unlike a passage must be a little beside its place: steady noise is as like everywhere
BESIDE_FRAMES = (-12, -6, 6, 12)
UNEXPLAINED_MS = 400  # less is not looked for at other speeds

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sounding:
    """From `start_ms` to `end_ms` the output sounds like the recording from `source_start_ms` on, `speed_ppm` times as fast; `score_ppm` is the mean cosine."""

    recording_id: str
    start_ms: int
    end_ms: int
    source_start_ms: int
    source_end_ms: int
    speed_ppm: int
    score_ppm: int


@dataclass(frozen=True, slots=True)
class _Line:
    """Row i of the output's spectra at `speed` is row `i + shift` of `asset`, counted from the asset's first."""

    asset: int
    shift: int
    speed: float


def hear(catalogue: Catalogue, samples: Floats, *, bends: bool = True) -> tuple[Sounding, ...]:
    """The passages of mono `samples` (n,) at the catalogue's rate that are in it, in order of time, never overlapping. `bends`: also at other speeds."""
    return hear_in_blocks(catalogue, [samples], bends=bends)


def hear_in_blocks(catalogue: Catalogue, blocks: Iterable[Floats], *, bends: bool = True) -> tuple[Sounding, ...]:
    """As `hear`, for a sound that comes in blocks of any size: hours of it take no more memory than a minute."""
    found: list[Sounding] = []
    for start_ms, samples in _regroup(blocks, catalogue.settings):
        for one in _hear_block(catalogue, samples, start_ms, bends):
            if found and _goes_on(found[-1], one):
                one = _join(found.pop(), one)
            found.append(one)
    return tuple(found)


def _regroup(blocks: Iterable[Floats], settings: SimilaritySettings) -> Iterator[tuple[int, Floats]]:
    size, held, start_ms = settings.rate_hz * BLOCK_MS // 1000, np.zeros(0, np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= size + settings.rate_hz:  # no last block shorter than a second
            yield start_ms, held[:size]
            held, start_ms = held[size:], start_ms + BLOCK_MS
    if len(held):
        yield start_ms, held


def _hear_block(catalogue: Catalogue, samples: Floats, start_ms: int, bends: bool) -> list[Sounding]:
    settings = catalogue.settings
    heard = measure_spectra(samples, settings)
    rows = {1.0: catalogue.standardise(heard)}
    lines, cosines = _follow(catalogue, rows[1.0], heard.audible, 1.0, np.ones(len(heard.bands), dtype=bool), len(heard.bands))
    stretches = _choose(catalogue, rows, lines, cosines)
    if bends:
        open_frames = _find_unexplained(heard, stretches, settings)
        if open_frames.any():
            for semitones in SEMITONES:
                speed = 2.0 ** (semitones / 12)
                bent = measure_spectra(samples, settings, speed)
                rows[speed] = catalogue.standardise(bent)
                more_lines, more_cosines = _follow(catalogue, rows[speed], bent.audible, speed, open_frames, len(heard.bands))
                lines += more_lines
                cosines += [row * heard.audible for row in more_cosines]
            stretches = _choose(catalogue, rows, lines, cosines)
    length_ms = len(samples) * 1000 // settings.rate_hz
    found = [_report(catalogue, lines[one.candidate], one, len(heard.bands), start_ms, length_ms) for one in stretches]
    return [one for one in found if one.end_ms - one.start_ms >= settings.shortest_ms]


def _choose(catalogue: Catalogue, rows: dict[float, Floats], lines: list[_Line], cosines: list[Floats]) -> list[Stretch]:
    """What is heard when: the best sequence of lines, less what isn't alike enough or not more than beside it. `rows` by speed."""
    settings = catalogue.settings
    if not cosines:
        return []
    stretches = find_stretches(np.array(cosines, dtype=np.float32), settings.threshold, settings.change_cost)
    return [one for one in stretches if one.score >= settings.accept and _stands_out(catalogue, rows, lines[one.candidate], one)]


def _stands_out(catalogue: Catalogue, rows: dict[float, Floats], line: _Line, stretch: Stretch) -> bool:
    """Whether a stretch is more like its own place in the recording than like what sounds a little before or after."""
    start, end = (int(catalogue.starts[line.asset + one]) for one in (0, 1))
    first, last = round(stretch.first * line.speed), round(stretch.last * line.speed)
    beside = 0.0
    for shift in BESIDE_FRAMES:
        one, other = max(first, -line.shift - shift), min(last, end - start - line.shift - shift, len(rows[line.speed]))
        if (other - one) * 2 >= last - first:
            there = catalogue.read(start + one + line.shift + shift, start + other + line.shift + shift)
            cosine = measure_along(rows[line.speed][one:other], there, 0, catalogue.settings.smoothing)
            beside = max(beside, float(cosine.mean()))
    return 1 - beside >= STANDS_OUT * (1 - stretch.score)


def _find_unexplained(heard: Spectra, stretches: list[Stretch], settings: SimilaritySettings) -> npt.NDArray[np.bool_]:
    """Which frames are audible and in no stretch, where enough of them are together."""
    open_frames = heard.audible.copy()
    for one in stretches:
        open_frames[one.first : one.last] = False
    least = UNEXPLAINED_MS * settings.rate_hz // (1000 * settings.hop)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], open_frames.astype(np.int8), [0]])))
    for first, last in edges.reshape(-1, 2).tolist():
        if last - first < least:
            open_frames[first:last] = False
    return open_frames


def _follow(
    catalogue: Catalogue, rows: Floats, audible: npt.NDArray[np.bool_], speed: float, wanted: npt.NDArray[np.bool_], frames: int
) -> tuple[list[_Line], list[Floats]]:
    """Lines that may be heard in the wanted frames, best first, and the cosine along each, on the `frames` frames of the output at its own speed."""
    settings = catalogue.settings
    lines = _propose(catalogue, rows, audible, speed, wanted)
    followed = []
    for line in lines:
        start = int(catalogue.starts[line.asset])
        first, last = max(0, -line.shift), min(len(rows), int(catalogue.starts[line.asset + 1]) - start - line.shift)
        there = catalogue.read(start + first + line.shift, start + last + line.shift)
        cosine = np.zeros(len(rows), dtype=np.float32)
        cosine[first:last] = measure_along(rows[first:last], there, 0, settings.smoothing)
        cosine *= audible
        followed.append(cosine if speed == 1.0 else np.interp(np.arange(frames) * speed, np.arange(len(rows)), cosine).astype(np.float32))
    return lines, followed


def _propose(
    catalogue: Catalogue, rows: Floats, audible: npt.NDArray[np.bool_], speed: float, wanted: npt.NDArray[np.bool_]
) -> list[_Line]:
    """Lines on which the coarse table agrees, and the spectra at least once."""
    settings = catalogue.settings
    starts = np.arange(max(0, len(rows) - settings.patch_frames + 1))
    middles = np.rint((starts + settings.patch_frames / 2) / speed).astype(np.int64).clip(0, len(wanted) - 1)
    patches = catalogue.describe(rows, audible) * wanted[middles, None] if len(starts) else np.zeros((0, 1), np.float32)
    if not patches.any():
        return []
    numbers, places = catalogue.table.look_up(patches)
    assets = catalogue.asset_at(places)
    shifts = places - catalogue.starts[assets] - numbers
    order = np.lexsort((numbers, shifts, assets))
    numbers, places, assets, shifts = numbers[order], places[order], assets[order], shifts[order]
    beside = (np.diff(assets, prepend=-1) == 0) & (np.diff(shifts, prepend=0) < VOTE_FRAMES)
    groups = np.cumsum(~beside) - 1
    votes = np.bincount(groups)
    scores = np.zeros(len(numbers))
    worth = np.flatnonzero(votes[groups] >= (1 if len(numbers) <= COMPARED_LIMIT else 2))
    scores[worth] = _compare(catalogue, rows, numbers[worth], places[worth])
    best: dict[int, tuple[float, int]] = {}
    for entry in worth[scores[worth] >= settings.candidate].tolist():
        group = int(groups[entry])
        if scores[entry] > best.get(group, (0.0, 0))[0]:
            best[group] = (float(scores[entry]), entry)
    ranked = sorted(best.values(), key=lambda one: (-one[0], one[1]))[:CANDIDATES_LIMIT]
    return [_Line(int(assets[entry]), int(shifts[entry]), speed) for _, entry in ranked]


def _compare(catalogue: Catalogue, rows: Floats, numbers: Ints, places: Ints) -> npt.NDArray[np.float64]:
    """The cosine of the output's patch with each number and the catalogue's at each place."""
    within = np.arange(catalogue.settings.patch_frames)
    result = np.zeros(len(numbers))
    for first in range(0, len(numbers), 4096):
        some = slice(first, first + 4096)
        ours = rows[numbers[some, None] + within]
        at = places[some, None] + within
        theirs = (catalogue.bands[at].astype(np.float32) - catalogue.mean) / catalogue.deviation * catalogue.audible[at][..., None]
        lengths = np.einsum("ijk,ijk->i", ours, ours) * np.einsum("ijk,ijk->i", theirs, theirs)
        result[some] = np.einsum("ijk,ijk->i", ours, theirs) / np.sqrt(np.maximum(lengths, 1e-9))
    return result


def _report(catalogue: Catalogue, line: _Line, stretch: Stretch, frames: int, block_ms: int, length_ms: int) -> Sounding:
    """A stretch in milliseconds: a frame stands for the time from half a hop before its centre to half a hop behind."""
    hop_ms = catalogue.settings.hop * 1000 / catalogue.settings.rate_hz
    start_ms = 0 if stretch.first == 0 else min(length_ms, round((stretch.first - 0.5) * hop_ms))
    end_ms = length_ms if stretch.last == frames else min(length_ms, round((stretch.last - 0.5) * hop_ms))
    source_start_ms, source_end_ms = (max(0, round(at * line.speed + line.shift * hop_ms)) for at in (start_ms, end_ms))
    return Sounding(
        catalogue.recording_ids[line.asset],
        block_ms + start_ms,
        block_ms + end_ms,
        source_start_ms,
        source_end_ms,
        round(1_000_000 * line.speed),
        round(stretch.score * 1_000_000),
    )


def _goes_on(one: Sounding, other: Sounding) -> bool:
    """Whether a passage at a block's end is the same as that at the next one's beginning."""
    return (
        one.recording_id == other.recording_id
        and one.end_ms == other.start_ms
        and other.start_ms % BLOCK_MS == 0
        and one.speed_ppm == other.speed_ppm
        and abs(one.source_end_ms - other.source_start_ms) <= 50
    )


def _join(one: Sounding, other: Sounding) -> Sounding:
    lengths = one.end_ms - one.start_ms, other.end_ms - other.start_ms
    score = (one.score_ppm * lengths[0] + other.score_ppm * lengths[1]) // sum(lengths)
    return Sounding(one.recording_id, one.start_ms, other.end_ms, one.source_start_ms, other.source_end_ms, one.speed_ppm, score)
