"""The page for everybody, signed in or not."""

import time
from threading import Lock

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ritornello.portal.door import read_token
from ritornello.portal.pages import show_page
from ritornello.service import access
from ritornello.service.public_page import PublicPage, read
from ritornello.wiring import Home

router = APIRouter(include_in_schema=False)
KEPT_SECONDS = 60.0


class Kept:
    """The page's content, read again at most once a minute: nobody can make the service sum up everything again and again."""

    def __init__(self, home: Home) -> None:
        self._home, self._lock = home, Lock()
        self._page: PublicPage | None = None
        self._read_at = 0.0

    def read(self) -> PublicPage:
        with self._lock:
            if self._page is None or time.monotonic() - self._read_at > KEPT_SECONDS:
                with self._home.context(read_only=True) as context:
                    self._page = read(context)
                self._read_at = time.monotonic()
            return self._page


@router.get("/public")
def show_public(request: Request) -> Response:
    with request.app.state.door.home.context(read_only=True) as context:
        who = access.who_is(context, read_token(request))
    return show_page(request, "public.html", who, public=request.app.state.public.read())
