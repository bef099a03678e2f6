"""Two parties claim one sound: a dispute about what the later comer claims, with the verdict and the hash of its evidence."""

from collections.abc import Collection, Sequence

from ritornello.domain.catalogue import Claim
from ritornello.service import disputes
from ritornello.service.clusters import find_pair, joins
from ritornello.service.context import Context
from ritornello.store import catalogue, clones
from ritornello.store import disputes as stored_disputes
from ritornello.store.clones import StoredVerdict

OPENED_BY = "comparison at import"


def contest_claims(context: Context, recording_ids: Collection[str]) -> None:
    """Contest what is claimed of recordings that were recognised as copies before anybody claimed them."""
    assets = catalogue.read_assets(context.connection)
    for one in clones.read_verdicts(context.connection):
        if joins(one) and not set(recording_ids).isdisjoint(find_pair(assets, one)):
            contest(context, one)


def contest(context: Context, one: StoredVerdict) -> None:
    """Two parties claim one sound: contest what the later comer claims, or both where they came at once. Nobody's money is held by a copy that somebody else brings.

    A claim that was contested for this verdict is not contested again: how that ended stands.
    """
    if not joins(one):
        return
    pair = find_pair(catalogue.read_assets(context.connection), one)
    sides = [_claims_of(context, recording_id) for recording_id in pair]
    contested = [claim for claim in _later(sides) if (others := _others(sides, claim)) and claim.party_id not in others]
    known = {
        row.claim_id
        for row in stored_disputes.read_disputes(context.connection)
        if row.resolved_at_us is None or one.verdict_id in row.reason.split()
    }
    names = " and ".join(pair)
    for claim in contested:
        if claim.claim_id not in known:
            reason = f"{names} are the same sound and claimed by different parties: verdict {one.verdict_id} (evidence: SHA-256 {one.evidence_sha256})"
            disputes.open_dispute(context, claim.claim_id, OPENED_BY, reason)


def _claims_of(context: Context, recording_id: str) -> list[Claim]:
    return [
        claim
        for claim in catalogue.read_claims(context.connection, [recording_id])
        if claim.subject_kind == "recording" and claim.retracted_at_us is None
    ]


def _later(sides: Sequence[Sequence[Claim]]) -> list[Claim]:
    """The claims of the side that was claimed later; of both where neither was. None where one side is claimed by nobody."""
    if not all(sides):
        return []
    first = [min(claim.recorded_at_us for claim in side) for side in sides]
    return [claim for side, at_us in zip(sides, first, strict=True) if at_us == max(first) for claim in side]


def _others(sides: Sequence[Sequence[Claim]], claim: Claim) -> set[str]:
    """Parties with a share in the same lane of the other side."""
    return {one.party_id for side in sides if claim not in side for one in side if one.lane == claim.lane}
