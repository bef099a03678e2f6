"""What passages in common say about a file and a recording: a verdict with its evidence, for a person to judge. Pure: no file is opened here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ritornello.audio.fingerprint import Passage
from ritornello.audio.likeness.alignment import Alignment
from ritornello.audio.likeness.masking import Shared
from ritornello.domain.clones import EXACT_COPY, EXCERPT, OTHER_MIX, SAME_SOUND, VARIANT

LOOP, STEM_OF, CONTAINS, SAMPLE, SAME_WORK = "loop", "stem_of", "contains", "sample", "same_work"
LEAST_MILLIDECADES = 20_000  # of evidence: strangers reached 15,249 among real recordings, a second of a copy brings some 14,000
WHOLE_PPM = 800_000  # of a sound's time, since silence and fades match nothing
SAME_PPM = 860_000  # of the strongest peaks, both ways: tuned on half of the stems (docs/identity.md)
MORE_PPM = 50_000  # by which one share exceeds the other where one sound has more in it
BENT_SPEED_PPM, BENT_CENTS = 5_000, 45
LOOPED, LOOPED_OVER = 3, 2  # passages at least, which together last so many times as long as what they repeat
SAME_TIMELINE_MS, SAME_LENGTH_MS, LEAST_OF_TIMELINE_PPM = (
    300,
    2_000,
    200_000,
)  # a stem lies where its mix has it, and may be silent for long
SAME_WORK_SCORE = 8.35  # the highest of 870 unrelated pairs of the tuning half of benchmarks/same_work.py

MEANING = {
    EXACT_COPY: "They are the same file, byte for byte.",
    SAME_SOUND: "They are the same sound: a copy, or the same in another encoding.",
    VARIANT: "It is the whole recording at another speed or pitch.",
    OTHER_MIX: "Most of the sound is the same at the same places: another mix or master, or a poor copy.",
    EXCERPT: "The file is a part of the recording.",
    LOOP: "The file repeats a part of the recording.",
    STEM_OF: "The file sounds inside the recording, which has more in it: a stem or a vocal of it, or the two share one.",
    CONTAINS: "The recording sounds inside the file, which has more in it: before, after or on top.",
    SAMPLE: "A part of the recording sounds in a part of the file.",
    SAME_WORK: "The same music is played in both, not the same sound: likely another recording of the work.",
}
NOT_SHOWN = "It does not show who made it first, nor who may use it."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file is to a recording. Times in milliseconds, coverage and shares in ppm of the file and of the recording; `score` only for the same work."""

    kind: str
    passages: tuple[Passage, ...] = ()
    file_covered_ppm: int = 0
    asset_covered_ppm: int = 0
    shared: Shared = Shared(0, 0)  # noqa: RUF009  # frozen
    alignment: Alignment | None = None

    @property
    def sentence(self) -> str:
        """What it shows and what not, in plain words."""
        return f"{MEANING[self.kind]} {self._measured()}{NOT_SHOWN}"

    def _measured(self) -> str:
        if self.alignment:
            return (
                f"Their chords and melody follow each other (score {self.alignment.score:.2f}, strangers stay below {SAME_WORK_SCORE:.2f} nearly always), "
                f"{self.alignment.transposed:+d} semitones apart. "
            )
        if not self.passages:
            return ""
        longest = max(self.passages, key=lambda one: one.end_ms - one.start_ms)
        bent = f" at {longest.speed_ppm / 10_000:.1f} % speed and {longest.pitch_cents / 100:+.1f} semitones" if is_bent(longest) else ""
        return (
            f"{len(self.passages)} passage(s), {self.file_covered_ppm / 10_000:.0f} % of the file and {self.asset_covered_ppm / 10_000:.0f} % of the recording{bent}; "
            f"there the recording has {self.shared.of_file_ppm / 10_000:.0f} % of what stands out in the file, "
            f"and the file {self.shared.of_asset_ppm / 10_000:.0f} % of what stands out in the recording. "
        )


def is_bent(passage: Passage) -> bool:
    """Whether it runs at another speed or pitch than the recording."""
    return abs(passage.speed_ppm - 1_000_000) > BENT_SPEED_PPM or abs(passage.pitch_cents) > BENT_CENTS


def judge(file_ms: int, asset_ms: int, passages: Sequence[Passage], shares: Sequence[Shared]) -> Verdict | None:
    """The verdict on passages of one asset, each with its shares. None where the evidence is too weak to bother anybody."""
    pairs = [(one, shared) for one, shared in zip(passages, shares, strict=True) if one.evidence_millidecades >= LEAST_MILLIDECADES]
    if not pairs:
        return None
    strong = [one for one, _ in pairs]
    file_heard, asset_heard = (
        _union([(one.start_ms, one.end_ms) for one in strong]),
        _union([(one.asset_start_ms, one.asset_end_ms) for one in strong]),
    )
    file_ppm, asset_ppm = _part(file_heard, file_ms), _part(asset_heard, asset_ms)
    shared = _average(pairs)
    measured = Verdict(SAMPLE, tuple(strong), file_ppm, asset_ppm, shared)
    if len(strong) >= LOOPED and file_heard >= LOOPED_OVER * asset_heard:
        return replace(measured, kind=LOOP)
    return replace(measured, kind=_name(measured, _same_timeline(file_ms, asset_ms, strong)))


def judge_work(alignment: Alignment) -> Verdict | None:
    """The verdict on two recordings without passages in common."""
    return Verdict(SAME_WORK, alignment=alignment) if alignment.score > SAME_WORK_SCORE else None


def _same_timeline(file_ms: int, asset_ms: int, passages: Sequence[Passage]) -> bool:
    """Whether both are as long as each other and everything in common lies at the same moment of both."""
    return abs(file_ms - asset_ms) <= SAME_LENGTH_MS and all(abs(one.start_ms - one.asset_start_ms) <= SAME_TIMELINE_MS for one in passages)


def _name(found: Verdict, same_timeline: bool) -> str:
    whole_file, whole_asset = found.file_covered_ppm >= WHOLE_PPM, found.asset_covered_ppm >= WHOLE_PPM
    same = min(found.shared.of_file_ppm, found.shared.of_asset_ppm) >= SAME_PPM
    more_in_asset = found.shared.of_file_ppm - found.shared.of_asset_ppm
    if whole_file and whole_asset and same:
        return VARIANT if any(map(is_bent, found.passages)) else SAME_SOUND
    if (whole_file and whole_asset) or (same_timeline and found.file_covered_ppm >= LEAST_OF_TIMELINE_PPM):
        if abs(more_in_asset) <= MORE_PPM:
            return OTHER_MIX
        return STEM_OF if more_in_asset > 0 else CONTAINS
    if whole_file:
        return EXCERPT if same else STEM_OF if more_in_asset > MORE_PPM else SAMPLE
    return CONTAINS if whole_asset else SAMPLE


def _union(stretches: Sequence[tuple[int, int]]) -> int:
    total, reached = 0, -1
    for start, end in sorted(stretches):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _part(heard_ms: int, whole_ms: int) -> int:
    return min(1_000_000, heard_ms * 1_000_000 // max(whole_ms, 1))


def _average(pairs: Sequence[tuple[Passage, Shared]]) -> Shared:
    lengths = [max(1, one.end_ms - one.start_ms) for one, _ in pairs]
    total = sum(lengths)
    return Shared(
        sum(length * shared.of_file_ppm for length, (_, shared) in zip(lengths, pairs, strict=True)) // total,
        sum(length * shared.of_asset_ppm for length, (_, shared) in zip(lengths, pairs, strict=True)) // total,
    )
