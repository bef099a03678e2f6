"""What several witnesses say of one output, put together: which passages are heard, and which of their time counts towards shares.

Spectra find passages of half a second and say exactly where they begin and end. Fingerprints find sound that is covered, stretched or moved in pitch, from
about three seconds on, with a stated probability that it is chance. Where spectra explain the output, fingerprints add no claim: they fill what is left. A
passage that spectra hear too, at the same speed, adds nothing: spectra know better what belongs to it, while fingerprints bridge what lies between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ritornello.attribution.similarity import Match

SPECTRA, FINGERPRINT = "spectra", "fingerprint"
LEAST_COUNTED_MS = 500  # of a fingerprint's passage that spectra leave; less is only its blurred edge
SAME_SPEED_PPM = 15_000  # between what two witnesses say

Stretch = tuple[int, int]  # milliseconds of the output, from and to


@dataclass(frozen=True, slots=True)
class Passage:
    """From `start_ms` to `end_ms` the output is the recording from `source_start_ms` to `source_end_ms`, `speed_ppm` times as fast and `pitch_cents` higher.

    `score_ppm` is the mean cosine of spectra, `false_match_ppb` the stated probability of chance in parts per billion: each where the witness has one.
    `counted` are the stretches of the output that count towards shares; none where another witness explains that time.
    """

    witness: str
    recording_id: str
    start_ms: int
    end_ms: int
    source_start_ms: int
    source_end_ms: int
    speed_ppm: int
    pitch_cents: int
    score_ppm: int | None
    false_match_ppb: int | None
    counted: tuple[Stretch, ...] = ()


def join(by_spectra: Iterable[Passage], by_fingerprint: Iterable[Passage]) -> tuple[Passage, ...]:
    """Return all passages in order of time, with what counts of each."""
    sure = [replace(one, counted=((one.start_ms, one.end_ms),)) for one in by_spectra]
    explained = unite((one.start_ms, one.end_ms) for one in sure)
    filling = []
    for one in by_fingerprint:
        left = [piece for piece in _subtract((one.start_ms, one.end_ms), explained) if piece[1] - piece[0] >= LEAST_COUNTED_MS]
        heard_by_both = any(_is_same(one, other) for other in sure)
        filling.append(replace(one, counted=() if heard_by_both else tuple(left)))
    return tuple(sorted((*sure, *filling), key=lambda one: (one.start_ms, one.end_ms, one.recording_id, one.source_start_ms, one.witness)))


def _is_same(one: Passage, other: Passage) -> bool:
    """Whether both are of one recording at one speed, at times that overlap."""
    at_once = one.start_ms < other.end_ms and other.start_ms < one.end_ms
    return at_once and one.recording_id == other.recording_id and abs(one.speed_ppm - other.speed_ppm) <= SAME_SPEED_PPM


def list_matches(passages: Iterable[Passage]) -> tuple[Match, ...]:
    """What counts, as `shares.to_weights` reads it."""
    return tuple(
        Match(one.recording_id, start, end, one.source_start_ms + (start - one.start_ms), one.score_ppm or 0)
        for one in passages
        for start, end in one.counted
    )


def measure_coverage(passages: Iterable[Passage], output_ms: int) -> int:
    """The part of an output's time that counts for some recording, in ppm: c."""
    counted = unite(stretch for one in passages for stretch in one.counted)
    return sum(min(end, output_ms) - start for start, end in counted if start < output_ms) * 1_000_000 // max(output_ms, 1)


def unite(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The stretches without overlaps, in order."""
    united: list[Stretch] = []
    for start, end in sorted(stretches):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united


def _subtract(stretch: Stretch, others: Sequence[Stretch]) -> list[Stretch]:
    """What is left of a stretch outside the others, which are in order and don't overlap."""
    left, start = [], stretch[0]
    for first, last in others:
        if last <= start or first >= stretch[1]:
            continue
        if first > start:
            left.append((start, first))
        start = last
    return [*left, (start, stretch[1])] if start < stretch[1] else left
