"""Programmes: terms are registered once, kept byte for byte, and never changed; a new version is a new file."""

from pathlib import Path

from sqlalchemy import insert, select

from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.domain.programme import Programme
from ritornello.formats.programme_toml import MAX_BYTES, read_programme
from ritornello.service import classes
from ritornello.service.context import Context
from ritornello.store import schema


def read_file(path: Path) -> tuple[Programme, bytes]:
    """A programme's file, checked. Raises BadInput."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise BadInput([Problem(path.name, None, None, "there is no such file, or it is larger than 1 MiB", "check the path")])
    data = path.read_bytes()
    return read_programme(path.name, data), data


def register(context: Context, path: Path) -> Programme:
    """Keep a programme. The same bytes again change nothing; other terms under a version that exists are refused."""
    programme, data = read_file(path)
    classes.check_programme(context, programme, path.name)
    table = schema.programme
    stored = context.connection.execute(
        select(table).where(table.c.programme_id == programme.programme_id, table.c.version == programme.version)
    ).first()
    if stored and stored.sha256 != programme.sha256:
        what = f"{programme.programme_id} version {programme.version} is registered with other terms"
        raise Refused("terms_changed", what, "raise `version`: grants bind to the terms that were shown")
    if not stored:
        context.files.put(data)
        row = {"programme_id": programme.programme_id, "version": programme.version, "sha256": programme.sha256}
        context.connection.execute(insert(table).values(**row, registered_at_us=context.now_us()))
        context.record("programme", f"{programme.programme_id}/{programme.version}", programme.sha256)
    return programme


def find(context: Context, programme_id: str) -> tuple[Programme, bytes]:
    """The newest version of a registered programme and its bytes."""
    table = schema.programme
    rows = context.connection.execute(select(table).where(table.c.programme_id == programme_id).order_by(table.c.version.desc())).all()
    if not rows:
        known = sorted(set(context.connection.scalars(select(table.c.programme_id))))
        todo = f"registered are: {', '.join(known)}" if known else "register one: ritornello programme add FILE"
        raise Refused("unknown_programme", f"there is no programme {programme_id!r}", todo)
    data = context.files.get(rows[0].sha256)
    return read_programme(f"{programme_id}.toml", data), data


def list_all(context: Context) -> list[Programme]:
    """The newest version of every registered programme, ascending by its identifier."""
    ids = context.connection.scalars(select(schema.programme.c.programme_id).distinct().order_by(schema.programme.c.programme_id)).all()
    return [find(context, programme_id)[0] for programme_id in ids]


def find_terms(context: Context, sha256: str) -> Programme:
    """The programme whose file has this hash: the terms that somebody was shown."""
    return read_programme("programme.toml", context.files.get(sha256))
