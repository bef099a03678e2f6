"""Who opens a page: the session's cookie, forms that only our own pages may send, and what is shown when somebody may not."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from ritornello.domain.errors import Refused
from ritornello.service import access
from ritornello.service.context import Context
from ritornello.wiring import Home

COOKIE, SECURE_COOKIE = "ritornello", "__Host-ritornello"
FORM_LIMIT = 16 * 1024  # bytes
TURNS = 8  # passwords hashed at once, 64 MiB each


@dataclass(frozen=True, slots=True)
class Door:
    """What the portal's routes share. `allow(address)`: 0, or the seconds until this address may try a password again."""

    home: Home
    allow: Callable[[str], int]
    turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(TURNS))

    @contextmanager
    def take_turn(self) -> Iterator[None]:
        """While a password is hashed, which takes memory and time, and the result is written. Raises Refused instead of waiting, so that pages have threads."""
        if not self.turns.acquire(blocking=False):
            raise Refused("too_busy", "many people are signing in at this moment", "try again in some seconds")
        try:
            yield
        finally:
            self.turns.release()


class SignInFirst(Exception):
    """Nobody has signed in; the page they wanted is `path`."""

    def __init__(self, path: str) -> None:
        self.path = path


def read_token(request: Request) -> str:
    """The session's token that the browser sent, or nothing."""
    return request.cookies.get(SECURE_COOKIE if request.url.scheme == "https" else COOKIE, "")


def let_in(request: Request, context: Context) -> access.Principal:
    """Whoever has signed in. Raises SignInFirst."""
    who = access.who_is(context, read_token(request))
    if who is None:
        raise SignInFirst(request.url.path)
    return who


def give_cookie(request: Request, response: Response, token: str) -> Response:
    """Keep a session in the browser: not for scripts, not for other sites, over HTTPS alone where the page came over it."""
    secure = request.url.scheme == "https"
    name, age = SECURE_COOKIE if secure else COOKIE, access.SESSION_HOURS * 3600 if token else 0
    response.set_cookie(name, token, max_age=age, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def form_mark(request: Request) -> str:
    """What a form of this session carries, so that no other site can send it."""
    return hashlib.sha256(b"form " + read_token(request).encode()).hexdigest()


def check_form(request: Request, mark: str | None = None) -> None:
    """Raises Refused when another site sent the form; with a mark, when it isn't of this session either."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if not (ours if site is None else site in {"same-origin", "none"}):  # older browsers send an origin alone
        raise Refused("foreign_form", "this form was not sent by a page of this service", "open the page here and send it again")
    if mark is not None and not hmac.compare_digest(mark.encode(), form_mark(request).encode()):
        raise Refused("foreign_form", "this form is of another session", "open the page anew and send it again")


def to_sign_in(path: str) -> Response:
    """Where to sign in, and then back to the page that was wanted."""
    return RedirectResponse(f"/sign-in?to={quote(path)}" if path != "/" else "/sign-in", 303)


def inside(path: str) -> str:
    """A path of this service, whatever was asked for."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
