"""Logins by invitation, passwords, sessions and keys: what is refused, what ends, and what is never stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ritornello.domain.errors import Refused
from ritornello.service import access
from ritornello.service.context import Context
from ritornello.settings import read_settings
from ritornello.wiring import Home

PASSWORD = "correct horse battery"
START_US = 1_790_000_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(home: Path, clock: Clock) -> Iterator[Home]:
    opened = Home(home, read_settings().database, clock)
    yield opened
    opened.close()


@pytest.fixture
def context(opened: Home) -> Iterator[Context]:
    with opened.context() as context:
        yield context


def join(context: Context, user_id: str = "ana@example.org", role: str = "payee", party_id: str | None = "ana") -> None:
    access.take_invitation(context, access.invite(context, user_id, "Ana", role, party_id), access.hash_password(PASSWORD))


def sign_in(context: Context, user_id: str, password: str) -> str | None:
    return access.sign_in(context, user_id, access.check_password(access.find_password(context, user_id), password))


def test_invitation_password_session(context: Context, clock: Clock) -> None:
    token = access.invite(context, "ana@example.org", "Ana", "payee", "ana")
    assert sign_in(context, "ana@example.org", "") is None
    joined = access.who_is(context, access.take_invitation(context, token, access.hash_password(PASSWORD)))
    assert joined and joined.user_id == "ana@example.org"
    with pytest.raises(Refused, match="unknown, used or too old"):
        access.take_invitation(context, token, access.hash_password(PASSWORD))
    assert sign_in(context, "ana@example.org", PASSWORD + "!") is None
    assert sign_in(context, "nobody", PASSWORD) is None
    session = sign_in(context, "ana@example.org", PASSWORD)
    assert session is not None
    who = access.who_is(context, session)
    assert who == access.Principal("ana@example.org", "Ana", "payee", "ana", frozenset(access.SCOPES))
    clock.now_us += access.SESSION_HOURS * access.HOUR_US
    assert access.who_is(context, session) is None
    again = sign_in(context, "ana@example.org", PASSWORD)
    assert again is not None
    access.sign_out(context, again)
    assert access.who_is(context, again) is None


def test_an_invitation_grows_old_and_a_new_one_replaces_it(context: Context, clock: Clock) -> None:
    first = access.invite(context, "ana@example.org", "", "payee", "ana")
    second = access.invite_again(context, "ana@example.org")
    with pytest.raises(Refused, match="unknown, used or too old"):
        access.read_invitation(context, first)
    clock.now_us += access.INVITATION_HOURS * access.HOUR_US
    with pytest.raises(Refused, match="unknown, used or too old"):
        access.read_invitation(context, second)


def test_a_new_password_ends_sessions(context: Context) -> None:
    join(context)
    session = sign_in(context, "ana@example.org", PASSWORD)
    assert session is not None
    access.take_invitation(context, access.invite_again(context, "ana@example.org"), access.hash_password("another " + PASSWORD))
    assert access.who_is(context, session) is None
    assert sign_in(context, "ana@example.org", PASSWORD) is None


def test_guessing_stops(context: Context, clock: Clock) -> None:
    join(context)
    clock.now_us += 1
    for _ in range(access.TRIES):
        assert sign_in(context, "ana@example.org", "wrong") is None
    assert sign_in(context, "ana@example.org", PASSWORD) is None
    assert sum(one["action"] == "sign-in failed" for one in access.list_events(context)) == access.TRIES
    clock.now_us += (access.TRIES_MINUTES + 1) * access.HOUR_US // 60
    assert sign_in(context, "ana@example.org", PASSWORD) is not None
    assert sign_in(context, "ana@example.org", "wrong") is None, "counting begins anew after a success"


def test_removal_ends_everything(context: Context) -> None:
    join(context)
    session = sign_in(context, "ana@example.org", PASSWORD)
    _, secret = access.make_key(context, "ana@example.org", "", ["money:read"])
    assert session is not None
    assert access.who_has_key(context, secret).scopes == {"money:read"}
    access.remove(context, "ana@example.org")
    assert access.who_is(context, session) is None
    assert sign_in(context, "ana@example.org", PASSWORD) is None
    with pytest.raises(Refused, match="unknown, ended or too old"):
        access.who_has_key(context, secret)
    with pytest.raises(Refused, match="already, or there was one"):
        join(context)


def test_keys_end_and_grow_old(context: Context, clock: Clock) -> None:
    join(context)
    ended, ended_secret = access.make_key(context, "ana@example.org", "a", ["catalogue:read", "money:read"], 1)
    _, old_secret = access.make_key(context, "ana@example.org", "b", ["money:read"], 1)
    access.end_key(context, ended)
    with pytest.raises(Refused, match="no key"):
        access.end_key(context, ended)
    with pytest.raises(Refused):
        access.who_has_key(context, ended_secret)
    assert access.who_has_key(context, old_secret).user_id == "ana@example.org"
    clock.now_us += 24 * access.HOUR_US
    with pytest.raises(Refused):
        access.who_has_key(context, old_secret)


@pytest.mark.parametrize(
    ("user_id", "role", "party_id", "code"),
    [
        ("a", "owner", None, "bad_role"),
        ("a", "payee", None, "bad_role"),
        ("a", "admin", "ana", "bad_role"),
        ("a", "payee", "stranger", "unknown_party"),
        ("", "admin", None, "bad_login"),
        ("a\nb", "admin", None, "bad_login"),
        (" a", "admin", None, "bad_login"),
    ],
)
def test_refused_logins(context: Context, user_id: str, role: str, party_id: str | None, code: str) -> None:
    with pytest.raises(Refused) as caught:
        access.invite(context, user_id, "", role, party_id)
    assert caught.value.code == code


@pytest.mark.parametrize("password", ["short", "x" * 201, "a" * 20])
def test_refused_passwords(password: str) -> None:
    with pytest.raises(Refused, match="a password has"):
        access.hash_password(password)


def test_a_password_that_changed_while_it_was_checked_is_wrong(context: Context) -> None:
    join(context)
    right = access.check_password(access.find_password(context, "ana@example.org"), PASSWORD)
    access.take_invitation(context, access.invite_again(context, "ana@example.org"), access.hash_password(PASSWORD))
    assert right is not None
    assert access.sign_in(context, "ana@example.org", right) is None
    access.remove(context, "ana@example.org")
    assert access.sign_in(context, "ana@example.org", right) is None


def test_whoever_is_shut_out_by_others_gets_in_by_a_new_invitation(context: Context, clock: Clock) -> None:
    join(context)
    clock.now_us += 1
    for _ in range(access.TRIES):
        sign_in(context, "ana@example.org", "wrong")
    assert sign_in(context, "ana@example.org", PASSWORD) is None
    invitation = access.invite_again(context, "ana@example.org")
    assert access.who_is(context, access.take_invitation(context, invitation, access.hash_password(PASSWORD)))
    assert sign_in(context, "ana@example.org", PASSWORD) is not None


def test_names_of_nobody_are_not_recorded(context: Context) -> None:
    """They may be passwords, or made to look like other lines of the log."""
    for number in range(2 * access.TRIES):
        assert sign_in(context, f"x{number}\n\x00 op  signed in", PASSWORD) is None
    events = access.list_events(context)
    assert [(one["user_id"], one["action"]) for one in events] == [("", "sign-in failed")] * access.TRIES


def test_a_password_is_the_same_from_every_keyboard(context: Context) -> None:
    access.take_invitation(context, access.invite(context, "a", "", "admin", None), access.hash_password("Ma\u0308rzho\u0308rn 2026"))
    assert sign_in(context, "a", "M\u00e4rzh\u00f6rn 2026") is not None


def test_secrets_are_not_stored(opened: Home) -> None:
    with opened.context() as context:
        token = access.invite(context, "ana@example.org", "", "payee", "ana")
        access.take_invitation(context, token, access.hash_password(PASSWORD))
        session = sign_in(context, "ana@example.org", PASSWORD)
        _, secret = access.make_key(context, "ana@example.org", "", ["money:read"])
        stored = "\n".join(
            str(tuple(row))
            for table in ("login", "login_session", "invitation", "api_key", "access_event")
            for row in context.connection.execute(text(f"SELECT * FROM {table}"))
        )
    assert session is not None
    for hidden in (PASSWORD, token, session, secret):
        assert hidden not in stored
    assert "$argon2id$" in stored


def test_what_was_done_is_append_only(opened: Home) -> None:
    with opened.context() as context:
        join(context)
    with pytest.raises(DBAPIError, match="append-only"), opened.context() as context:
        context.connection.execute(text("DELETE FROM access_event"))


def test_a_reader_can_not_write_and_waits_for_nobody(opened: Home) -> None:
    with opened.context() as writer:
        join(writer)
        with opened.context(read_only=True) as reader:
            assert access.list_logins(reader) == []
            with pytest.raises(DBAPIError):
                access.invite(reader, "b", "", "admin", None)
    with opened.context(read_only=True) as reader:
        assert [one["user_id"] for one in access.list_logins(reader)] == ["ana@example.org"]
    with opened.context() as writer:
        access.remove(writer, "ana@example.org")
