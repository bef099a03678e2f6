"""A receipt of one decision, by hand, in a log of some other entries."""

from hashlib import sha256
from typing import Any

from bundle_maker.period import PROGRAMME
from bundle_maker.signing import Signer
from bundle_maker.writing import canonical, leaf, path_to, root

SIZE, PLACE = 11, 6


def make_receipt(event: dict[str, Any], signer: Signer) -> dict[str, Any]:
    """The event is the seventh of eleven entries."""
    kinds = ["consent" if index == PLACE else "else" for index in range(SIZE)]
    entries = [
        canonical({"at_us": index, "hash": sha256(canonical(event)).hexdigest(), "id": event["event_id"], "kind": kind})
        for index, kind in enumerate(kinds)
    ]
    leaves = [leaf(entry) for entry in entries]
    return {
        "format": "ritornello-receipt-1",
        "event": event,
        "terms": PROGRAMME.decode(),
        "effect": None,
        "proof": {
            "entry": entries[PLACE].decode(),
            "index": PLACE,
            "tree_size": SIZE,
            "hashes": [node.hex() for node in path_to(PLACE, leaves)],
        },
        "checkpoint": signer.checkpoint(SIZE, root(leaves)).decode(),
        "vkey": signer.vkey(),
    }


def make_effect(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "asset_id": event["asset_id"],
        "recording_id": event["recording_id"],
        "excluded_from": "2026-09-01",
        "snapshots_holding": ["snap-1"],
        "models_holding": [{"model_version": "m1", "exposure_ms": 3000}],
        "tail_until": None,
    }
