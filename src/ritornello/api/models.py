"""Model versions and what they were trained on."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ritornello.api.asking import KEYED, CatalogueAsked, Id
from ritornello.service import models

router = APIRouter(tags=["models"], responses=KEYED)


class Model(BaseModel):
    """A row of runs.jsonl (docs/formats/period-folder.md)."""

    model_config = ConfigDict(extra="allow")
    model_version: str
    run_id: str
    parents: list[str]
    snapshot_ids: list[str]
    trained_on: str


class Models(BaseModel):
    items: list[Model]


@router.get("/models", response_model=Models)
def list_models(asked: CatalogueAsked) -> dict[str, Any]:
    """Every model version, oldest first."""
    return {"items": models.list_runs(asked.context)}


@router.get("/models/{model_version}", response_model=Model)
def show_model(asked: CatalogueAsked, model_version: Id) -> dict[str, Any]:
    """One model version."""
    return models.find_run(asked.context, model_version)
