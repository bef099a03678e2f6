"""One part of an index: landmarks and peaks of some assets in files that are mapped into memory, never changed once written.

Assets lie end to end on one axis of frames, with a gap between them. Formats: docs/formats/fingerprint-index.md.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ritornello.audio.fingerprint.landmarks import KEYS, make_landmarks
from ritornello.audio.fingerprint.peaks import STEP_SEMITONES, Peaks

GAP_FRAMES = 64
FRAMES_LIMIT = (1 << 32) - 1
BLOCK_FRAMES = 256
PEAKS_PER_SECOND = 15  # that judge a match
LANDMARKS_PER_SECOND = 8  # that propose one
Ints = npt.NDArray[np.int64]
ARRAYS = ("key_starts", "landmark_frames", "block_starts", "peak_frames", "peak_pitches")


@dataclass(frozen=True, slots=True)
class IndexedAsset:
    """An asset of an index: `start_frame` is where it lies on the segment's axis; `length_frames` of 20 ms each."""

    sha256: str
    start_frame: int
    length_frames: int


@dataclass(frozen=True, eq=False)
class Segment:
    """`key_starts` (KEYS + 1,) uint32: landmarks of key k are `landmark_frames[key_starts[k]:key_starts[k + 1]]`, in order of time. Peaks are in order of time:
    `peak_pitches` (n,) uint8 in steps, `peak_frames` (n,) uint8 within blocks of 256 frames, of which block b begins at peak `block_starts[b]`.
    """

    assets: tuple[IndexedAsset, ...]
    key_starts: npt.NDArray[np.uint32]
    landmark_frames: npt.NDArray[np.uint32]
    block_starts: npt.NDArray[np.uint32]
    peak_frames: npt.NDArray[np.uint8]
    peak_pitches: npt.NDArray[np.uint8]

    @cached_property
    def asset_starts(self) -> npt.NDArray[np.int64]:
        return np.array([asset.start_frame for asset in self.assets], dtype=np.int64)

    @cached_property
    def asset_ends(self) -> npt.NDArray[np.int64]:
        return np.array([asset.start_frame + asset.length_frames for asset in self.assets], dtype=np.int64)

    @property
    def length_frames(self) -> int:
        return self.assets[-1].start_frame + self.assets[-1].length_frames if self.assets else 0

    def find_landmarks(self, keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where the landmarks of each key begin in `landmark_frames`, and how many there are."""
        starts = self.key_starts[keys].astype(np.int64)
        return starts, self.key_starts[keys + 1].astype(np.int64) - starts

    def peaks_of(self, firsts: Ints, lasts: Ints) -> tuple[Ints, npt.NDArray[np.float32], Ints]:
        """The peaks from frame `firsts[i]` up to `lasts[i]`, one stretch after another: frames on the segment's axis, pitches in semitones, and the stretch of each."""
        firsts, lasts = np.maximum(firsts, 0), np.minimum(lasts, self.length_frames)
        ones = firsts // BLOCK_FRAMES
        counts = np.where(firsts < lasts, (lasts - 1) // BLOCK_FRAMES + 1 - ones, 0)
        stretches = np.repeat(np.arange(len(firsts)), counts)
        blocks = count_up(ones, counts)
        starts = self.block_starts[blocks].astype(np.int64)
        sizes = self.block_starts[blocks + 1].astype(np.int64) - starts
        places, of_block = count_up(starts, sizes), np.repeat(np.arange(len(blocks)), sizes)
        frames, stretches = blocks[of_block] * BLOCK_FRAMES + self.peak_frames[places], stretches[of_block]
        inside = (frames >= firsts[stretches]) & (frames < lasts[stretches])
        pitches = (self.peak_pitches[places[inside]].astype(np.float32) + np.float32(0.5)) * np.float32(STEP_SEMITONES)
        return frames[inside], pitches, stretches[inside]

    def bounds_at(self, frames: Ints) -> tuple[Ints, Ints]:
        """The first frame of the asset on which each frame of the axis lies, and the one behind its last."""
        places = np.maximum(np.searchsorted(self.asset_starts, frames, side="right") - 1, 0)
        return self.asset_starts[places], self.asset_ends[places]

    def asset_at(self, frame: int) -> IndexedAsset:
        """The asset on which a frame of the axis lies."""
        return self.assets[max(int(np.searchsorted(self.asset_starts, frame, side="right")) - 1, 0)]

    def save(self, folder: Path) -> None:
        """Write the segment into a folder that exists; the same segment gives the same bytes."""
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        rows = [json.dumps([asset.sha256, asset.start_frame, asset.length_frames], separators=(",", ":")) for asset in self.assets]
        (folder / "assets.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="ascii")

    @classmethod
    def load(cls, folder: Path) -> "Segment":
        """Map the segment in `folder` into memory. Raises ValueError or OSError when it isn't one."""
        assets = tuple(IndexedAsset(*json.loads(row)) for row in (folder / "assets.jsonl").read_text(encoding="ascii").splitlines())
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray) for name in ARRAYS}
        if len(arrays["key_starts"]) != KEYS + 1 or len(arrays["landmark_frames"]) != arrays["key_starts"][-1]:
            raise ValueError("not a segment of this version")
        return cls(assets, **arrays)


def count_up(starts: Ints, counts: Ints) -> Ints:
    """`counts[i]` numbers from `starts[i]` on, one run after another."""
    return np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())


@dataclass(frozen=True, slots=True)
class _Part:
    """One asset of a segment in the making; frames count from its own start."""

    sha256: str
    length_frames: int
    keys: npt.NDArray[np.int64]
    landmark_frames: npt.NDArray[np.int64]
    peak_frames: npt.NDArray[np.int64]
    peak_pitches: npt.NDArray[np.uint8]


def make_segment(assets: Sequence[tuple[str, Peaks]]) -> Segment:
    """A segment of assets, each with its peaks (at least `PEAKS_PER_SECOND`). Raises ValueError beyond 2^32 frames (23,000 hours)."""
    parts = []
    for sha256, measured in assets:
        peaks = measured.strongest(PEAKS_PER_SECOND)
        landmarks = make_landmarks(peaks.strongest(LANDMARKS_PER_SECOND))
        pitches = np.floor(peaks.pitches / STEP_SEMITONES).clip(0, 255).astype(np.uint8)
        parts.append(_Part(sha256, peaks.length, landmarks.keys, landmarks.frames, peaks.frames, pitches))
    return _lay_out(parts)


def merge(segments: Sequence[Segment], removed: frozenset[str]) -> Segment:
    """One segment with the assets of several, in their order, without those removed."""
    return _lay_out([part for segment in segments for part in _take_apart(segment) if part.sha256 not in removed])


def _take_apart(segment: Segment) -> Iterator[_Part]:
    of_segment = np.repeat(np.arange(KEYS), segment.key_starts[1:].astype(np.int64) - segment.key_starts[:-1])
    order = np.argsort(segment.landmark_frames, kind="stable")
    keys, frames = of_segment[order], segment.landmark_frames[order].astype(np.int64)
    peak_frames = segment.peaks_of(np.zeros(1, np.int64), np.array([segment.length_frames]))[0]
    for asset in segment.assets:
        start = asset.start_frame
        landmarks, peaks = (slice(*np.searchsorted(one, [start, start + asset.length_frames])) for one in (frames, peak_frames))
        pitches = np.asarray(segment.peak_pitches[peaks])
        yield _Part(asset.sha256, asset.length_frames, keys[landmarks], frames[landmarks] - start, peak_frames[peaks] - start, pitches)


def _lay_out(parts: Sequence[_Part]) -> Segment:
    """Put assets end to end."""
    starts = np.cumsum([0, *(part.length_frames + GAP_FRAMES for part in parts)], dtype=np.int64)
    length = int(starts[-1])
    if length > FRAMES_LIMIT:
        raise ValueError("a segment holds at most 23,000 hours")
    keys = _join([part.keys for part in parts])
    frames = _join([part.landmark_frames + start for part, start in zip(parts, starts, strict=False)])
    peak_frames = _join([part.peak_frames + start for part, start in zip(parts, starts, strict=False)])
    order = np.lexsort((frames, keys))
    blocks = -(-length // BLOCK_FRAMES) + 1
    return Segment(
        assets=tuple(IndexedAsset(part.sha256, int(start), part.length_frames) for part, start in zip(parts, starts, strict=False)),
        key_starts=np.searchsorted(keys[order], np.arange(KEYS + 1)).astype(np.uint32),
        landmark_frames=frames[order].astype(np.uint32),
        block_starts=np.searchsorted(peak_frames, np.arange(blocks + 1) * BLOCK_FRAMES).astype(np.uint32),
        peak_frames=(peak_frames % BLOCK_FRAMES).astype(np.uint8),
        peak_pitches=np.concatenate([np.zeros(0, np.uint8), *(part.peak_pitches for part in parts)]),
    )


def _join(parts: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *parts])
