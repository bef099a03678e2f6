"""What an operator's catalogue holds: parties, works, recordings, their files, who did what and who owns how much."""

from dataclasses import dataclass
from datetime import date

LANES = ("master", "publishing", "performer", "voice")
ASSET_KINDS = ("recording", "stem", "vocal_take")
PARTY_KINDS = ("person", "organisation")
WHOLE_E8 = 100_000_000  # a share of 100 %


@dataclass(frozen=True, slots=True)
class Party:
    """A person or organisation that may own, perform or be paid."""

    party_id: str
    name: str
    kind: str
    ipi: str | None = None
    isni: str | None = None
    dpid: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A composition."""

    work_id: str
    title: str
    iswc: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One fixed performance, perhaps of a work."""

    recording_id: str
    title: str
    artist: str
    isrc: str | None = None
    work_id: str | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """The file of a recording, a stem or a vocal take; `asset_id` is `sha256:` and the hash of its bytes."""

    asset_id: str
    recording_id: str
    kind: str
    label: str
    file: str  # relative to the audio folder it came from
    bytes: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Track:
    """A recording's place on a release."""

    disc: int
    track: int
    recording_id: str


@dataclass(frozen=True, slots=True)
class Release:
    """A product: recordings in an order, under a barcode."""

    release_id: str
    title: str
    barcode: str | None  # UPC-A or EAN-13
    tracks: tuple[Track, ...]  # ascending by disc and track

    def recording_ids(self) -> tuple[str, ...]:
        """The recordings in track order, each once."""
        return tuple(dict.fromkeys(track.recording_id for track in self.tracks))


@dataclass(frozen=True, slots=True)
class ContentCodes:
    """An asset's ISCC (ISO 24138) and the units it is made of, each written `ISCC:…`."""

    iscc: str
    audio: str | None  # what it sounds like; None where that wasn't computed
    data: str  # what its bytes are like
    instance: str  # which bytes it is


@dataclass(frozen=True, slots=True)
class Contribution:
    """A party's role on a recording (DDEX contributor role)."""

    recording_id: str
    party_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A party's share of one lane of a recording or work, in parts per 100,000,000, where and when it holds."""

    claim_id: str
    subject_kind: str  # "recording" or "work"
    subject_id: str
    lane: str
    party_id: str
    share_e8: int
    territory: str
    valid_from: date
    valid_to: date | None  # last day, or open
    recorded_at_us: int
    retracted_at_us: int | None = None

    def known_at(self, at_us: int) -> bool:
        """Recorded by then and not yet retracted."""
        return self.recorded_at_us <= at_us and (self.retracted_at_us is None or self.retracted_at_us > at_us)

    def in_force_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def applies_in(self, territory: str) -> bool:
        return self.territory in {"WW", territory}


def subject_of(recording: Recording, lane: str) -> tuple[str, str | None]:
    """Which thing claims of a lane speak about: the recording itself, or for publishing its work (None if it has none)."""
    return ("work", recording.work_id) if lane == "publishing" else ("recording", recording.recording_id)
