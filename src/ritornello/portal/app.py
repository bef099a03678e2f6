"""The portal's pages, put into an application."""

from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

from ritornello.domain.errors import Refused
from ritornello.portal import payments, public, recordings, sign_in, statements
from ritornello.portal.door import Door, SignInFirst, to_sign_in
from ritornello.portal.pages import show_page

ROUTERS = (sign_in.router, statements.router, recordings.router, payments.router, public.router)
_STATUS = {"foreign_form": 403, "no_invitation": 410, "too_busy": 503}


def include(app: FastAPI, door: Door) -> None:
    """Put every page into the application, and what is shown when one can't be."""
    app.state.door, app.state.public = door, public.Kept(door.home)
    for router in ROUTERS:
        app.include_router(router)
    style = files("ritornello.portal").joinpath("static/style.css").read_bytes()
    app.add_api_route(
        "/style.css", lambda: Response(style, media_type="text/css", headers={"Cache-Control": "max-age=3600"}), include_in_schema=False
    )
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(404, _not_found)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _failed)


def _sign_in_first(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInFirst)
    return to_sign_in(error.path)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    status = _STATUS.get(error.code, 404 if error.code.startswith(("unknown_", "no_")) else 409)
    return show_page(request, "trouble.html", status=status, what=error.what, todo=error.todo)


def _not_found(request: Request, _error: Exception) -> Response:
    return show_page(request, "trouble.html", status=404, what="there is no such page", todo="begin at the first page")


def _malformed(request: Request, _error: Exception) -> Response:
    """Shows nothing of what was sent: it may be a password."""
    return show_page(request, "trouble.html", status=422, what="that is not what the form asks for", todo="open the page anew")


def _failed(request: Request, _error: Exception) -> Response:
    """A fault of ours, or of the disk: the transaction is rolled back, and the server's own output says which."""
    return show_page(
        request,
        "trouble.html",
        status=500,
        what="something failed here, and nothing was changed",
        todo="try again; if it stays, tell whoever runs this service",
    )
