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
CLASS = "class:"  # before the id of a class of licensees, where an event names no programme


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
    programme_id: str  # or CLASS and the id of a class of licensees
    terms_sha256: str  # of the programme's file, or class document, that was shown
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

    def reaches(self, programme_id: str) -> bool:
        """True for its programme. One for any programme doesn't reach classes, under which programmes fall that don't exist yet."""
        return self.programme_id == programme_id or (self.programme_id == "*" and not programme_id.startswith(CLASS))

    def covers(self, event: ConsentEvent, lane: str) -> bool:
        """True when the event was validly made under this mandate, for this lane. It stays so when the mandate ends later."""
        day = datetime.fromtimestamp(event.recorded_at_us / 1_000_000, UTC).date()
        return (
            (self.party_id, self.representative_id) == (event.party_id, event.actor_id)
            and lane in self.lanes
            and event.purpose in self.purposes
            and self.reaches(event.programme_id)
            and self.recorded_at_us <= event.recorded_at_us
            and (self.retracted_at_us is None or self.retracted_at_us > event.recorded_at_us)
            and self.valid_from <= day
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """One reason why an asset may not be used: who or what is missing in which lane."""

    lane: str
    reason: str  # no_grant, withdrawn, other_terms, expired, elsewhere, no_mandate, hold, unclaimed, gap, overclaim, not_in_class
    party_id: str | None
    purpose: str | None
    share_e8: int
    territory: str
    class_id: str | None = None  # of the class whose grant, withdrawal or hold it is about
    detail: str = ""  # why the programme doesn't fall under the class


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
class Footing:
    """How a programme stands in a class of licensees that it names, on a day as known at a moment."""

    class_id: str
    sha256: str  # of the class document that it names: grants under another don't count
    obstacles: tuple[str, ...]  # why it doesn't fall under the class; none: it does


@dataclass(frozen=True, slots=True)
class Terms:
    """What a programme, or a class of licensees, asks of consent: its purposes, its territory, and per lane of its quorum the share (ppm) that must agree."""

    programme_id: str  # or CLASS and the id of a class
    sha256: str  # of its file: grants under other terms don't count
    purposes: tuple[str, ...]
    territory: str
    quorum: Mapping[str, int]  # 1,000,000: everyone
    notice_days: int  # how long before a withdrawal takes effect
    tail_days: int  # how long a model that still holds a withdrawn recording may be used
    footings: tuple[Footing, ...] = ()  # the classes that a programme names, ascending


Standing = Mapping[tuple[str, str, str], ConsentEvent]  # (party, asset, purpose) → the event that counts


@dataclass(frozen=True, slots=True)
class State:
    """Consent of one programme on a day, as known at a moment."""

    day: date
    answers: Standing  # the latest grant or withdrawal of each about the programme …
    class_answers: Mapping[str, Standing]  # … and about each class that it names
    holds: Standing  # the latest hold or release of each about the programme …
    class_holds: Mapping[str, Standing]  # … and about each class that it names
    mandates: Mapping[str, Mandate]


def fold(events: Iterable[ConsentEvent], mandates: Iterable[Mandate], terms: Terms, day: date, known_at_us: int) -> State:
    """The state of consent under some terms: for each (party, asset, purpose) the latest event that is known and effective."""
    scopes = [terms.programme_id, *(f"{CLASS}{footing.class_id}" for footing in terms.footings)]
    answers: dict[str, dict[tuple[str, str, str], ConsentEvent]] = {scope: {} for scope in scopes}
    holds: dict[str, dict[tuple[str, str, str], ConsentEvent]] = {scope: {} for scope in scopes}
    for event in events:
        if event.programme_id in answers and event.recorded_at_us <= known_at_us and event.effective_from <= day:
            table = (answers if event.decision in {"grant", "withdraw"} else holds)[event.programme_id]
            key = (event.party_id, event.asset_id, event.purpose)
            if key not in table or table[key].seq < event.seq:
                table[key] = event
    own = scopes[0]
    of_class = {scope.removeprefix(CLASS): answers[scope] for scope in scopes[1:]}
    held_class = {scope.removeprefix(CLASS): holds[scope] for scope in scopes[1:]}
    return State(day, answers[own], of_class, holds[own], held_class, {mandate.mandate_id: mandate for mandate in mandates})


def held_assets(state: State) -> dict[str, list[ConsentEvent]]:
    """Asset → holds that stand on it, about the programme or a class that it names."""
    found: dict[str, list[ConsentEvent]] = {}
    for table in (state.holds, *state.class_holds.values()):
        for (_, asset_id, _), event in table.items():
            if event.decision == "hold":
                found.setdefault(asset_id, []).append(event)
    return found


def judge(
    asset: Asset, recording: Recording, claims: Sequence[Claim], state: State, terms: Terms, holds: Sequence[ConsentEvent] = ()
) -> Answer:
    """May this asset be used under these terms? `claims` are those of the recording and its work that are known and in force; `holds` those on the asset."""
    missing = [
        Missing("*", "hold", hold.party_id, hold.purpose, 0, "WW", _class_of(hold, terms))
        for hold in holds
        if hold.purpose in terms.purposes
    ]
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
        found = {purpose: _stand(state, terms, (party_id, asset_id, purpose), lane) for purpose in terms.purposes}
        reasons = [
            Missing(lane, reason.code, party_id, purpose, share_e8, "WW", reason.class_id, reason.detail)
            for purpose, (event, why) in found.items()
            if event is None
            for reason in why
        ]
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


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why no grant stands: a code of `Missing`."""

    code: str
    class_id: str | None = None
    detail: str = ""


Key = tuple[str, str, str]  # party, asset, purpose
NO_GRANT = (_Reason("no_grant"),)


def _stand(state: State, terms: Terms, key: Key, lane: str) -> tuple[ConsentEvent | None, tuple[_Reason, ...]]:
    """The grant that stands and nothing, or none and every reason. An answer about the programme decides alone; only without one are classes asked."""
    own = state.answers.get(key)
    if own is not None:
        why = _fault(own, state, terms, terms.sha256, lane)
        return (None, (_Reason(why),)) if why else (own, ())
    if not terms.footings:
        return None, NO_GRANT
    standing: ConsentEvent | None = None
    reasons: list[_Reason] = []
    withdrawn = False
    for footing in terms.footings:
        answer = state.class_answers[footing.class_id].get(key)
        if answer is None:
            continue
        why = _fault(answer, state, terms, footing.sha256, lane)
        withdrawn |= why == "withdrawn"
        if why:
            reasons.append(_Reason(why, footing.class_id))
        elif footing.obstacles:
            reasons += [_Reason("not_in_class", footing.class_id, obstacle) for obstacle in footing.obstacles]
        else:
            standing = standing or answer
    if standing is None or withdrawn:  # a withdrawal from one class outweighs grants to others
        return None, tuple(reasons) or NO_GRANT
    return standing, ()


def _fault(event: ConsentEvent, state: State, terms: Terms, sha256: str, lane: str) -> str:
    """Why this answer is no grant that stands under these terms; empty when it is one."""
    if event.decision != "grant":
        return "withdrawn"
    if event.terms_sha256 != sha256:
        return "other_terms"
    if event.effective_to is not None and event.effective_to < state.day:
        return "expired"
    if event.territory not in {"WW", terms.territory}:
        return "elsewhere"
    mandate = state.mandates.get(event.mandate_id or "")
    valid = mandate.covers(event, lane) if mandate else event.mandate_id is None and event.actor_id == event.party_id
    return "" if valid else "no_mandate"


def _class_of(event: ConsentEvent, terms: Terms) -> str | None:
    """The class that an event is about, where the terms are a programme's."""
    return event.programme_id.removeprefix(CLASS) if event.programme_id != terms.programme_id else None
