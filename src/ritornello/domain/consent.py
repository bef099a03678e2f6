"""Consent by everyone: events, today's state as a fold over them, and the quorum of one asset.

No event means no. The rule is docs/formats/period-folder.md, "Snapshot rule".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ritornello.domain.catalogue import WHOLE_E8, Asset, Claim, Recording, subject_of
from ritornello.domain.splits import AGREED, divide_lane

PURPOSES = ("ai_training", "ai_generative_training", "ai_inference", "data_mining")  # CAWG training-and-data-mining


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One decision of one party about one asset, one purpose, one programme. Never changed, only followed by another."""

    seq: int
    event_id: str
    decision: str  # "grant" or "withdraw"
    party_id: str
    asset_id: str
    recording_id: str
    purpose: str
    programme_id: str
    terms_sha256: str  # of the programme's file that was shown
    effective_from: date
    recorded_at_us: int
    channel: str


@dataclass(frozen=True, slots=True)
class Missing:
    """One reason why an asset may not be used: who or what is missing in which lane."""

    lane: str
    reason: str  # no_grant, withdrawn, unclaimed, gap, overclaim
    party_id: str | None
    purpose: str | None
    share_e8: int
    territory: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Allowed with the grants relied on, or refused with everything that is missing."""

    asset_id: str
    recording_id: str
    kind: str  # recording, stem or vocal_take …
    label: str  # … and which one
    allowed: bool
    consent_events: tuple[str, ...]
    missing: tuple[Missing, ...]


Standing = Mapping[tuple[str, str, str], ConsentEvent]  # (party, asset, purpose) → the event that counts


def fold(events: Iterable[ConsentEvent], programme_id: str, day: date, known_at_us: int) -> dict[tuple[str, str, str], ConsentEvent]:
    """The event that counts on a day, as known at a moment, for each (party, asset, purpose) of one programme: the latest already effective."""
    standing: dict[tuple[str, str, str], ConsentEvent] = {}
    for event in events:
        if event.programme_id == programme_id and event.recorded_at_us <= known_at_us and event.effective_from <= day:
            key = (event.party_id, event.asset_id, event.purpose)
            if key not in standing or standing[key].seq < event.seq:
                standing[key] = event
    return standing


def judge(
    asset: Asset,
    recording: Recording,
    claims: Sequence[Claim],
    standing: Standing,
    *,
    lanes: Sequence[str],
    purposes: Sequence[str],
) -> Answer:
    """May this asset be used for all `purposes`? `claims` are those of the recording and its work that are known and in force.

    Every lane must be claimed to exactly 100 % in every territory that its claims name, and every claimant must stand by a grant.
    """
    missing: list[Missing] = []
    relied: set[str] = set()
    for lane in lanes:
        of_lane = [
            claim for claim in claims if claim.lane == lane and (claim.subject_kind, claim.subject_id) == subject_of(recording, lane)
        ]
        missing += _incomplete(lane, of_lane)
        shares: dict[str, int] = {}
        for claim in of_lane:
            shares[claim.party_id] = max(shares.get(claim.party_id, 0), claim.share_e8)
        for party_id in sorted(shares):
            for purpose in purposes:
                event = standing.get((party_id, asset.asset_id, purpose))
                if event is not None and event.decision == "grant":
                    relied.add(event.event_id)
                else:
                    reason = "no_grant" if event is None else "withdrawn"
                    missing.append(Missing(lane, reason, party_id, purpose, shares[party_id], "WW"))
    allowed = not missing
    return Answer(
        asset.asset_id, asset.recording_id, asset.kind, asset.label, allowed, tuple(sorted(relied)) if allowed else (), tuple(missing)
    )


def _incomplete(lane: str, claims: Sequence[Claim]) -> list[Missing]:
    found = []
    for territory in sorted({"WW", *(claim.territory for claim in claims)}):
        split = divide_lane(claim for claim in claims if claim.applies_in(territory))
        if split.status not in AGREED:
            found.append(Missing(lane, split.status, None, None, abs(WHOLE_E8 - split.total_e8), territory))
    return found
