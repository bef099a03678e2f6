"""The programme: terms between licensor and licensee, as a record. Its file format is docs/formats/programme.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ritornello.domain.consent import Terms

WHOLE_PPM = 1_000_000
BASES = ("exposure", "attribution")
UNATTRIBUTED_RULES = ("exposure", "reserve")


@dataclass(frozen=True, slots=True)
class Income:
    """One kind of money a programme brings in, and how it is divided over recordings."""

    name: str
    divide_by: str  # one of BASES
    currency: str | None  # of `amount_units` and `minimum_units`
    amount_units: int | None  # fixed fee a period …
    rate_ppm: int | None  # … or part of net revenue
    minimum_units: int | None
    unattributed: str | None  # one of UNATTRIBUTED_RULES, when divided by attribution
    max_error_ppm: int | None  # above this measured error the fallback divides
    fallback: str | None


@dataclass(frozen=True, slots=True)
class Programme:
    """What was agreed. `sha256` is the hash of the file's bytes: the terms that grants bind to."""

    programme_id: str
    version: int
    title: str
    licensor: str
    licensee: str
    purposes: tuple[str, ...]
    licence: str
    valid_from: date
    valid_to: date
    notice_days: int
    tail_days: int
    territory: str  # where the licence holds
    quorum: Mapping[str, int]  # lane → share (ppm) that must agree; WHOLE_PPM: everyone
    lanes: Mapping[str, int]  # lane → ppm, total WHOLE_PPM
    incomes: tuple[Income, ...]
    thresholds: Mapping[str, int]  # currency → units
    sha256: str
    classes: Mapping[str, str] = field(default_factory=dict)  # class of licensees → hash of the class document it falls under

    def terms(self) -> Terms:
        """What this programme asks of consent."""
        return Terms(self.programme_id, self.sha256, self.purposes, self.territory, self.quorum, self.notice_days, self.tail_days)
