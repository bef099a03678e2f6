"""Claims and the split sets they form (period-folder.md; settlement.md, step 5)."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from ritornello_verify.apportion import apportion
from ritornello_verify.kinds import WHOLE_SHARE

COMPLETION = 50_000
"""How far from a whole a total of shares may be and still be completed, in e8 (0.05 percentage points)."""
SUSPENSE = "held:suspense"
DISPUTE = "held:dispute"
WORLD = "WW"
PUBLISHING = "publishing"


@dataclass(frozen=True, slots=True)
class Claim:
    claim_id: str
    party_id: str
    share_e8: int
    territory: str
    valid_from: str
    valid_to: str | None
    recorded_at_us: int
    retracted_at_us: int | None

    def is_known(self, known_at_us: int) -> bool:
        return self.recorded_at_us <= known_at_us and (self.retracted_at_us is None or self.retracted_at_us > known_at_us)

    def is_in_force(self, day: str) -> bool:
        return self.valid_from <= day and (self.valid_to is None or self.valid_to >= day)

    def applies_in(self, territory: str) -> bool:
        return self.territory in (WORLD, territory)


@dataclass(frozen=True, slots=True)
class Share:
    """What a payee gets of a recording: what was claimed and what counts, both in e8."""

    payee: str
    declared_e8: int
    share_e8: int
    claim_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SplitSet:
    """The shares of one recording, lane and territory, ascending by payee; they sum to a whole."""

    status: str
    total_e8: int
    shares: tuple[Share, ...]
    claimants: tuple[str, ...]

    def is_complete(self) -> bool:
        return self.status in ("complete", "completed")


Subject = tuple[str, str, str]
"""Kind of subject, its id, lane."""


@dataclass(frozen=True, slots=True)
class Claims:
    """All claims by subject and lane, the work of each recording, and the claims that a dispute is open about at K."""

    by_subject: Mapping[Subject, list[Claim]]
    works: Mapping[str, str | None]
    disputed: frozenset[str] = frozenset()

    def select(self, recording_id: str, lane: str, known_at_us: int, day: str) -> list[Claim]:
        """The claims on a recording's subject in a lane that are known and in force."""
        subject = self.works.get(recording_id) if lane == PUBLISHING else recording_id
        if subject is None:
            return []
        kind = "work" if lane == PUBLISHING else "recording"
        return [claim for claim in self.by_subject.get((kind, subject, lane), ()) if claim.is_known(known_at_us) and claim.is_in_force(day)]


def split(claims: Iterable[Claim], territory: str, disputed: Container[str] = (), is_released: bool = False) -> SplitSet:
    """Step 5 over the claims that apply in the territory, one payee's claims added up; what is claimed by a disputed claim is held."""
    declared: dict[str, int] = {}
    claim_ids: dict[str, list[str]] = {}
    parties: set[str] = set()
    for claim in claims:
        if claim.applies_in(territory):
            payee = DISPUTE if claim.claim_id in disputed else f"party:{claim.party_id}"
            declared[payee] = declared.get(payee, 0) + claim.share_e8
            claim_ids.setdefault(payee, []).append(claim.claim_id)
            parties.add(claim.party_id)
    total = sum(declared.values())
    claimants = tuple(sorted(parties))
    distance = total - WHOLE_SHARE
    if not declared:
        return SplitSet("unclaimed", 0, (Share(SUSPENSE, 0, WHOLE_SHARE, ()),), ())
    if distance > COMPLETION:
        every = tuple(sorted(claim_id for ids in claim_ids.values() for claim_id in ids))
        return SplitSet("overclaim", total, (Share(DISPUTE, 0, WHOLE_SHARE, every),), claimants)
    shares, status = declared, "complete"
    if distance < -COMPLETION:
        shares, status = (apportion(WHOLE_SHARE, declared), "released") if is_released else (declared, "gap")
    elif distance:
        shares, status = apportion(WHOLE_SHARE, declared), "completed"
    lines = [Share(payee, declared[payee], shares[payee], tuple(sorted(claim_ids[payee]))) for payee in declared]
    if status == "gap":
        lines.append(Share(SUSPENSE, 0, WHOLE_SHARE - total, ()))
    return SplitSet(status, total, tuple(sorted(lines, key=lambda share: share.payee)), claimants)
