"""Consent by everyone: events, today's state as a fold over them, and the quorum of one asset.

No event means no. The rule is docs/formats/period-folder.md, "Snapshot rule".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ritornello.domain.catalogue import WHOLE_E8, Asset, Claim, Recording, subject_of
from ritornello.domain.splits import AGREED, SplitSet, divide_lane

# The first four are CAWG training-and-data-mining's; the others are ours, for what a licence may allow or leave out.
PURPOSES = (
    "ai_training",
    "ai_generative_training",
    "ai_inference",
    "data_mining",
    "voice_model",
    "fine_tuning",
    "reference_conditioning",
    "stem_separation",
)
DECISIONS = ("grant", "withdraw", "hold", "release")


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One decision of one party about one asset, one purpose, one programme. Never changed, only followed by another."""

    seq: int
    event_id: str
    decision: str  # one of DECISIONS
    party_id: str  # whose decision it is
    actor_id: str  # who made it: the party, or its representative …
    mandate_id: str | None  # … under this mandate
    asset_id: str
    recording_id: str
    purpose: str
    programme_id: str
    terms_sha256: str  # of the programme's file that was shown
    territory: str
    effective_from: date
    effective_to: date | None  # last day, or open
    recorded_at_us: int
    channel: str
    authentication: str  # how the actor was known
    evidence_sha256: str | None  # of the encrypted evidence
    previous_sha256: str  # of the event before, whatever it is about


@dataclass(frozen=True, slots=True)
class Mandate:
    """One party may decide for another, in some lanes and for some purposes."""

    mandate_id: str
    party_id: str
    representative_id: str
    lanes: tuple[str, ...]
    purposes: tuple[str, ...]
    programme_id: str  # or "*"
    valid_from: date
    valid_to: date | None
    recorded_at_us: int
    retracted_at_us: int | None = None

    def covers(self, event: ConsentEvent, lane: str) -> bool:
        """True when the event was validly made under this mandate, for this lane. It stays so when the mandate ends later."""
        day = datetime.fromtimestamp(event.recorded_at_us / 1_000_000, UTC).date()
        return (
            (self.party_id, self.representative_id) == (event.party_id, event.actor_id)
            and lane in self.lanes
            and event.purpose in self.purposes
            and self.programme_id in {"*", event.programme_id}
            and self.recorded_at_us <= event.recorded_at_us
            and (self.retracted_at_us is None or self.retracted_at_us > event.recorded_at_us)
            and self.valid_from <= day
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """One reason why an asset may not be used: who or what is missing in which lane."""

    lane: str
    reason: str  # no_grant, withdrawn, other_terms, expired, elsewhere, no_mandate, hold, unclaimed, gap, overclaim
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


@dataclass(frozen=True, slots=True)
class Terms:
    """What a programme asks of consent: its purposes, its territory, and per lane of its quorum the share (ppm) that must agree."""

    programme_id: str
    sha256: str  # of the programme's file: grants under other terms don't count
    purposes: tuple[str, ...]
    territory: str
    quorum: Mapping[str, int]  # 1,000,000: everyone
    notice_days: int  # how long before a withdrawal takes effect
    tail_days: int  # how long a model that still holds a withdrawn recording keeps paying


Standing = Mapping[tuple[str, str, str], ConsentEvent]  # (party, asset, purpose) → the event that counts


@dataclass(frozen=True, slots=True)
class State:
    """Consent of one programme on a day, as known at a moment."""

    day: date
    answers: Standing  # the latest grant or withdrawal of each
    holds: Standing  # the latest hold or release of each
    mandates: Mapping[str, Mandate]


def fold(events: Iterable[ConsentEvent], mandates: Iterable[Mandate], programme_id: str, day: date, known_at_us: int) -> State:
    """The state of a programme's consent: for each (party, asset, purpose) the latest event that is known and effective."""
    answers: dict[tuple[str, str, str], ConsentEvent] = {}
    holds: dict[tuple[str, str, str], ConsentEvent] = {}
    for event in events:
        if event.programme_id == programme_id and event.recorded_at_us <= known_at_us and event.effective_from <= day:
            table = answers if event.decision in {"grant", "withdraw"} else holds
            key = (event.party_id, event.asset_id, event.purpose)
            if key not in table or table[key].seq < event.seq:
                table[key] = event
    return State(day, answers, holds, {mandate.mandate_id: mandate for mandate in mandates})


def held_assets(state: State) -> dict[str, list[ConsentEvent]]:
    """Asset → holds that stand on it."""
    found: dict[str, list[ConsentEvent]] = {}
    for (_, asset_id, _), event in state.holds.items():
        if event.decision == "hold":
            found.setdefault(asset_id, []).append(event)
    return found


def judge(
    asset: Asset, recording: Recording, claims: Sequence[Claim], state: State, terms: Terms, holds: Sequence[ConsentEvent] = ()
) -> Answer:
    """May this asset be used under these terms? `claims` are those of the recording and its work that are known and in force; `holds` those on the asset."""
    missing = [Missing("*", "hold", hold.party_id, hold.purpose, 0, "WW") for hold in holds if hold.purpose in terms.purposes]
    relied: set[str] = set()
    for lane, share_ppm in terms.quorum.items():
        of_lane = [
            claim for claim in claims if claim.lane == lane and (claim.subject_kind, claim.subject_id) == subject_of(recording, lane)
        ]
        splits = _divide(of_lane)
        incomplete = [_incomplete(lane, territory, split) for territory, split in splits.items() if split.status not in AGREED]
        agreeing, absent = _ask(state, terms, asset.asset_id, lane, of_lane)
        if incomplete or not all(_enough(split, agreeing, share_ppm) for split in splits.values()):
            missing += [*incomplete, *absent]
        relied.update(event_id for grants in agreeing.values() for event_id in grants)
    allowed = not missing
    return Answer(
        asset.asset_id, asset.recording_id, asset.kind, asset.label, allowed, tuple(sorted(relied)) if allowed else (), tuple(missing)
    )


def _ask(state: State, terms: Terms, asset_id: str, lane: str, claims: Sequence[Claim]) -> tuple[dict[str, list[str]], list[Missing]]:
    """The parties of a lane that agree, with their grants; and for each of the others what is missing, purpose by purpose."""
    agreeing: dict[str, list[str]] = {}
    absent: list[Missing] = []
    shares: dict[str, int] = {}
    for claim in claims:
        shares[claim.party_id] = max(shares.get(claim.party_id, 0), claim.share_e8)
    for party_id, share_e8 in sorted(shares.items()):
        found = {purpose: _stand(state, terms, party_id, asset_id, purpose, lane) for purpose in terms.purposes}
        reasons = [Missing(lane, text, party_id, purpose, share_e8, "WW") for purpose, (event, text) in found.items() if event is None]
        absent += reasons
        if not reasons:
            agreeing[party_id] = [event.event_id for event, _ in found.values() if event]
    return agreeing, absent


def _divide(claims: Sequence[Claim]) -> dict[str, SplitSet]:
    """Territory → split set: worldwide, and each territory that a claim names."""
    territories = sorted({"WW", *(claim.territory for claim in claims)})
    return {territory: divide_lane(claim for claim in claims if claim.applies_in(territory)) for territory in territories}


def _incomplete(lane: str, territory: str, split: SplitSet) -> Missing:
    return Missing(lane, split.status, None, None, abs(WHOLE_E8 - split.total_e8), territory)


def _enough(split: SplitSet, agreeing: Mapping[str, object], share_ppm: int) -> bool:
    agreed = sum(share.share_e8 for share in split.shares if share.payee.removeprefix("party:") in agreeing)
    return agreed >= share_ppm * (WHOLE_E8 // 1_000_000)


def _stand(state: State, terms: Terms, party_id: str, asset_id: str, purpose: str, lane: str) -> tuple[ConsentEvent | None, str]:
    """The grant that stands and nothing, or none and why."""
    event = state.answers.get((party_id, asset_id, purpose))
    if event is None:
        return None, "no_grant"
    if event.decision != "grant":
        return None, "withdrawn"
    if event.terms_sha256 != terms.sha256:
        return None, "other_terms"
    if event.effective_to is not None and event.effective_to < state.day:
        return None, "expired"
    if event.territory not in {"WW", terms.territory}:
        return None, "elsewhere"
    mandate = state.mandates.get(event.mandate_id or "")
    valid = mandate.covers(event, lane) if mandate else event.mandate_id is None and event.actor_id == party_id
    return (event, "") if valid else (None, "no_mandate")
