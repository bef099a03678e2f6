"""Frozen datasets: what each holds is proved by its root."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ritornello.api.asking import KEYED, CatalogueAsked, Id
from ritornello.service import overview, snapshots

router = APIRouter(tags=["snapshots"], responses=KEYED)


class Snapshot(BaseModel):
    """A row of snapshots.jsonl (docs/formats/period-folder.md)."""

    model_config = ConfigDict(extra="allow")
    snapshot_id: str
    programme_id: str
    manifest_root: str
    day: str


class Snapshots(BaseModel):
    items: list[Snapshot]


@router.get("/snapshots", response_model=Snapshots)
def list_snapshots(asked: CatalogueAsked) -> dict[str, Any]:
    """Every snapshot, oldest first."""
    return {"items": overview.list_snapshots(asked.context)}


@router.get("/snapshots/{snapshot_id}", response_model=Snapshot)
def show_snapshot(asked: CatalogueAsked, snapshot_id: Id) -> dict[str, Any]:
    """One snapshot."""
    return snapshots.find_row(asked.context, snapshot_id)
