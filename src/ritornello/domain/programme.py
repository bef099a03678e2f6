"""The programme: terms between licensor and licensee, as a record. Its file format is docs/formats/programme.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ritornello.domain.consent import Terms

WHOLE_PPM = 1_000_000
HEARD = ("attribution", "user_centric")  # rules that need to know what outputs were made of
RULES = ("exposure", "count", "works", "seconds", "points", *HEARD)
FALLBACKS = ("exposure", "count", "seconds", "reserve")
LEVELS = ("recording", "catalogue")
UNATTRIBUTED_RULES = (*FALLBACKS, "attribution")
LINEAGE_RULES = ("exposure", "count", "seconds")


@dataclass(frozen=True, slots=True)
class Income:
    """One kind of money a programme brings in (exactly one of amount, rate, unit rate), and how it is divided over recordings."""

    name: str
    divide_by: str  # one of RULES
    currency: str | None = None  # of amounts, unit rate and minimum
    amount_units: int | None = None  # fixed fee a period …
    period_id: str | None = None  # … or in this period alone
    model_version: str | None = None  # whose fee it is; None: of all
    rate_ppm: int | None = None  # part of revenue …
    of: str = "net"  # … net or gross
    unit_rate_units: int | None = None  # price of `per` units, already the step of the notice ladder
    per: int = 1
    unit: str | None = None
    minimum_units: int | None = None
    products: tuple[str, ...] = ()  # only revenue of these; empty: all
    model_versions: tuple[str, ...] = ()
    lanes: Mapping[str, int] = field(default_factory=dict)  # lane → ppm after parity, total WHOLE_PPM
    max_error_ppm: int | None = None  # above this measured error the fallback divides
    fallback: str | None = None  # one of FALLBACKS
    unattributed: str | None = None  # one of UNATTRIBUTED_RULES
    aggregate_by: tuple[str, ...] = (
        "recording",
    )  # of LEVELS: what attribution divides money over; of two, the first whose signal is enough
    cap_ppm: int | None = None  # the most that one recording gets by attribution
    min_signal_to_noise_e3: int | None = None  # below this × the measured noise the fallback divides


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a model version's money owes to the recordings its ancestors were trained on."""

    ancestors: str  # "direct" or "all"
    share_ppm: int  # of each link that `links` does not name
    links: Mapping[tuple[str, str], int]  # (parent, child) → ppm
    divide_by: str  # one of LINEAGE_RULES


@dataclass(frozen=True, slots=True)
class Fee:
    """What the operator keeps of receipts."""

    name: str
    rate_ppm: int
    incomes: tuple[str, ...]  # empty: of all


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is withheld of a party's earnings, and for how long."""

    rate_ppm: int
    release_after_days: int


@dataclass(frozen=True, slots=True)
class HeldRule:
    """How long money waits for those it may belong to, and what kept reserves are divided by then."""

    release_after_days: int
    reserve: str | None  # one of LINEAGE_RULES; None: they stay


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
    lanes: Mapping[str, int]  # lane → ppm after parity, total WHOLE_PPM
    incomes: tuple[Income, ...]
    thresholds: Mapping[str, int]  # currency → units
    sha256: str
    payout_fees: Mapping[str, int] = field(default_factory=dict)  # currency → units
    tiers_e6: Mapping[str, int] = field(default_factory=dict)  # tier → weight × 1,000,000
    lineage: Lineage | None = None
    convert_to: str | None = None  # the currency that every receipt becomes
    fees: tuple[Fee, ...] = ()
    reserve: Reserve | None = None
    classes: Mapping[str, str] = field(default_factory=dict)  # class of licensees → hash of the class document it falls under
    held: HeldRule | None = None
    min_count_shown: int = 0  # outputs and payees that must stand behind a figure of attribution before payees see it

    def find_income(self, name: str) -> Income | None:
        return next((income for income in self.incomes if income.name == name), None)

    def terms(self) -> Terms:
        """What this programme asks of consent."""
        return Terms(self.programme_id, self.sha256, self.purposes, self.territory, self.quorum, self.notice_days, self.tail_days)


def reach_parity(lanes: Mapping[str, int], rules: tuple[tuple[str, str], ...]) -> dict[str, int]:
    """Lanes after most-favoured-nation rules (first gets at least what second gets): docs/formats/programme.md.

    Rules whose lanes are not both there hold by themselves. Raises ValueError where the rules chase each other.

    >>> reach_parity({"master": 600_000, "publishing": 400_000}, (("publishing", "master"),))
    {'master': 500000, 'publishing': 500000}
    """
    found = dict(lanes)
    asked = [(first, second) for first, second in rules if first in found and second in found]
    for _ in range(len(asked)):
        for first, second in asked:
            if found[first] < found[second]:
                both = found[first] + found[second]
                found[first], found[second] = both - both // 2, both // 2
    if broken := [f"{first}>={second}" for first, second in asked if found[first] < found[second]]:
        raise ValueError(f"{', '.join(broken)} can't be reached together with the other rules")
    assert sum(found.values()) == sum(lanes.values())
    return found
