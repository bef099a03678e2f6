"""The API as an application of its own under /api/v1: routes, errors, limits."""

from fastapi import FastAPI

import ritornello
from ritornello.api import log, models, programmes, recordings, settlements, snapshots
from ritornello.api.asking import REFUSALS, Guard
from ritornello.api.limits import Limiter, Limits
from ritornello.api.problems import install
from ritornello.wiring import Home

PREFIX = "/api/v1"
ROOMS = (recordings, settlements, programmes, snapshots, models, log)


def include(app: FastAPI, home: Home, limiter: Limiter | None = None) -> FastAPI:
    """Put the API under /api/v1 of an application; returns the API itself."""
    api = build(home, limiter)
    app.mount(PREFIX, api)
    return api


def build(home: Home, limiter: Limiter | None = None) -> FastAPI:
    """The API alone. `limiter`: counts requests of this process; by default by the clock and the documented limits."""
    api = FastAPI(
        title="Ritornello",
        version=ritornello.__version__,
        description="The open meter and ledger for music used in AI: catalogue, settlements, statements, and the proof of each line.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=REFUSALS,
    )
    api.state.home, api.state.limiter = home, limiter or Limiter()
    for room in ROOMS:
        api.include_router(room.router)
    install(api)
    api.add_middleware(Limits, limiter=api.state.limiter)
    return api


__all__ = ["PREFIX", "Guard", "build", "include"]
