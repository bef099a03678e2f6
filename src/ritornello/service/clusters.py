"""Recordings that are one and the same sound, as the review queue of clones stands: what attribution and division count once."""

from collections.abc import Mapping

from ritornello.domain.catalogue import Asset
from ritornello.domain.clones import RECORDING, cluster, is_copy
from ritornello.service.context import Context
from ritornello.store import catalogue, clones
from ritornello.store.clones import StoredVerdict


def find_clusters(context: Context, known_at_us: int | None = None) -> tuple[tuple[str, ...], ...]:
    """By verdicts that are sure and not dismissed, and by copies that somebody confirmed; as known at a moment (None: now). Each in order, in order."""
    assets = catalogue.read_assets(context.connection)
    pairs = []
    for one in clones.read_verdicts(context.connection, known_at_us):
        if joins(one) and assets[one.asset_id].kind == (RECORDING if one.other_kind == RECORDING else assets[one.other_id].kind):
            pairs.append(find_pair(assets, one))
    return cluster(pairs)


def joins(one: StoredVerdict) -> bool:
    """Whether a verdict makes its two sounds one."""
    return one.other_kind in {"asset", RECORDING} and is_copy(one.kind, one.decision)


def find_pair(assets: Mapping[str, Asset], one: StoredVerdict) -> tuple[str, str]:
    """The recordings that a verdict between two of them is about."""
    return assets[one.asset_id].recording_id, one.other_id if one.other_kind == RECORDING else assets[one.other_id].recording_id
