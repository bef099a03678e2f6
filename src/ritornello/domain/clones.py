"""Which recordings are one and the same sound: clusters, so that copies do not earn twice."""

from collections.abc import Iterable


def cluster(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The groups that pairs of the same join, each in order, in order: a copy of a copy is a copy."""
    group: dict[str, set[str]] = {}
    for one, other in pairs:
        joined = group.get(one, {one}) | group.get(other, {other})
        group.update(dict.fromkeys(joined, joined))
    return tuple(sorted({tuple(sorted(members)) for members in group.values() if len(members) > 1}))
