"""The transparency log, for everybody: the signed checkpoint, the key that verifies it, and proofs."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from ritornello.api.asking import PUBLIC, PublicContext
from ritornello.service import log

router = APIRouter(tags=["log"], responses=PUBLIC)
_MAY_KEEP = {"Cache-Control": "no-cache"}


class Inclusion(BaseModel):
    """An entry, where it stands, and the hashes from it to the root of a tree of `tree_size` (RFC 9162, section 2.1.3)."""

    entry: str
    index: int
    tree_size: int
    hashes: list[str]


@router.get("/log/checkpoint", response_class=PlainTextResponse)
def show_checkpoint(context: PublicContext) -> PlainTextResponse:
    """The signed checkpoint over everything logged so far (docs/formats/log.md)."""
    return PlainTextResponse(log.checkpoint(context)[0], headers=_MAY_KEEP)


@router.get("/log/key", response_class=PlainTextResponse)
def show_key(context: PublicContext) -> PlainTextResponse:
    """The verifier key of checkpoints; compare it with one that you got elsewhere."""
    return PlainTextResponse(log.checkpoint(context)[1] + "\n", headers=_MAY_KEEP)


@router.get("/log/entries/{position}/proof", response_model=Inclusion)
def prove_entry(context: PublicContext, response: Response, position: Annotated[int, Path(ge=0, le=2**53)]) -> dict[str, Any]:
    """The proof that an entry, counted from 0, is in the log as it is now."""
    response.headers["Cache-Control"] = "no-cache"
    return log.prove(context, position)
