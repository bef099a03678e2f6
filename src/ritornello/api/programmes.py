"""Programmes on offer and their terms, for everybody."""

from dataclasses import asdict
from datetime import date
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from ritornello.api.asking import PUBLIC, Id, PublicContext
from ritornello.domain.programme import Programme as Terms
from ritornello.service import programmes

TOML = "application/toml"
router = APIRouter(tags=["programmes"], responses=PUBLIC)


class Programme(BaseModel):
    """Terms between licensor and licensee; `sha256` is the hash of the file that grants bind to (docs/formats/programme.md)."""

    model_config = ConfigDict(extra="allow")
    programme_id: str
    version: int
    title: str
    licensor: str
    licensee: str
    purposes: list[str]
    licence: str
    valid_from: date
    valid_to: date
    territory: str
    sha256: str


class Programmes(BaseModel):
    items: list[Programme]


@router.get("/programmes", response_model=Programmes)
def list_programmes(context: PublicContext, response: Response) -> dict[str, Any]:
    """The newest version of each programme."""
    response.headers["Cache-Control"] = "no-cache"
    return {"items": [_show(programme) for programme in programmes.list_all(context)]}


@router.get("/programmes/{programme_id}", response_model=Programme)
def show_programme(context: PublicContext, programme_id: Id, response: Response) -> dict[str, Any]:
    """The newest version of one programme."""
    response.headers["Cache-Control"] = "no-cache"
    return _show(programmes.find(context, programme_id)[0])


@router.get(
    "/programmes/{programme_id}/programme.toml",
    response_class=Response,
    responses={200: {"description": "the terms, byte for byte", "content": {TOML: {"schema": {"type": "string"}}}}},
)
def show_terms(context: PublicContext, programme_id: Id) -> Response:
    """The newest version's file, whose SHA-256 the log and every grant name."""
    return Response(programmes.find(context, programme_id)[1], media_type=TOML, headers={"Cache-Control": "no-cache"})


def _show(programme: Terms) -> dict[str, Any]:
    found = asdict(programme)
    lineage = found["lineage"]
    if lineage is not None:
        lineage["links"] = [{"parent": parent, "child": child, "share_ppm": ppm} for (parent, child), ppm in lineage["links"].items()]
    return found
