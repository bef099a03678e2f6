"""Who asks, and what they may: the key of a request is checked in the transaction that answers it."""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Request
from fastapi.concurrency import contextmanager_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ritornello.api.limits import TooMany
from ritornello.api.problems import MEDIA_TYPE
from ritornello.domain.errors import Refused
from ritornello.service.access import Principal, who_has_key
from ritornello.service.context import Context
from ritornello.wiring import Home

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$", description="an identifier of the operator's own")]
OPEN_AT_ONCE = 10  # transactions; fewer than the connections that the database gives at once
_bearer = HTTPBearer(auto_error=False, description="An API key: `ritornello access key add`")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the transaction that answers it, and who asks."""

    context: Context
    principal: Principal

    @property
    def reader(self) -> str | None:
        """The party whose rows alone may be shown; None: all."""
        assert (self.principal.role == "payee") == (self.principal.party_id is not None)
        return self.principal.party_id


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    words = {401: "no valid key", 403: "the key lacks the scope", 404: "no such thing", 409: "refused by a rule", 410: "the line is gone"}
    more = {413: "too large", 422: "the request has problems", 429: "too many requests", 503: "the database failed"}
    return {status: {"description": (words | more)[status], "content": content} for status in (*statuses, 413, 422, 429, 503)}


PUBLIC: dict[int | str, dict[str, Any]] = _refusals(404)
KEYED: dict[int | str, dict[str, Any]] = _refusals(401, 403, 404, 409, 410)


def of_home(request: Request) -> Home:
    """The home that this API shows."""
    home = request.app.state.home
    assert isinstance(home, Home)
    return home


async def _open(request: Request) -> AsyncIterator[Context]:
    """A transaction, once fewer than OPEN_AT_ONCE are open.

    Who waits holds no thread: those who have a connection need threads to come to their end, and would wait for them for ever.
    """
    async with request.app.state.open_at_once, contextmanager_in_threadpool(of_home(request).context(read_only=True)) as context:
        yield context


PublicContext = Annotated[Context, Depends(_open, scope="function")]


def _needs(scope: str) -> Callable[..., Asked]:
    def ask(request: Request, context: PublicContext, credentials: _Credentials) -> Asked:
        if credentials is None:
            raise Refused("not_signed_in", "this needs a key", "send it: Authorization: Bearer KEY")
        principal = who_has_key(context, credentials.credentials)
        if seconds := request.app.state.limiter.take(f"key {hashlib.sha256(credentials.credentials.encode()).hexdigest()}"):
            raise TooMany(seconds)
        if scope not in principal.scopes:
            raise Refused("no_scope", f"the key lacks the scope {scope}", "ask for a key that has it")
        return Asked(context, principal)

    return ask


CatalogueAsked = Annotated[Asked, Depends(_needs("catalogue:read"), scope="function")]
MoneyAsked = Annotated[Asked, Depends(_needs("money:read"), scope="function")]
