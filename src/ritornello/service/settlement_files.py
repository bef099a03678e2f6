"""The kept files of settlements and corrections: by path, each checked against its hash when read."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from ritornello.domain.errors import Refused
from ritornello.formats.canonical import fingerprint, lines
from ritornello.service.context import Context
from ritornello.store import ledger, schema

_RECORDING = re.compile(rb'"recording_id":"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Kept:
    """A settlement, or one of its corrections, in the database."""

    settlement_id: str  # its own name
    base_id: str  # the settlement it is or corrects
    number: int  # 0: the settlement itself
    programme_id: str
    period_id: str
    settled_at_us: int

    @property
    def folder(self) -> str:
        """Where its files lie among the settlement's."""
        return f"correction-{self.number}/" if self.number else ""


def find(context: Context, settlement_id: str) -> Kept:
    """The settlement or correction of this name. Raises Refused when there is none."""
    for kept in list_all(context):
        if kept.settlement_id == settlement_id:
            return kept
    known = ", ".join(kept.settlement_id for kept in list_all(context)) or "none"
    raise Refused("unknown_settlement", f"there is no settlement {settlement_id!r}", f"settled are: {known}")


def list_all(context: Context, programme_id: str | None = None) -> list[Kept]:
    """Settlements with their corrections behind them, ascending by programme and last day."""
    base, change = schema.settlement, schema.correction
    found = []
    for row in context.connection.execute(select(base).order_by(base.c.programme_id, base.c.last_day)).all():
        if programme_id in {None, row.programme_id}:
            found.append(Kept(row.settlement_id, row.settlement_id, 0, row.programme_id, row.period_id, row.settled_at_us))
            query = select(change).where(change.c.settlement_id == row.settlement_id).order_by(change.c.number)
            found += [
                Kept(one.correction_id, row.settlement_id, one.number, row.programme_id, row.period_id, one.settled_at_us)
                for one in context.connection.execute(query)
            ]
    return found


def list_newest_first(context: Context) -> list[Kept]:
    """The same, what was settled last first."""
    return sorted(list_all(context), key=lambda one: (one.settled_at_us, one.number, one.settlement_id), reverse=True)


def last_of(context: Context, base_id: str, before: str | None = None) -> str:
    """The newest correction of a settlement, in front of the one named `before`; or the settlement itself."""
    names = [kept.settlement_id for kept in list_all(context) if kept.base_id == base_id]
    return names[names.index(before) - 1] if before in names else names[-1]


def last_before(context: Context, programme_id: str, settlement_id: str) -> str | None:
    """The settlement or correction that was posted last, in front of this one if it is posted already; None at the beginning."""
    last = None
    for posted in ledger.read_batches(context.connection, programme_id):
        if posted.header.batch_id == settlement_id:
            break
        if posted.header.kind in {"settlement", "correction"}:
            last = posted.header.batch_id
    return last


def keep(context: Context, kept: Kept, kind: str, files: Mapping[str, bytes]) -> None:
    """Store files of a settlement under `period/` or `result/`, and commit each to the log."""
    for name, data in sorted(files.items()):
        found = fingerprint(name, data)
        context.connection.execute(
            insert(schema.settlement_file).values(
                settlement_id=kept.base_id,
                path=f"{kept.folder}{kind}/{name}",
                kind="table" if found.rows is not None else "document",
                hash=found.hash,
                rows=found.rows,
                sha256=context.files.put(data),
            )
        )
        context.record(f"{kind}/{name}", kept.settlement_id, found.hash)


def read_all(context: Context, settlement_id: str) -> dict[str, bytes]:
    """Every file by path (`period/claims.jsonl`, `result/pools.jsonl`, …)."""
    kept = find(context, settlement_id)
    return {path: _read(context, path, row) for path, row in _rows(context, kept).items()}


def read_file(context: Context, settlement_id: str, path: str) -> bytes:
    """One file, such as `result/payouts.jsonl`."""
    return _read(context, path, _rows(context, find(context, settlement_id))[path])


def read_table(context: Context, settlement_id: str, name: str) -> list[dict[str, Any]]:
    """The rows of one result table."""
    return [json.loads(line) for line in lines(read_file(context, settlement_id, f"result/{name}.jsonl"))]


def find_rows(context: Context, kept: Kept, name: str, recording_ids: Collection[str]) -> list[dict[str, Any]]:
    """The rows of one result table about some recordings. The others are not even parsed: there may be millions."""
    data, wanted = context.files.get(_rows(context, kept)[f"result/{name}.jsonl"].sha256), {one.encode() for one in recording_ids}
    starts = [match.start() for match in _RECORDING.finditer(data) if match[1] in wanted]
    return [json.loads(data[data.rfind(b"\n", 0, start) + 1 : data.find(b"\n", start)]) for start in starts]


def read_pools(context: Context, kept: Kept) -> dict[str, list[dict[str, Any]]]:
    """The pools of a settlement and, of a correction, those that it found; by the names of their tables."""
    files = _rows(context, kept)
    return {
        name: [json.loads(line) for line in lines(_read(context, path, files[path]))]
        for name, path in (("pools", "result/pools.jsonl"), ("previous_pools", "period/previous_pools.jsonl"))
    }


def _rows(context: Context, kept: Kept) -> dict[str, Any]:
    table = schema.settlement_file
    query = select(table).where(table.c.settlement_id == kept.base_id).order_by(table.c.path)
    found = {}
    for row in context.connection.execute(query):
        in_correction = row.path.startswith("correction-")
        if kept.folder and row.path.startswith(kept.folder):
            found[row.path.removeprefix(kept.folder)] = row
        elif not kept.folder and not in_correction:
            found[row.path] = row
    return found


def _read(context: Context, path: str, row: Any) -> bytes:
    data = context.files.get(row.sha256)
    assert fingerprint(path, data).hash == row.hash
    return data
