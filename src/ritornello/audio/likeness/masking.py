"""How much of each of two sounds is in the other, along a passage that they share: a stem lies wholly in its mix, the mix only partly in the stem."""

from dataclasses import dataclass

import numpy as np

from ritornello.audio.fingerprint import Passage, Peaks
from ritornello.audio.fingerprint.evidence import hear
from ritornello.audio.fingerprint.find import MS_PER_FRAME
from ritornello.audio.fingerprint.peaks import STEP_SEMITONES
from ritornello.audio.fingerprint.windows import WINDOW_FRAMES

STRONGEST_PER_SECOND = 18
SHIFTED_FRAMES = 8
BENDS_SEMITONES = (-0.3, 0.0, 0.3)
CENTS_PER_SEMITONE = 100


@dataclass(frozen=True, slots=True)
class Shared:
    """Parts per million of each sound's strongest peaks that the other has at the same place, beyond what chance would put there."""

    of_file_ppm: int
    of_asset_ppm: int


def measure_shared(file: Peaks, asset: Peaks, passage: Passage) -> Shared:
    """Both shares along one passage. Peaks are those of a look-up, more than `STRONGEST_PER_SECOND`.

    A passage is a straight line only roughly: each ten seconds are fitted anew.
    """
    first, last = passage.start_ms / MS_PER_FRAME, passage.end_ms / MS_PER_FRAME
    there, ends = passage.asset_start_ms / MS_PER_FRAME, passage.asset_end_ms / MS_PER_FRAME
    stretch = max((ends - there) / max(last - first, 1e-9), 1e-3)
    higher = passage.pitch_cents / CENTS_PER_SEMITONE
    of_asset = _share(file, asset.strongest(STRONGEST_PER_SECOND), _Line(first, last, there, stretch, higher))
    of_file = _share(asset, file.strongest(STRONGEST_PER_SECOND), _Line(there, ends, first, 1 / stretch, -higher))
    return Shared(of_file, of_asset)


@dataclass(frozen=True, slots=True)
class _Line:
    """Frames `first` to `last` of a sound are the other's from `there` on, whose time runs `stretch` times as fast and lies `higher` semitones lower."""

    first: float
    last: float
    there: float
    stretch: float
    higher: float


def _share(within: Peaks, strongest: Peaks, line: _Line) -> int:
    """How many of the other's strongest peaks a sound (`within`) has along a line, in ppm. Windows bound the memory."""
    hits = chance = 0.0
    met, start = 0, int(line.first)
    while start < line.last:
        end = min(start + WINDOW_FRAMES, int(line.last) + 1)
        heard = hear(within.between(start, end))
        low, high = (line.there + (edge - line.first) * line.stretch for edge in (start, end))
        one, other = np.searchsorted(strongest.frames, [low, high])
        frames = np.asarray((strongest.frames[one:other] - line.there) / line.stretch + line.first - start, dtype=np.float64)
        best = (0.0, 0.0)
        for bend in BENDS_SEMITONES:
            steps = np.floor((strongest.pitches[one:other] + np.float32(line.higher + bend)) / STEP_SEMITONES).astype(np.int64)
            for shift in range(-SHIFTED_FRAMES, SHIFTED_FRAMES + 1):
                found, likely = heard.at(frames + shift, steps)
                best = max(best, (float(found.sum()), float(likely.sum())))
        hits, chance, met = hits + best[0], chance + best[1], met + int(other - one)
        start = end
    return max(0, round(1_000_000 * (hits - chance) / (met - chance))) if met > chance else 0
