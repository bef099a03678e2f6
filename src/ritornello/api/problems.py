"""What goes wrong, as RFC 9457 problem documents with stable codes; never a traceback."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from ritornello.domain.errors import BadInput, Problem, Refused

MEDIA_TYPE = "application/problem+json"
_STATUS = {
    "not_signed_in": 401,
    "no_scope": 403,
    "forbidden": 403,
    "line_gone": 410,
    **dict.fromkeys(("no_home", "home_broken", "no_driver", "bad_database", "no_data_key", "bad_data_key"), 503),
}
_TITLES = {
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Refused by a rule",
    410: "Gone",
    413: "Too large",
    422: "The request has problems",
    429: "Too many requests",
    500: "A fault of the program",
    503: "The surroundings failed",
}
_log = logging.getLogger("ritornello.api")


class ProblemDocument(BaseModel):
    """An error: `code` is stable, `detail` says what happened, `todo` what would help."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    todo: str
    problems: list[Problem] | None = None


def status_of(code: str) -> int:
    """The HTTP status of a refusal's code: what isn't there 404, what the rules forbid 409, the rest as listed."""
    if code in _STATUS:
        return _STATUS[code]
    return 404 if code.startswith(("unknown_", "no_")) else 409


def respond(status: int, code: str, detail: str, todo: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """A problem document. `type` names the code as a URN."""
    shown = {"type": f"urn:ritornello:problem:{code}", "title": _TITLES.get(status, "Error"), "status": status, "code": code}
    kept = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}  # a fault's answer passes no middleware
    return JSONResponse({**shown, "detail": detail, "todo": todo, **more}, status, kept, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every kind of trouble has one answer."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(BadInput, _bad_input)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(SQLAlchemyError, _surroundings)
    app.add_exception_handler(OSError, _surroundings)
    app.add_exception_handler(Exception, _fault)


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    status = status_of(error.code)
    headers = {"WWW-Authenticate": 'Bearer realm="ritornello"'} if status == 401 else None
    if status == 503:
        _log.error("refused (%s): %s", error.code, error)
        return respond(status, "surroundings", "the service can't be used now", "ask whoever runs it")
    return respond(status, error.code, error.what, error.todo, headers)


def _bad_input(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BadInput)
    return _with_problems(error.code, list(error.problems))


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = []
    for one in error.errors():
        place, *path = (str(part) for part in one["loc"])
        found.append(Problem(place, None, ".".join(path) or None, str(one["msg"]), "see docs/api.md or openapi.json"))
    return _with_problems("bad_request", found)


def _with_problems(code: str, problems: list[Problem]) -> Response:
    what = f"{len(problems)} problem(s); nothing was taken"
    return respond(422, code, what, "correct what is listed", problems=[problem.as_dict() for problem in problems])


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: ("unknown_route", "there is no such route"), 405: ("unknown_method", "the route has no such method")}
    code, what = known.get(error.status_code, ("bad_request", str(error.detail)))
    return respond(error.status_code, code, what, "see docs/api.md or openapi.json", error.headers)


def _surroundings(_request: Request, error: Exception) -> Response:
    _log.error("the disk or the database failed", exc_info=error)
    return respond(503, "surroundings", "the disk or the database failed; nothing was half written", "try again", {"Retry-After": "5"})


def _fault(_request: Request, _error: Exception) -> Response:
    """The server logs the error itself, since it is raised on."""
    return respond(500, "fault", "a fault of the program; nothing was written", "tell whoever runs the service")
