"""A passage of a file that is a passage of a recording."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, order=True)
class Passage:
    """From `start_ms` to `end_ms` the file is the asset from `asset_start_ms` to `asset_end_ms`.

    `speed_ppm`: how fast the recording runs in the file (1,040,000: four percent faster). `pitch_cents`: how much higher it sounds there, whatever the reason.
    `evidence_millidecades`: thousandths of a decade: 12,000 means that chance alone is 10^12 times less likely to put so many peaks in place. `false_match_ppb`: the
    probability, in parts per billion and never below one, that a file with none of the catalogue's recordings in it shows such a passage somewhere.
    """

    asset_sha256: str
    start_ms: int
    end_ms: int
    asset_start_ms: int
    asset_end_ms: int
    speed_ppm: int
    pitch_cents: int
    evidence_millidecades: int
    false_match_ppb: int


NUMBERS = tuple(field.name for field in fields(Passage) if field.name != "asset_sha256")
