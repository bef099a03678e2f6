"""Split sets of every (recording, lane, territory) that some pool divides over: step 5, compiled so that the engine joins on equal keys only."""

from collections.abc import Iterable

from ritornello.domain.catalogue import subject_of
from ritornello.domain.period import Period, claims_by_lane
from ritornello.domain.splits import SplitSet, divide_lane

SplitKey = tuple[str, str, str]  # recording, lane, territory


def compile_splits(period: Period, wanted: Iterable[SplitKey]) -> dict[SplitKey, SplitSet]:
    """The split set of each wanted key, from the claims known at the period's moment and in force on its last day."""
    by_lane = claims_by_lane(period.claims_in_force())
    disputed = frozenset(dispute.claim_id for dispute in period.disputes if dispute.open_at(period.known_at_us))
    splits = {}
    for recording_id, lane, territory in sorted(wanted):
        kind, subject_id = subject_of(period.recordings[recording_id], lane)
        claims = by_lane.get((kind, subject_id, lane), []) if subject_id else []
        splits[recording_id, lane, territory] = divide_lane(
            (claim for claim in claims if claim.applies_in(territory)), disputed, is_released=period.is_released
        )
    return splits
