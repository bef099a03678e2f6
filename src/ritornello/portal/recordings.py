"""Recordings: the list, and one with its shares, consent, use and earnings."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ritornello.portal.door import let_in
from ritornello.portal.pages import show_page
from ritornello.service import recording_page

router = APIRouter(include_in_schema=False)
LONGEST = 200  # characters of a search


@router.get("/recordings")
def show_recordings(request: Request, q: str = "", after: str = "") -> Response:
    """Recordings page by page; a payee sees those in which they hold a claim."""
    text, behind = _plain(q), _plain(after)
    with request.app.state.door.home.context(read_only=True) as context:
        who = let_in(request, context)
        found = recording_page.list_some(context, who.party_id, text=text, after=behind)
    return show_page(request, "recordings.html", who, found=found, text=text, after=behind)


@router.get("/recordings/{recording_id}")
def show_recording(request: Request, recording_id: str) -> Response:
    with request.app.state.door.home.context(read_only=True) as context:
        who = let_in(request, context)
        page = recording_page.read(context, recording_id, who.party_id)
    return show_page(request, "recording.html", who, page=page)


def _plain(typed: str) -> str:
    """What somebody typed, without signs that no title has, and no longer than one."""
    return "".join(sign for sign in typed[:LONGEST] if sign.isprintable()).strip()
