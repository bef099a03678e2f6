"""Which recordings are one and the same sound: clusters, so that copies do not earn twice."""

from collections.abc import Iterable

EXACT_COPY, SAME_SOUND, VARIANT, OTHER_MIX, EXCERPT = "exact_copy", "same_sound", "variant", "other_mix", "excerpt"  # kinds of verdicts
SURE = frozenset({EXACT_COPY, SAME_SOUND})  # count without a person's word, until somebody dismisses them
COPIES = SURE | {VARIANT, OTHER_MIX, EXCERPT}  # are one sound once confirmed
RECORDING = "recording"  # what a verdict is about where the same bytes came in as another recording, which has no asset of its own
CONFIRMED, DISMISSED = "confirmed", "dismissed"


def is_copy(kind: str, decision: str | None) -> bool:
    """Whether a verdict of this kind between two assets, decided so or not yet (None), makes them one sound."""
    return decision != DISMISSED and (kind in SURE or (decision == CONFIRMED and kind in COPIES))


def cluster(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The groups that pairs of the same join, each in order, in order: a copy of a copy is a copy."""
    group: dict[str, set[str]] = {}
    for one, other in pairs:
        joined = group.get(one, {one}) | group.get(other, {other})
        group.update(dict.fromkeys(joined, joined))
    return tuple(sorted({tuple(sorted(members)) for members in group.values() if len(members) > 1}))
