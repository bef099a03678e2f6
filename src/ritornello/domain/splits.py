"""Split sets: who owns one lane of one recording, on a day, in a territory, as shares that total exactly 100 %.

The rule is docs/formats/settlement.md, step 5: small rounding is completed and shown, gaps go to suspense, overclaims go whole to dispute.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ritornello.domain.catalogue import WHOLE_E8, Claim
from ritornello.domain.money import apportion, format_units

TOLERANCE_E8 = 50_000  # 0.05 percentage points: 33.33 × 3, 14.29 × 7
SUSPENSE, DISPUTE, RESERVE = "held:suspense", "held:dispute", "held:reserve"
AGREED = frozenset({"complete", "completed"})


@dataclass(frozen=True, slots=True)
class Share:
    """One payee's part of a split set."""

    payee: str  # "party:ID" or a held account
    declared_e8: int
    share_e8: int
    claim_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SplitSet:
    """Shares that total `WHOLE_E8`, and how they came to."""

    status: str  # complete, completed, gap, released, unclaimed, overclaim
    total_e8: int  # what the claims total
    shares: tuple[Share, ...]


def divide_lane(claims: Iterable[Claim], disputed: frozenset[str] = frozenset(), *, is_released: bool = False) -> SplitSet:
    """The split set of one lane from the claims that are known, in force and apply; money of `disputed` claims is held.

    `is_released`: the time of held money is over, so a gap goes to those who are known.
    """
    declared: dict[str, int] = {}
    ids: dict[str, list[str]] = {}
    for claim in claims:
        payee = DISPUTE if claim.claim_id in disputed else f"party:{claim.party_id}"
        declared[payee] = declared.get(payee, 0) + claim.share_e8
        ids.setdefault(payee, []).append(claim.claim_id)
    total = sum(declared.values())
    status = _status(total)
    if status == "overclaim":
        every = tuple(sorted(claim_id for of_payee in ids.values() for claim_id in of_payee))
        return SplitSet(status, total, (Share(DISPUTE, 0, WHOLE_E8, every),))
    if status == "gap" and is_released:
        status = "released"
    agreed = apportion(WHOLE_E8, declared) if status in {"completed", "released"} else declared
    shares = [Share(payee, declared[payee], agreed[payee], tuple(sorted(ids[payee]))) for payee in sorted(agreed)]
    if status in {"gap", "unclaimed"}:
        shares.append(Share(SUSPENSE, 0, WHOLE_E8 - total, ()))
    split = SplitSet(status, total, tuple(shares))
    assert sum(share.share_e8 for share in split.shares) == WHOLE_E8
    return split


def format_share(share_e8: int) -> str:
    """A share as a percentage without needless zeros: `33.333334`, `100`."""
    return format_units(share_e8 * 100, 4).rstrip("0").rstrip(".") if share_e8 else "0"


def _status(total_e8: int) -> str:
    if total_e8 == WHOLE_E8:
        return "complete"
    if total_e8 == 0:
        return "unclaimed"
    if abs(total_e8 - WHOLE_E8) <= TOLERANCE_E8:
        return "completed"
    return "gap" if total_e8 < WHOLE_E8 else "overclaim"
