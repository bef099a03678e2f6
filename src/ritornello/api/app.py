"""The API as an application of its own under /api/v1: routes, errors, limits."""

import re
from typing import Any

from anyio import CapacityLimiter
from fastapi import FastAPI
from pydantic.json_schema import models_json_schema
from starlette.routing import Mount

import ritornello
from ritornello.api import log, models, programmes, recordings, settlements, snapshots
from ritornello.api.asking import OPEN_AT_ONCE
from ritornello.api.limits import Limiter, Limits, TooMany, refuse_too_many
from ritornello.api.problems import ProblemDocument, install
from ritornello.wiring import Home

PREFIX = "/api/v1"


def include(app: FastAPI, home: Home, limiter: Limiter | None = None) -> FastAPI:
    """Put the API under /api/v1 of an application; returns the API itself. `limiter`: counts the requests of this process."""
    api = build(home, limiter or Limiter())
    mount = Mount(PREFIX, api)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)  # an escaped line end in a path is answered here too
    app.router.routes.append(mount)
    return api


def build(home: Home, limiter: Limiter) -> FastAPI:
    """The API alone, without its prefix."""
    api = _Api(
        title="Ritornello",
        version=ritornello.__version__,
        description="The open meter and ledger for music used in AI: catalogue, settlements, statements, and what stands behind each line.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.home, api.state.limiter, api.state.open_at_once = home, limiter, CapacityLimiter(OPEN_AT_ONCE)
    for room in (recordings, settlements, programmes, snapshots, models, log):
        api.include_router(room.router)
    install(api)
    api.add_exception_handler(TooMany, refuse_too_many)
    api.add_middleware(Limits, limiter=limiter)
    return api


class _Api(FastAPI):
    """Its document holds the form of problems, which every route may answer with."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            _, found = models_json_schema([(ProblemDocument, "serialization")], ref_template="#/components/schemas/{model}")
            document["components"]["schemas"] |= found["$defs"]
        assert self.openapi_schema is not None
        return self.openapi_schema
