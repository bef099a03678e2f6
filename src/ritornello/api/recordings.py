"""Recordings: page by page, all at once as NDJSON, or one with its files and split sheets."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from ritornello.api.asking import KEYED, CatalogueAsked, Id, of_home
from ritornello.formats.line_files import encode_ndjson
from ritornello.service import overview
from ritornello.wiring import Home

NDJSON = "application/x-ndjson"
_PAGE = 500
_CURSOR = "^(?:[2-6][0-9a-f]|7[0-9a-e]){1,64}$"  # opaque to others: the hex of the identifier that the page ended with
router = APIRouter(tags=["recordings"], responses=KEYED)


class Recording(BaseModel):
    """One fixed performance, with the length of its main file (0 where there is none)."""

    recording_id: str
    title: str
    artist: str
    isrc: str | None
    work_id: str | None
    duration_ms: int


class RecordingPage(BaseModel):
    """Some recordings, ascending by identifier; `next` is the cursor of the following page, null at the end."""

    items: list[Recording]
    next: str | None


class RecordingIdentity(BaseModel):
    recording_id: str
    title: str
    artist: str
    isrc: str | None
    work_id: str | None


class RecordingDetail(BaseModel):
    """A recording with its files, contributors, what others declared of it, and by lane who owns it, worldwide and today.

    A payee sees of `splits` their own shares alone.
    """

    recording: RecordingIdentity
    assets: list[dict[str, Any]]
    contributions: list[dict[str, Any]]
    splits: dict[str, dict[str, Any]]
    declared: list[dict[str, Any]]


@router.get("/recordings", response_model=RecordingPage)
def list_recordings(
    asked: CatalogueAsked, limit: Annotated[int, Query(ge=1, le=500)] = 100, cursor: Annotated[str | None, Query(pattern=_CURSOR)] = None
) -> dict[str, Any]:
    """Recordings page by page; a payee gets those in which they hold a claim."""
    found = overview.page_recordings(asked.context, after=bytes.fromhex(cursor or "").decode("ascii"), limit=limit + 1, reader=asked.reader)
    return {"items": found[:limit], "next": _cursor_after(found[limit - 1]) if len(found) > limit else None}


@router.get(
    "/recordings.ndjson",
    response_class=StreamingResponse,
    responses={200: {"description": "one recording a line", "content": {NDJSON: {"schema": {"type": "string"}}}}},
)
def stream_recordings(request: Request, asked: CatalogueAsked) -> StreamingResponse:
    """All of them, one JSON object a line, ascending by identifier. Each 500 are as they are at that moment."""
    return StreamingResponse(_stream(of_home(request), asked.reader), media_type=NDJSON)


@router.get("/recordings/{recording_id}", response_model=RecordingDetail)
def show_recording(asked: CatalogueAsked, recording_id: Id) -> dict[str, Any]:
    """One recording."""
    return overview.describe_recording_to(asked.context, recording_id, asked.reader)


def _stream(home: Home, reader: str | None) -> Iterator[bytes]:
    """A transaction for each page, so that a slow reader holds none open."""
    after, full = "", True
    while full:
        with home.context(read_only=True) as context:
            rows = overview.page_recordings(context, after=after, limit=_PAGE, reader=reader)
        yield b"".join(encode_ndjson(rows))
        full = len(rows) == _PAGE
        after = rows[-1]["recording_id"] if rows else after


def _cursor_after(row: dict[str, Any]) -> str:
    return str(row["recording_id"]).encode("ascii").hex()
