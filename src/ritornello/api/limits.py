"""How much one address or key may ask, how large a request may be, and what may be kept: before any route is looked at."""

import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from threading import Lock

from fastapi import Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ritornello.api.problems import respond

PER_SECOND, BURST = 20, 200  # requests of one address or key (docs/api.md)
MAX_BODY = 64 * 1024  # bytes; no route reads a body
_MOST_KNOWN = 10_000  # addresses and keys remembered at a time; the longest unseen is forgotten first


class Limiter:
    """Token buckets by name: `burst` at once, then `per_second`. Of this process alone; safe between threads."""

    def __init__(self, per_second: float = PER_SECOND, burst: int = BURST, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # name → tokens, when
        self._lock = Lock()

    def take(self, name: str) -> int:
        """0 when the request may go on, else the seconds until one may."""
        with self._lock:
            now = self._clock()
            tokens, then = self._buckets.pop(name, (float(self._burst), now))
            tokens = min(float(self._burst), tokens + (now - then) * self._per_second)
            allowed = tokens >= 1
            self._buckets[name] = (tokens - 1 if allowed else tokens, now)
            if len(self._buckets) > _MOST_KNOWN:
                self._buckets.popitem(last=False)
            return 0 if allowed else ceil((1 - tokens) / self._per_second)


class TooMany(Exception):
    """A key that asks more than it may; carries the seconds until it may again."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"wait {seconds} s")


def refuse_too_many(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TooMany)
    return _too_many(error.seconds)


def _too_many(seconds: int) -> Response:
    what = f"more than {BURST} requests at once, or {PER_SECOND} a second"
    return respond(429, "too_many_requests", what, f"wait {seconds} s", {"Retry-After": str(seconds)})


class Limits:
    """Refuses what is too much or too large; tells caches to keep nothing that a route did not allow."""

    def __init__(self, app: ASGIApp, limiter: Limiter) -> None:
        self._app, self._limiter = app, limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        app = self._refuse(scope) or self._app
        await app(scope, receive, send_on)

    def _refuse(self, scope: Scope) -> ASGIApp | None:
        client = scope.get("client")
        if seconds := self._limiter.take(f"address {client[0] if client else ''}"):
            return _too_many(seconds)
        if is_too_large(scope, MAX_BODY):
            return respond(413, "too_large", f"a request may have {MAX_BODY} bytes, and says how many", "send no body")
        return None


def is_too_large(scope: Scope, most: int) -> bool:
    """Whether a request brings more than `most` bytes (fewer than a million), or won't say how many."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and not (value.isdigit() and len(value) <= 6 and int(value) <= most))
        for name, value in scope["headers"]
    )
