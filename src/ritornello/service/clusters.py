"""Recordings that are one and the same sound, as the review queue of clones stands: what attribution and division count once."""

from ritornello.domain.clones import cluster, is_copy
from ritornello.service.context import Context
from ritornello.store import catalogue, clones
from ritornello.store.clones import StoredVerdict


def find_clusters(context: Context, known_at_us: int | None = None) -> tuple[tuple[str, ...], ...]:
    """By verdicts that are sure and not dismissed, and by copies that somebody confirmed; as known at a moment (None: now). Each in order, in order."""
    assets = catalogue.read_assets(context.connection)
    pairs = []
    for one in clones.read_verdicts(context.connection, known_at_us):
        if joins(one) and assets[one.asset_id].kind == assets[one.other_id].kind:
            pairs.append((assets[one.asset_id].recording_id, assets[one.other_id].recording_id))
    return cluster(pairs)


def joins(one: StoredVerdict) -> bool:
    """Whether a verdict makes its two sounds one."""
    return one.other_kind == "asset" and is_copy(one.kind, one.decision)
