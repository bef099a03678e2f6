"""Everything that decides one settlement, as records: the period folder (docs/formats/period-folder.md) after reading."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    opening: Mapping[tuple[str, str], int]  # (account, currency) → units owed


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
