"""The service as one application: the portal's pages and, under /api/v1, the API, behind the same headers."""

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ritornello.api import app as api
from ritornello.api.limits import Limiter, is_too_large
from ritornello.portal import app as portal
from ritornello.portal.door import FORM_LIMIT, Door
from ritornello.wiring import Home

SIGN_INS_PER_SECOND, SIGN_INS_AT_ONCE = 0.1, 10  # of one address
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def build(home: Home) -> ASGIApp:
    """Everything that `ritornello serve` serves of a home."""
    application = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)  # a redirect would repeat any Host
    api.include(application, home)
    portal.include(application, Door(home, Limiter(SIGN_INS_PER_SECOND, SIGN_INS_AT_ONCE).take))
    return _Guard(application)  # outside of everything, so that pages of faults have the headers too


class _Guard:
    """Sets the headers that keep pages to themselves, and refuses bodies that no form of ours has."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if not scope["path"].startswith(f"{api.PREFIX}/") and is_too_large(scope, FORM_LIMIT):  # the API has a limit of its own
            await send(
                {"type": "http.response.start", "status": 413, "headers": [(b"content-type", b"text/plain"), (b"connection", b"close")]}
            )
            await send({"type": "http.response.body", "body": b"too large: send no more than a form has, and say how much it is\n"})
            return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_on)
