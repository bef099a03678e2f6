"""Who may open the service: rows ↔ records. Secrets are never stored, only their hashes."""

from dataclasses import dataclass

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from ritornello.store import schema


@dataclass(frozen=True, slots=True)
class Login:
    """One who may sign in. `password`: argon2's text, None until an invitation was taken; `party_id`: of a payee."""

    user_id: str
    name: str
    role: str
    party_id: str | None
    password: str | None
    created_at_us: int
    ended_at_us: int | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What a program shows instead of signing in; the secret itself is known to its holder alone."""

    key_id: str
    secret_sha256: str
    user_id: str
    label: str
    scopes: str
    created_at_us: int
    expires_at_us: int
    ended_at_us: int | None


def read_logins(connection: Connection) -> list[Login]:
    return [Login(**row._mapping) for row in connection.execute(select(schema.login).order_by(schema.login.c.user_id))]


def find_login(connection: Connection, user_id: str) -> Login | None:
    row = connection.execute(select(schema.login).where(schema.login.c.user_id == user_id)).one_or_none()
    return None if row is None else Login(**row._mapping)


def add_login(connection: Connection, user_id: str, name: str, role: str, party_id: str | None, now_us: int) -> None:
    row = {"user_id": user_id, "name": name, "role": role, "party_id": party_id, "created_at_us": now_us}
    connection.execute(insert(schema.login).values(row))


def set_password(connection: Connection, user_id: str, password: str) -> None:
    connection.execute(update(schema.login).where(schema.login.c.user_id == user_id).values(password=password))


def end_login(connection: Connection, user_id: str, now_us: int) -> None:
    """The login, its sessions, invitations and keys are of no use from now on."""
    connection.execute(update(schema.login).where(schema.login.c.user_id == user_id).values(ended_at_us=now_us, password=None))
    end_sessions(connection, user_id)
    connection.execute(delete(schema.invitation).where(schema.invitation.c.user_id == user_id))
    table = schema.api_key
    connection.execute(update(table).where(table.c.user_id == user_id, table.c.ended_at_us.is_(None)).values(ended_at_us=now_us))


def add_session(connection: Connection, token_sha256: str, user_id: str, expires_at_us: int) -> None:
    connection.execute(insert(schema.login_session).values(token_sha256=token_sha256, user_id=user_id, expires_at_us=expires_at_us))


def find_session(connection: Connection, token_sha256: str, now_us: int) -> str | None:
    """Whose session this is, while it lasts."""
    return _find_user(connection, schema.login_session, token_sha256, now_us)


def end_session(connection: Connection, token_sha256: str) -> None:
    connection.execute(delete(schema.login_session).where(schema.login_session.c.token_sha256 == token_sha256))


def end_sessions(connection: Connection, user_id: str) -> None:
    connection.execute(delete(schema.login_session).where(schema.login_session.c.user_id == user_id))


def forget_expired(connection: Connection, now_us: int) -> None:
    for table in (schema.login_session, schema.invitation):
        connection.execute(delete(table).where(table.c.expires_at_us <= now_us))


def put_invitation(connection: Connection, token_sha256: str, user_id: str, expires_at_us: int) -> None:
    """The one invitation of a login, instead of any before."""
    connection.execute(delete(schema.invitation).where(schema.invitation.c.user_id == user_id))
    connection.execute(insert(schema.invitation).values(token_sha256=token_sha256, user_id=user_id, expires_at_us=expires_at_us))


def find_invitation(connection: Connection, token_sha256: str, now_us: int) -> str | None:
    """Whom this invitation is for, while it lasts."""
    return _find_user(connection, schema.invitation, token_sha256, now_us)


def take_invitation(connection: Connection, token_sha256: str) -> None:
    connection.execute(delete(schema.invitation).where(schema.invitation.c.token_sha256 == token_sha256))


def add_key(connection: Connection, key: ApiKey) -> None:
    connection.execute(insert(schema.api_key).values({name: getattr(key, name) for name in ApiKey.__slots__}))


def read_keys(connection: Connection) -> list[ApiKey]:
    return [
        ApiKey(**row._mapping)
        for row in connection.execute(select(schema.api_key).order_by(schema.api_key.c.created_at_us, schema.api_key.c.key_id))
    ]


def find_key(connection: Connection, secret_sha256: str) -> ApiKey | None:
    row = connection.execute(select(schema.api_key).where(schema.api_key.c.secret_sha256 == secret_sha256)).one_or_none()
    return None if row is None else ApiKey(**row._mapping)


def end_key(connection: Connection, key_id: str, now_us: int) -> None:
    connection.execute(update(schema.api_key).where(schema.api_key.c.key_id == key_id).values(ended_at_us=now_us))


def add_event(connection: Connection, at_us: int, user_id: str, action: str, detail: str) -> None:
    table = schema.access_event
    number = connection.execute(select(func.coalesce(func.max(table.c.number), 0) + 1)).scalar_one()
    connection.execute(insert(table).values(number=number, at_us=at_us, user_id=user_id, action=action, detail=detail))


def count_events(connection: Connection, user_id: str, action: str, since_us: int) -> int:
    table = schema.access_event
    query = select(func.count()).where(table.c.user_id == user_id, table.c.action == action, table.c.at_us > since_us)
    return int(connection.execute(query).scalar_one())


def last_event_us(connection: Connection, user_id: str, action: str) -> int:
    """When this last happened, 0 for never."""
    table = schema.access_event
    query = select(func.coalesce(func.max(table.c.at_us), 0)).where(table.c.user_id == user_id, table.c.action == action)
    return int(connection.execute(query).scalar_one())


def read_events(connection: Connection, limit: int) -> list[dict[str, object]]:
    """The latest events, newest first."""
    table = schema.access_event
    return [dict(row._mapping) for row in connection.execute(select(table).order_by(table.c.number.desc()).limit(limit))]


def _find_user(connection: Connection, table: Table, token_sha256: str, now_us: int) -> str | None:
    query = select(table.c.user_id).where(table.c.token_sha256 == token_sha256, table.c.expires_at_us > now_us)
    return connection.execute(query).scalar_one_or_none()
