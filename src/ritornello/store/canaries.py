"""Canaries: rows ↔ records. Appended, never changed."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, insert, select

from ritornello.store.schema import canary


@dataclass(frozen=True, slots=True)
class Canary:
    """A marked file. `used`: drawn to be put where a model may read it (1), or to be kept as a control (0). The log knows its `commitment` alone."""

    canary_id: str
    batch: int
    sha256: str
    file: str
    used: int
    salt: str
    commitment: str
    recorded_at_us: int


def read_canaries(connection: Connection) -> list[Canary]:
    """All, in the order they were registered."""
    return [Canary(**row._mapping) for row in connection.execute(select(canary).order_by(canary.c.canary_id))]


def add_canaries(connection: Connection, canaries: Iterable[Canary]) -> None:
    connection.execute(insert(canary), [asdict(one) for one in canaries])


def read_last_batch(connection: Connection) -> int:
    """The number of the newest batch; 0 when there is none."""
    return int(connection.scalar(select(func.max(canary.c.batch))) or 0)
