"""Who is at the door: logins by invitation, passwords (argon2id, RFC 9106), sessions, API keys, and a record of what was done with them.

An operator invites; whoever is invited sets the password, so that nobody else ever knows it. Tokens are 256 random bits; the database holds their SHA-256 alone.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error

from ritornello.domain.errors import Refused
from ritornello.service.context import Context
from ritornello.store import access, catalogue

ROLES = ("admin", "editor", "reader", "payee")
SCOPES = ("catalogue:read", "money:read")
HOUR_US = 3_600_000_000
SESSION_HOURS, INVITATION_HOURS, KEY_DAYS = 12, 7 * 24, 365
PASSWORD_CHARACTERS = (12, 200)
TRIES, TRIES_MINUTES = 10, 15


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks. `party_id`: of a payee, whose money they may see; None for the operator's own people."""

    user_id: str
    name: str
    role: str
    party_id: str | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Right:
    """A right password: the kept text that it matched, and a new one where the parameters have grown since."""

    kept: str
    renewed: str | None


def invite(context: Context, user_id: str, name: str, role: str, party_id: str | None) -> str:
    """Add a login; returns the token of its invitation. Raises Refused for what can't be."""
    if role not in ROLES:
        raise Refused("bad_role", f"{role!r} is no role", f"use one of {', '.join(ROLES)}")
    if (role == "payee") != (party_id is not None):
        raise Refused("bad_role", "a payee has a party, the operator's own people have none", "name the party of a payee with --party")
    if not 1 <= len(user_id) <= 200 or not user_id.isprintable() or user_id != user_id.strip():
        raise Refused("bad_login", f"{user_id!r} can't be a login", "use an e-mail address or another name of up to 200 characters")
    if party_id is not None and party_id not in catalogue.read_parties(context.connection, [party_id]):
        raise Refused("unknown_party", f"there is no party {party_id!r}", "import it first: ritornello catalogue import")
    if access.find_login(context.connection, user_id):
        raise Refused("login_exists", f"there is a login {user_id!r} already, or there was one", "invite anew: ritornello access invite")
    access.add_login(context.connection, user_id, name or user_id, role, party_id, context.now_us())
    _note(context, user_id, "added", role if party_id is None else f"{role} of {party_id}")
    return _invite(context, user_id)


def invite_again(context: Context, user_id: str) -> str:
    """A new invitation, in place of one that was lost or of a forgotten password; the old password counts until it is taken."""
    _find(context, user_id)
    return _invite(context, user_id)


def remove(context: Context, user_id: str) -> None:
    """End a login at once, with all its sessions and keys."""
    _find(context, user_id)
    access.end_login(context.connection, user_id, context.now_us())
    _note(context, user_id, "removed", "")


def list_logins(context: Context) -> list[dict[str, Any]]:
    """Every login ever, without its password."""
    return [
        {**{name: value for name, value in asdict(one).items() if name != "password"}, "invited": one.password is None}
        for one in access.read_logins(context.connection)
    ]


def read_invitation(context: Context, token: str) -> str:
    """Whom an invitation is for. Raises Refused when it is none, or no longer."""
    user_id = access.find_invitation(context.connection, _hash(token), context.now_us())
    if user_id is None:
        raise Refused("no_invitation", "this invitation is unknown, used or too old", "ask whoever sent it for a new one")
    return user_id


def hash_password(password: str) -> str:
    """What is kept of a new password. Slow on purpose: do it outside of transactions. Raises Refused for one that won't do."""
    password, (shortest, longest) = _composed(password), PASSWORD_CHARACTERS
    if not shortest <= len(password) <= longest or len(set(password)) < 5:
        raise Refused("bad_password", f"a password has {shortest} to {longest} characters, not all the same", "choose a longer one")
    return _hasher().hash(password)


def take_invitation(context: Context, token: str, hashed: str) -> str:
    """Set the password (`hash_password`); ends all sessions of the login. Returns the token of a new one, also where sign-ins are refused for a while."""
    user_id = read_invitation(context, token)
    access.set_password(context.connection, user_id, hashed)
    access.take_invitation(context.connection, _hash(token))
    access.end_sessions(context.connection, user_id)
    _note(context, user_id, "password set", "")
    return _begin_session(context, user_id)


def find_password(context: Context, user_id: str) -> str | None:
    """What is kept of a login's password, if it can sign in at all."""
    login = _known(context, user_id)
    return login.password if login and login.ended_at_us is None else None


def check_password(kept: str | None, password: str) -> Right | None:
    """Whether a password is the kept one; takes as long where none is kept. Slow on purpose: do it outside of transactions."""
    right = _matches(kept or _nobodys(), _composed(password))
    if kept is None or not right:
        return None
    return Right(kept, _hasher().hash(_composed(password)) if _hasher().check_needs_rehash(kept) else None)


def sign_in(context: Context, user_id: str, right: Right | None) -> str | None:
    """A session's token, or None when name or password are wrong (`check_password`): which of them is not said.

    After ten failures in a quarter of an hour, even the right password fails until that time is over. The failure is recorded, so commit it;
    without the name if it is nobody's, since people type passwords there.
    """
    login = _known(context, user_id)
    name = login.user_id if login else ""
    since_us = max(context.now_us() - TRIES_MINUTES * HOUR_US // 60, access.last_event_us(context.connection, name, "signed in"))
    if access.count_events(context.connection, name, "sign-in failed", since_us) >= TRIES:
        return None  # not counted: a flood can't fill the record
    if right is None or right.kept != find_password(context, user_id):  # changed since it was checked
        _note(context, name, "sign-in failed", "")
        return None
    if right.renewed is not None:
        access.set_password(context.connection, user_id, right.renewed)
    access.forget_expired(context.connection, context.now_us())
    return _begin_session(context, user_id)


def sign_out(context: Context, token: str) -> None:
    user_id = access.find_session(context.connection, _hash(token), context.now_us())
    if user_id is not None:
        access.end_session(context.connection, _hash(token))
        _note(context, user_id, "signed out", "")


def who_is(context: Context, token: str) -> Principal | None:
    """Whose session this is; None when it is none, or no longer."""
    user_id = access.find_session(context.connection, _hash(token), context.now_us())
    login = access.find_login(context.connection, user_id) if user_id is not None else None
    return _principal(login, SCOPES) if login and login.ended_at_us is None else None


def make_key(context: Context, user_id: str, label: str, scopes: Iterable[str], days: int = KEY_DAYS) -> tuple[str, str]:
    """A key for a program that asks in this login's name: its id, and the secret, which is shown this once."""
    login, wanted = _find(context, user_id), sorted(set(scopes))
    if not wanted or not set(wanted) <= set(SCOPES):
        raise Refused("bad_scope", f"{', '.join(wanted) or 'nothing'} can't be a key's scopes", f"choose from {', '.join(SCOPES)}")
    if not 1 <= days <= 10 * 365:
        raise Refused("bad_key", f"a key can't last {days} days", "let it last 1 to 3650 days")
    secret, key_id, now = f"rit_{_new_token(context)}", context.random_bytes(6).hex(), context.now_us()
    key = access.ApiKey(key_id, _hash(secret), login.user_id, label, " ".join(wanted), now, now + days * 24 * HOUR_US, None)
    access.add_key(context.connection, key)
    _note(context, user_id, "key made", f"{key_id} ({label}): {' '.join(wanted)}")
    return key_id, secret


def end_key(context: Context, key_id: str) -> None:
    key = next((one for one in access.read_keys(context.connection) if one.key_id == key_id and one.ended_at_us is None), None)
    if key is None:
        raise Refused("unknown_key", f"there is no key {key_id!r} in use", "see them: ritornello access key list")
    access.end_key(context.connection, key_id, context.now_us())
    _note(context, key.user_id, "key ended", key_id)


def list_keys(context: Context) -> list[dict[str, Any]]:
    """Every key ever, without anything of its secret."""
    return [{name: value for name, value in asdict(one).items() if name != "secret_sha256"} for one in access.read_keys(context.connection)]


def who_has_key(context: Context, secret: str) -> Principal:
    """Whose key this is. Raises Refused when it is none, or no longer."""
    key, now = access.find_key(context.connection, _hash(secret)), context.now_us()
    login = access.find_login(context.connection, key.user_id) if key and key.ended_at_us is None and key.expires_at_us > now else None
    if key is None or login is None or login.ended_at_us is not None:
        raise Refused("not_signed_in", "this key is unknown, ended or too old", "ask the operator for a new one: ritornello access key add")
    return _principal(login, key.scopes.split())


def list_events(context: Context, limit: int = 200) -> list[dict[str, object]]:
    """What was done at the doors, newest first."""
    return access.read_events(context.connection, limit)


def _begin_session(context: Context, user_id: str) -> str:
    token = _new_token(context)
    access.add_session(context.connection, _hash(token), user_id, context.now_us() + SESSION_HOURS * HOUR_US)
    _note(context, user_id, "signed in", "")
    return token


def _known(context: Context, user_id: str) -> access.Login | None:
    """A login, also one that ended. No login has a name that can't be printed, and not every database can be asked for one."""
    return access.find_login(context.connection, user_id) if user_id.isprintable() else None


def _invite(context: Context, user_id: str) -> str:
    token = _new_token(context)
    access.put_invitation(context.connection, _hash(token), user_id, context.now_us() + INVITATION_HOURS * HOUR_US)
    _note(context, user_id, "invited", "")
    return token


def _find(context: Context, user_id: str) -> access.Login:
    login = access.find_login(context.connection, user_id)
    if login is None or login.ended_at_us is not None:
        raise Refused("unknown_login", f"there is no login {user_id!r}", "see them: ritornello access list")
    return login


def _principal(login: access.Login, scopes: Iterable[str]) -> Principal:
    return Principal(login.user_id, login.name, login.role, login.party_id, frozenset(scopes))


def _note(context: Context, user_id: str, action: str, detail: str) -> None:
    access.add_event(context.connection, context.now_us(), user_id, action, detail)


def _new_token(context: Context) -> str:
    return context.random_bytes(32).hex()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _composed(password: str) -> str:
    """The same password from every keyboard (NFC, as RFC 8265 says)."""
    return unicodedata.normalize("NFC", password)


def _matches(kept: str, password: str) -> bool:
    try:
        return _hasher().verify(kept, password)
    except (Argon2Error, UnicodeError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id with RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes


@cache
def _nobodys() -> str:
    """What a password is compared with when there is no such login, so that the answer takes as long."""
    return _hasher().hash(secrets.token_hex(32))
