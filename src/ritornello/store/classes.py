"""Class documents and admissions of programmes to classes: appended, never changed."""

from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from ritornello.domain.licensee_class import Admission
from ritornello.store import schema


def find_hashes(connection: Connection, class_id: str) -> list[tuple[int, str]]:
    """(version, hash) of every registered document of a class, newest first."""
    table = schema.licensee_class
    query = select(table.c.version, table.c.sha256).where(table.c.class_id == class_id).order_by(table.c.version.desc())
    return [(row.version, row.sha256) for row in connection.execute(query)]


def list_ids(connection: Connection) -> list[str]:
    """Every registered class."""
    return sorted(set(connection.scalars(select(schema.licensee_class.c.class_id))))


def is_registered(connection: Connection, sha256: str) -> bool:
    """True when a class document has this hash."""
    table = schema.licensee_class
    return connection.scalar(select(table.c.sha256).where(table.c.sha256 == sha256)) is not None


def add_class(connection: Connection, class_id: str, version: int, sha256: str, at_us: int) -> None:
    row = {"class_id": class_id, "version": version, "sha256": sha256, "registered_at_us": at_us}
    connection.execute(insert(schema.licensee_class).values(row))


def read_admissions(connection: Connection, *, programme_sha256: str | None = None) -> list[Admission]:
    """Every admission ever recorded (of one version of a programme), ended ones too, ascending by id."""
    table, end = schema.admission, schema.admission_end
    query = select(table, end.c.ended_from, end.c.ended_at_us).outerjoin(end, end.c.admission_id == table.c.admission_id)
    if programme_sha256 is not None:
        query = query.where(table.c.programme_sha256 == programme_sha256)
    rows = connection.execute(query.order_by(table.c.admission_id))
    return [
        Admission(**{**row._mapping, **{name: _day(row._mapping[name]) for name in ("valid_from", "valid_to", "ended_from")}})
        for row in rows
    ]


def add_admission(connection: Connection, admission: Admission) -> None:
    row = {name: value for name, value in admission_row(admission).items() if name not in {"ended_from", "ended_at_us"}}
    connection.execute(insert(schema.admission).values(row))


def end_admission(connection: Connection, admission_id: str, ended_from: date, at_us: int) -> None:
    values = {"admission_id": admission_id, "ended_from": ended_from.isoformat(), "ended_at_us": at_us}
    connection.execute(insert(schema.admission_end).values(values))


def admission_row(admission: Admission) -> dict[str, Any]:
    """The admission as a row of admissions.jsonl."""
    days = ("valid_from", "valid_to", "ended_from")
    return {**asdict(admission), **{name: day.isoformat() if (day := getattr(admission, name)) else None for name in days}}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
