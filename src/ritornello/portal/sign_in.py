"""Signing in and out, and the welcome where an invitation becomes a password."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from ritornello.domain.errors import Refused
from ritornello.portal.door import Door, check_form, give_cookie, inside, read_token
from ritornello.portal.pages import show_page
from ritornello.service import access

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=1_000)]


@router.get("/sign-in")
def show_form(request: Request, to: str = "/") -> Response:
    return show_page(request, "sign_in.html", to=inside(to), user_id="", wrong="")


@router.post("/sign-in")
def sign_in(request: Request, user_id: Text = "", password: Text = "", to: Text = "/") -> Response:
    check_form(request)
    door: Door = request.app.state.door
    user_id = user_id.strip() if user_id.strip().isprintable() else ""
    if wait := door.allow(request.client.host if request.client else ""):
        wrong = f"Too many tries from where you are. Wait {wait} seconds."
        return show_page(request, "sign_in.html", status=429, to=inside(to), user_id=user_id, wrong=wrong)
    with door.take_turn():
        with door.home.context(read_only=True) as context:
            kept = access.find_password(context, user_id)
        right = access.check_password(kept, password)  # outside of any transaction: nobody waits for it
        with door.home.context() as context:
            token = access.sign_in(context, user_id, right)
    if token is None:
        wrong = "Name or password are wrong, or there were too many tries: then wait a quarter of an hour."
        return show_page(request, "sign_in.html", status=403, to=inside(to), user_id=user_id, wrong=wrong)
    return give_cookie(request, RedirectResponse(inside(to), 303), token)


@router.post("/sign-out")
def sign_out(request: Request, mark: Text = "") -> Response:
    check_form(request, mark)
    door: Door = request.app.state.door
    with door.home.context(read_only=True) as context:
        who = access.who_is(context, read_token(request))
    if who is not None:  # strangers take no write lock
        with door.home.context() as context:
            access.sign_out(context, read_token(request))
    return give_cookie(request, RedirectResponse("/sign-in", 303), "")


@router.get("/welcome/{token}")
def show_welcome(request: Request, token: str) -> Response:
    with request.app.state.door.home.context(read_only=True) as context:
        user_id = access.read_invitation(context, token)
    return show_page(request, "welcome.html", user_id=user_id, wrong="", shortest=access.PASSWORD_CHARACTERS[0])


@router.post("/welcome/{token}")
def welcome(request: Request, token: str, password: Text = "", again: Text = "") -> Response:
    check_form(request)
    door: Door = request.app.state.door
    with door.home.context(read_only=True) as context:
        user_id = access.read_invitation(context, token)
    wrong = "" if password == again else "The two passwords differ."
    try:
        if not wrong:
            with door.take_turn():
                hashed = access.hash_password(password)
                with door.home.context() as context:
                    session = access.take_invitation(context, token, hashed)
    except Refused as error:
        if error.code != "bad_password":
            raise
        wrong = f"{error.what[0].upper()}{error.what[1:]}: {error.todo}."
    if wrong:
        return show_page(request, "welcome.html", status=422, user_id=user_id, wrong=wrong, shortest=access.PASSWORD_CHARACTERS[0])
    return give_cookie(request, RedirectResponse("/", 303), session)
