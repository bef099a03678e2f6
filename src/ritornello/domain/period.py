"""Everything that decides one settlement, as records: the period folder (docs/formats/period-folder.md) after reading."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ritornello.domain.catalogue import Claim, Party, Recording
from ritornello.domain.programme import Programme

UNATTRIBUTED = "unattributed"


@dataclass(frozen=True, slots=True)
class Exposure:
    """What training of a model version really read of one asset."""

    model_version: str
    asset_id: str
    recording_id: str
    exposure_ms: int


@dataclass(frozen=True, slots=True)
class Usage:
    """One reported use of an output."""

    usage_id: str
    output_id: str
    territory: str
    uses: int
    user_id: str | None = None  # the licensee's pseudonym of the user


@dataclass(frozen=True, slots=True)
class Weight:
    """One recording's part of an output, or the part no recording explains."""

    output_id: str
    recording_id: str  # or UNATTRIBUTED
    weight_ppm: int


@dataclass(frozen=True, slots=True)
class RevenueLine:
    """One line of a licensee's revenue report, in ledger units."""

    report_sha256: str
    line_id: str
    row: int
    product: str
    model_version: str
    territory: str
    currency: str
    net_units: int
    gross_units: int | None = None
    quantity_e6: int | None = None
    unit: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What a model version was made from."""

    model_version: str
    parents: tuple[str, ...]
    snapshot_ids: tuple[str, ...]
    terms_version: int | None = None  # of the terms that its snapshots were frozen under; None: as the period's


@dataclass(frozen=True, slots=True)
class Member:
    """One asset in a snapshot."""

    snapshot_id: str
    asset_id: str
    recording_id: str
    duration_ms: int
    consent_events: tuple[str, ...] = ()  # the grants relied on


@dataclass(frozen=True, slots=True)
class Decision:
    """A grant or withdrawal, as far as the tail of a withdrawal asks."""

    event_id: str
    decision: str
    party_id: str
    asset_id: str
    purpose: str
    programme_id: str  # or class:ID
    effective_from: date
    recorded_at_us: int


@dataclass(frozen=True, slots=True)
class Points:
    """What a recording was given for the period, where a programme divides by points."""

    recording_id: str
    points: int
    tier: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of the programme's currency one of the reported currency is, × 10^12."""

    currency: str
    into: str
    rate_e12: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """A claim that somebody contests; open from `opened_at_us` until `resolved_at_us`."""

    dispute_id: str
    claim_id: str
    opened_at_us: int
    resolved_at_us: int | None

    def open_at(self, at_us: int) -> bool:
        return self.opened_at_us <= at_us and (self.resolved_at_us is None or self.resolved_at_us > at_us)


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a settlement keeps back of a party's earnings until a day."""

    party_id: str
    currency: str
    settlement_id: str
    units: int
    release_on: date


@dataclass(frozen=True, slots=True)
class Advance:
    """Money paid ahead, and what is still open of it. Advances of one group are recouped from each other's recordings."""

    advance_id: str
    party_id: str
    group: str
    currency: str
    recordings: tuple[str, ...]  # ("*",): all
    rate_ppm: int
    granted_on: date
    open_units: int


@dataclass(frozen=True, slots=True)
class Tax:
    """What is withheld of a party's payouts, and for whom."""

    party_id: str
    rate_ppm: int
    authority: str


@dataclass(frozen=True, slots=True)
class Reported:
    """A receipt as it stands in `receipts.jsonl`: what was reported and what became of it."""

    income: str
    model_version: str
    territory: str
    reported_currency: str
    reported_units: int
    currency: str
    added_units: int  # by the minimum
    units: int  # after conversion and minimum
    fee_units: int
    upstream_units: int


@dataclass(frozen=True, slots=True)
class StandingPool:
    """A pool as it stands before a correction."""

    pool: str
    income: str
    currency: str
    units: int
    denominator: int
    terms_version: int


@dataclass(frozen=True, slots=True)
class StandingLine:
    """A line as it stands before a correction."""

    pool: str
    payee: str
    recording_id: str
    numerator: int
    units: int


@dataclass(frozen=True, slots=True)
class Period:
    """One programme, one period, and all that its settlement may look at."""

    settlement_id: str
    period_id: str
    first_day: date
    last_day: date
    known_at_us: int
    programme: Programme
    parties: Mapping[str, Party]
    payable: frozenset[str]
    recordings: Mapping[str, Recording]
    claims: Sequence[Claim]
    exposures: Sequence[Exposure]
    outputs: Mapping[str, str]  # output_id → model_version
    usage: Sequence[Usage]
    error_ppm: Mapping[str, int | None]  # model_version → measured error of its attribution
    attribution: Sequence[Weight]
    revenue: Sequence[RevenueLine]
    opening: Mapping[tuple[str, str], int]  # (account, currency) → units owed; negative: overpaid
    runs: Mapping[str, Run] = field(default_factory=dict)  # by model version
    members: Sequence[Member] = ()
    points: Sequence[Points] = ()
    noise_ppm: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (recording or catalogue, model version): where it was measured
    cluster_of: Mapping[str, str] = field(default_factory=dict)  # recordings of one sound → the one that stands for them
    rates: Mapping[tuple[str, str], Rate] = field(default_factory=dict)  # by reported currency and what it becomes
    disputes: Sequence[Dispute] = ()
    reserves: Sequence[Withheld] = ()
    advances: Sequence[Advance] = ()
    taxes: Mapping[str, Tax] = field(default_factory=dict)  # by party
    corrects: str | None = None  # the settlement that this one corrects …
    previous_receipts: Sequence[Reported] = ()  # … and what stands of it
    previous_pools: Sequence[StandingPool] = ()
    previous_lines: Sequence[StandingLine] = ()
    decisions: Sequence[Decision] = ()  # grants and withdrawals, in the order they were made
    released_at_us: int | None = None  # when its held money was released; claims recorded later don't count
    other_terms: Mapping[int, Programme] = field(default_factory=dict)  # by version: terms that model versions were trained under

    @property
    def is_released(self) -> bool:
        """Whether the money that was held goes to those who are known."""
        return self.released_at_us is not None

    @property
    def claims_known_at_us(self) -> int:
        """Claims count as they were known at this moment."""
        return self.known_at_us if self.released_at_us is None else min(self.known_at_us, self.released_at_us)

    def claims_in_force(self) -> list[Claim]:
        """The claims that count, wherever they apply: known at the period's moment and in force on its last day."""
        return [claim for claim in self.claims if claim.known_at(self.claims_known_at_us) and claim.in_force_on(self.last_day)]

    def terms_of(self, model_version: str) -> Programme:
        """The terms that a model version's money follows: those its snapshots were frozen under; of any model (`*`), the period's own."""
        run = self.runs.get(model_version)
        return self.programme if run is None or run.terms_version is None else self.find_terms(run.terms_version)

    def find_terms(self, version: int) -> Programme:
        """The terms of this version; where there are no others, the period's own."""
        return self.other_terms.get(version, self.programme)

    def all_terms(self) -> list[Programme]:
        """The period's own terms first, then the others, oldest first."""
        return [self.programme, *(self.other_terms[version] for version in sorted(self.other_terms))]


def claims_by_lane(claims: Sequence[Claim]) -> dict[tuple[str, str, str], list[Claim]]:
    """Claims by (subject kind, subject, lane): the way split sets look them up."""
    found: dict[tuple[str, str, str], list[Claim]] = {}
    for claim in claims:
        found.setdefault((claim.subject_kind, claim.subject_id, claim.lane), []).append(claim)
    return found


def parse_period_id(text: str) -> tuple[date, date]:
    """First and last day of `2026-10` (a month), `2026-Q4` (a quarter) or `2026` (a year). Raises ValueError for anything else."""
    match = re.fullmatch(r"([0-9]{4})(?:-(?:([0-9]{2})|Q([1-4])))?", text)
    try:
        if not match:
            raise ValueError
        year, month, quarter = match.groups()
        first_month, months = (int(month), 1) if month else (int(quarter) * 3 - 2, 3) if quarter else (1, 12)
        first = date(int(year), first_month, 1)
        after = first_month + months
        return first, date(int(year) + (after - 1) // 12, (after - 1) % 12 + 1, 1) - timedelta(days=1)
    except ValueError:
        raise ValueError(f"{text!r} is not a period: write 2026-10, 2026-Q4 or 2026") from None
