"""Settling and correcting: a period folder in, a result folder out; with the database, the same and the postings, exactly once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

import ritornello
from ritornello.domain.errors import Refused
from ritornello.domain.ledger import Batch
from ritornello.domain.period import Period
from ritornello.formats.canonical import Fingerprint, build_folder, encode_document, fingerprint, write_atomically
from ritornello.formats.period_folder import encode_period, encode_result, parse_period, read_period
from ritornello.service import reports, settlement_files
from ritornello.service.assembly import Assembled, Wanted, assemble
from ritornello.service.context import Context
from ritornello.service.settlement_files import Kept
from ritornello.settlement.settle import Settlement, settle
from ritornello.store import ledger, schema
from ritornello.store import reports as stored_reports

RESULT_FORMAT = "ritornello-settlement-1"
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement came to: its document (settlement.json) and the size of it."""

    settlement_id: str
    document: dict[str, Any]
    lines: int
    payees: int
    deltas: int = 0  # lines that a correction changed


def settle_folder(folder: Path, out: Path) -> Settled:
    """Settle a period folder into a new result folder; needs no database. The folder appears whole or not at all.

    Raises BadInput with every problem of the period, Refused when `out` exists.
    """
    settled, results = _settle(*read_period(folder))
    with build_folder(out) as building:
        for name, data in results.items():
            write_atomically(building / name, data)
    return settled


def settle_period(context: Context, programme_id: str, period_id: str, *, early: bool = False, skip: bool = False) -> Settled:
    """Settle a programme's period from the database and post it; `early`: although it is not over; `skip`: although the time before it is not settled.

    Raises Refused when it is settled already (nothing is ever posted twice) or not in turn.
    """
    first_day, last_day = reports.period_days(period_id)
    settlement_id = f"{programme_id}-{period_id}"
    _refuse_out_of_turn(context, programme_id, period_id, early=early, skip=skip)
    settled, files, results = _settle_now(assemble(context, Wanted(programme_id, period_id, settlement_id)))
    kept = Kept(settlement_id, settlement_id, 0, programme_id, period_id, context.now_us())
    context.connection.execute(
        insert(schema.settlement).values(
            settlement_id=settlement_id,
            programme_id=programme_id,
            period_id=period_id,
            first_day=first_day.isoformat(),
            last_day=last_day.isoformat(),
            settled_at_us=kept.settled_at_us,
        )
    )
    _post(context, kept, "settlement", files, results)
    return settled


def correct_period(context: Context, programme_id: str, period_id: str, *, releases: bool = False) -> Settled:
    """Post what a settled period comes to now, as differences to what was posted for it; `releases`: with what was held going to those known.

    Raises Refused when the period is not settled, or nothing has changed; then nothing is posted.
    """
    base_id, number = f"{programme_id}-{period_id}", _count_standing(context, programme_id, period_id)
    correction_id = f"{base_id}-c{number}"
    settled, files, results = _settle_now(
        assemble(context, Wanted(programme_id, period_id, correction_id, corrects=base_id, releases=releases))
    )
    if not settled.deltas and not results["postings.jsonl"]:
        raise Refused("nothing_to_correct", f"{period_id} of {programme_id} comes to the same; nothing was posted", "nothing to do")
    kept = Kept(correction_id, base_id, number, programme_id, period_id, context.now_us())
    values = {"correction_id": correction_id, "settlement_id": base_id, "number": number, "settled_at_us": kept.settled_at_us}
    context.connection.execute(insert(schema.correction).values(values))
    _post(context, kept, "correction", files, results)
    return settled


def derive_again(context: Context, settlement_id: str, out: Path) -> Settled:
    """Settle once more from what the database knew when it was settled, into a new folder with `period/` and `result/`; posts nothing.

    Raises Refused when a file differs from the one that was issued: then the folder is still written, to be compared.
    """
    kept = settlement_files.find(context, settlement_id)
    issued = settlement_files.read_all(context, settlement_id)
    header = json.loads(issued["period/period.json"])
    known_at_us, releases = int(header["known_at_us"]), header.get("released_at_us") == header["known_at_us"]
    wanted = Wanted(kept.programme_id, kept.period_id, settlement_id, kept.base_id if kept.number else None, known_at_us, releases)
    settled, files, results = _settle_now(assemble(context, wanted))
    with build_folder(out) as building:
        for part, group in (("period", files), ("result", results)):
            for name, data in group.items():
                write_atomically(building / part / name, data)
    derived = {f"period/{name}": data for name, data in files.items()} | {f"result/{name}": data for name, data in results.items()}
    differing = sorted(path for path in {*issued, *derived} if issued.get(path) != derived.get(path))
    if differing:
        what = f"{', '.join(differing)} differ from what was issued"
        raise Refused("derived_otherwise", what, f"compare {out} with: ritornello bundle {settlement_id}")
    return settled


def write_period(context: Context, programme_id: str, period_id: str, folder: Path, *, corrects: bool = False) -> list[str]:
    """Write the period folder as it would be settled, or corrected, now; posts nothing. Raises Refused where nothing stands that could be corrected."""
    base_id = f"{programme_id}-{period_id}"
    wanted = Wanted(programme_id, period_id, base_id)
    if corrects:
        number = _count_standing(context, programme_id, period_id)
        wanted = Wanted(programme_id, period_id, f"{base_id}-c{number}", corrects=base_id)
    files = _encode(assemble(context, wanted))
    with build_folder(folder) as building:
        for name, data in files.items():
            write_atomically(building / name, data)
    return sorted(files)


def refuse_unless_correction(folder: Path) -> None:
    """Raises Refused for a period folder that settles a period for the first time; what can't be read, others say."""
    try:
        corrects = json.loads((folder / "period.json").read_bytes())["corrects"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
    if corrects is None:
        raise Refused("corrects_nothing", f"{folder} settles a period, and corrects nothing", "settle it: ritornello settle")


def _count_standing(context: Context, programme_id: str, period_id: str) -> int:
    """How many settlements stand of a period: itself and its corrections. Raises Refused when it is not settled."""
    standing = [kept for kept in settlement_files.list_all(context, programme_id) if kept.base_id == f"{programme_id}-{period_id}"]
    if not standing:
        raise Refused("not_settled", f"{period_id} of {programme_id} is not settled", "settle it: ritornello settle")
    return len(standing)


def _settle_now(assembled: Assembled) -> tuple[Settled, Files, Files]:
    """The settlement, its period files and its result files."""
    files = _encode(assembled)
    settled, results = _settle(*parse_period(files))
    return settled, files, results


def _settle(period: Period, inputs: Mapping[str, Fingerprint]) -> tuple[Settled, Files]:
    """The settlement and its result files."""
    result = settle(period)
    files = encode_result(result.tables)
    document = describe(period, inputs, result, {name: fingerprint(name, data).hash for name, data in files.items()})
    lines, deltas = result.tables["allocations"], result.tables["deltas"]
    settled = Settled(period.settlement_id, document, len(lines), len({row["payee"] for row in lines}), len(deltas))
    return settled, {**files, "settlement.json": encode_document(document)}


def describe(period: Period, inputs: Mapping[str, Fingerprint], result: Settlement, roots: Mapping[str, str]) -> dict[str, Any]:
    """settlement.json; `roots`: of the result's tables by file name."""
    return {
        "format": RESULT_FORMAT,
        "settlement_id": period.settlement_id,
        "inputs": {name: found.hash for name, found in inputs.items()},
        "results": dict(roots),
        "totals": result.totals,
        "checks": [{"name": name, "passed": True} for name in result.checks],
        "engine": f"ritornello {ritornello.__version__}",
    }


def _encode(assembled: Assembled) -> dict[str, bytes]:
    return encode_period(assembled.header, assembled.terms, assembled.tables, assembled.other_terms)


def _post(context: Context, kept: Kept, kind: str, files: Files, results: Files) -> None:
    settlement_files.keep(context, kept, "period", files)
    settlement_files.keep(context, kept, "result", results)
    batch = Batch(kept.settlement_id, kind, kept.programme_id, kept.base_id)
    root = json.loads(results["settlement.json"])["results"]["postings.jsonl"]
    ledger.post_table(context.connection, batch, results["postings.jsonl"], context.now_us(), root=root)


def _refuse_out_of_turn(context: Context, programme_id: str, period_id: str, *, early: bool, skip: bool) -> None:
    """Periods are settled once, when they are over, in order, one after another, and none that has reports is left behind."""
    first_day, last_day = reports.period_days(period_id)
    table = schema.settlement
    settled = context.connection.execute(select(table).where(table.c.programme_id == programme_id).order_by(table.c.last_day)).all()
    if any(row.period_id == period_id for row in settled):
        todo = "look at it: ritornello statement; or post what has changed since: ritornello correct"
        raise Refused("settled_already", f"{period_id} of {programme_id} is settled; nothing was posted", todo)
    if settled and settled[-1].last_day >= first_day.isoformat():
        last = settled[-1]
        raise Refused("out_of_order", f"{last.period_id} is settled and ends on {last.last_day}", "settle periods in order")
    if settled and not skip and (behind := date.fromisoformat(settled[-1].last_day) + timedelta(days=1)) < first_day:
        raise Refused(
            "periods_skipped",
            f"nothing is settled for {behind} to {first_day - timedelta(days=1)}; fixed amounts and minimums of that time would be lost for good",
            "settle the periods between first, or say --skip",
        )
    if last_day >= context.today() and not early:
        raise Refused(
            "period_not_over", f"{period_id} ends on {last_day}; what is reported later could not be settled in it", "wait, or say --early"
        )
    reported = {row.period_id for row in stored_reports.read_reports(context.connection, programme_id) if row.withdrawn_at_us is None}
    waiting = sorted(name for name in reported - {row.period_id for row in settled} if reports.period_days(name)[0] < first_day)
    if waiting:
        raise Refused("earlier_unsettled", f"{waiting[0]} has reports and is not settled", "settle it first")
