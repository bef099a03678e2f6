"""What a withdrawal really does: which snapshots and models still hold the asset, what they still owe, and until when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from ritornello.domain.consent import CLASS, ConsentEvent
from ritornello.domain.programme import Programme
from ritornello.service import models, programmes, snapshots
from ritornello.service.context import Context
from ritornello.store import consents, schema


@dataclass(frozen=True, slots=True)
class Holder:
    """A snapshot that holds an asset on somebody's word, and the models trained on it from there."""

    snapshot_id: str
    programme: Programme
    exposures: Mapping[str, int]  # model version → milliseconds of the asset that it read


def describe_effects(context: Context, events: Sequence[ConsentEvent]) -> list[dict[str, Any]]:
    """For each withdrawal: the first day without the asset, the snapshots and model versions that hold it, and the tail (docs/formats/receipt.md)."""
    found = find_holders(context, events)
    return [_describe(event, found[event.event_id]) for event in events]


def find_holders(context: Context, events: Iterable[ConsentEvent]) -> dict[str, list[Holder]]:
    """For each event (by id), who holds its asset: snapshots of its programme or, for a class, those that relied on the party's grants to it."""
    events = list(events)
    manifests = _read_manifests(context, {event.asset_id for event in events})
    runs = _read_runs(context, {row.snapshot_id for row, _ in manifests})
    programmes_known: dict[str, Programme] = {}
    found: dict[str, list[Holder]] = {}
    for event in events:
        holders = found.setdefault(event.event_id, [])
        relied = _grants_to_class(context, event) if event.programme_id.startswith(CLASS) else None
        for row, assets in manifests:
            grants = assets.get(event.asset_id)
            if grants is None or (row.programme_id != event.programme_id if relied is None else not relied & set(grants)):
                continue
            sha256 = row.programme_sha256
            if sha256 not in programmes_known:
                programmes_known[sha256] = programmes.find_terms(context, sha256)
            exposures = {
                name: exposure[event.asset_id]
                for name, (snapshot_ids, exposure) in runs.items()
                if row.snapshot_id in snapshot_ids and event.asset_id in exposure
            }
            holders.append(Holder(row.snapshot_id, programmes_known[sha256], exposures))
    return found


def _describe(event: ConsentEvent, holders: Sequence[Holder]) -> dict[str, Any]:
    trained = {name: exposure_ms for holder in holders for name, exposure_ms in holder.exposures.items()}
    tails = [holder.programme.tail_days for holder in holders if holder.exposures]
    return {
        "asset_id": event.asset_id,
        "recording_id": event.recording_id,
        "excluded_from": event.effective_from.isoformat(),
        "snapshots_holding": [holder.snapshot_id for holder in holders],
        "models_holding": [{"model_version": name, "exposure_ms": exposure_ms} for name, exposure_ms in sorted(trained.items())],
        "tail_until": (event.effective_from + timedelta(days=min(tails))).isoformat() if tails else None,
    }


def _grants_to_class(context: Context, event: ConsentEvent) -> set[str]:
    """The party's grants of the asset to the event's class."""
    same = (event.party_id, event.asset_id, event.purpose)
    events = consents.read_events(context.connection, programme_id=event.programme_id, recording_id=event.recording_id)
    return {one.event_id for one in events if one.decision == "grant" and (one.party_id, one.asset_id, one.purpose) == same}


def _read_manifests(context: Context, wanted: set[str]) -> list[tuple[Any, dict[str, list[str]]]]:
    """Every snapshot's row, oldest first, with asset → consent events relied on for the assets that are wanted."""
    rows = context.connection.execute(select(schema.snapshot).order_by(schema.snapshot.c.known_at_us, schema.snapshot.c.snapshot_id)).all()
    found = []
    for row in rows:
        manifest = snapshots.read_manifest(context, row.snapshot_id)
        assets = {line["asset_id"]: line["consent_events"] for line in manifest if line["asset_id"] in wanted}
        if assets:
            found.append((row, assets))
    return found


def _read_runs(context: Context, snapshot_ids: set[str]) -> dict[str, tuple[set[str], dict[str, int]]]:
    """Model version → its snapshots, and asset → exposure in milliseconds, for those trained on one of the snapshots."""
    found = {}
    for name in context.connection.scalars(select(schema.run.c.model_version).order_by(schema.run.c.model_version)).all():
        of_run = set(models.find_run(context, name)["snapshot_ids"])
        if of_run & snapshot_ids:
            found[name] = (of_run, {row["asset_id"]: row["exposure_ms"] for row in models.read_exposure(context, name)})
    return found
