"""Settling: a period folder in, a result folder out; with the database, the same and the postings, exactly once."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

import ritornello
from ritornello.domain.consent import CLASS
from ritornello.domain.errors import Refused
from ritornello.domain.ledger import Batch
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import Fingerprint, build_folder, encode_document, fingerprint, lines, write_atomically
from ritornello.formats.period_folder import encode_period, encode_result, read_period, row_of
from ritornello.formats.schema import PERIOD_TABLES
from ritornello.formats.terms_folder import list_named
from ritornello.service import classes, models, programmes, reports, snapshots
from ritornello.service.context import Context
from ritornello.store import attributions, catalogue, consents, ledger, schema
from ritornello.store.classes import admission_row, read_admissions
from ritornello.store.payout_accounts import payable_at

RESULT_FORMAT = "ritornello-settlement-1"
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement came to: its document (settlement.json) and the size of it."""

    settlement_id: str
    document: dict[str, Any]
    lines: int
    payees: int


def settle_folder(folder: Path, out: Path) -> Settled:
    """Settle a period folder into a new result folder; needs no database. The folder appears whole or not at all.

    Raises BadInput with every problem of the period, Refused when `out` exists.
    """
    from ritornello.settlement.settle import settle  # here, since the engine takes a second to import

    period, inputs = read_period(folder)
    result = settle(period)
    files = encode_result(result.tables)
    document = {
        "format": RESULT_FORMAT,
        "settlement_id": period.settlement_id,
        "inputs": {name: found.hash for name, found in inputs.items()},
        "results": {name: fingerprint(name, data).hash for name, data in files.items()},
        "totals": result.totals,
        "checks": [{"name": name, "passed": True} for name in result.checks],
        "engine": f"ritornello {ritornello.__version__} duckdb",
    }
    with build_folder(out) as building:
        for name, data in {**files, "settlement.json": encode_document(document)}.items():
            write_atomically(building / name, data)
    payees = {row["payee"] for row in result.tables["allocations"]}
    return Settled(period.settlement_id, document, len(result.tables["allocations"]), len(payees))


def settle_period(context: Context, programme_id: str, period_id: str, *, early: bool = False) -> Settled:
    """Settle a programme's period from the database and post it; `early`: although it is not over.

    Raises Refused when it is settled already (nothing is ever posted twice) or not in turn.
    """
    first_day, last_day = reports.period_days(period_id)
    settlement_id = f"{programme_id}-{period_id}"
    _refuse_out_of_turn(context, programme_id, period_id, early=early)
    files = encode_period(*assemble(context, programme_id, period_id, settlement_id))
    with tempfile.TemporaryDirectory(prefix="ritornello-") as temporary:
        folder = Path(temporary)
        for name, data in files.items():
            write_atomically(folder / "period" / name, data)
        settled = settle_folder(folder / "period", folder / "result")
        results = {path.name: path.read_bytes() for path in sorted((folder / "result").iterdir())}
    context.connection.execute(
        insert(schema.settlement).values(
            settlement_id=settlement_id,
            programme_id=programme_id,
            period_id=period_id,
            first_day=first_day.isoformat(),
            last_day=last_day.isoformat(),
            settled_at_us=context.now_us(),
        )
    )
    for kind, group in (("period", files), ("result", results)):
        _keep(context, settlement_id, kind, group)
    batch = Batch(settlement_id, "settlement", programme_id, settlement_id)
    root = settled.document["results"]["postings.jsonl"]
    ledger.post_table(context.connection, batch, results["postings.jsonl"], context.now_us(), root=root)
    return settled


def _refuse_out_of_turn(context: Context, programme_id: str, period_id: str, *, early: bool) -> None:
    """Periods are settled once, when they are over, in order, and none that has reports is left behind."""
    first_day, last_day = reports.period_days(period_id)
    table, report = schema.settlement, schema.revenue_report
    settled = context.connection.execute(select(table).where(table.c.programme_id == programme_id).order_by(table.c.last_day)).all()
    if any(row.period_id == period_id for row in settled):
        raise Refused(
            "settled_already", f"{period_id} of {programme_id} is settled; nothing was posted", "look at it: ritornello statement"
        )
    if settled and settled[-1].last_day >= first_day.isoformat():
        last = settled[-1]
        raise Refused("out_of_order", f"{last.period_id} is settled and ends on {last.last_day}", "settle periods in order")
    if last_day >= context.today() and not early:
        raise Refused(
            "period_not_over", f"{period_id} ends on {last_day}; what is reported later could not be settled in it", "wait, or say --early"
        )
    reported = set(context.connection.scalars(select(report.c.period_id).where(report.c.programme_id == programme_id)))
    waiting = sorted(name for name in reported - {row.period_id for row in settled} if reports.period_days(name)[0] < first_day)
    if waiting:
        raise Refused("earlier_unsettled", f"{waiting[0]} has reports and is not settled", "settle it first")


def find_settlement(context: Context, settlement_id: str) -> Any:
    """The settlement's row. Raises Refused when there is none."""
    row = context.connection.execute(select(schema.settlement).where(schema.settlement.c.settlement_id == settlement_id)).first()
    if row is None:
        known = sorted(context.connection.scalars(select(schema.settlement.c.settlement_id)))
        raise Refused("unknown_settlement", f"there is no settlement {settlement_id!r}", f"settled are: {', '.join(known) or 'none'}")
    return row


def read_files(context: Context, settlement_id: str) -> dict[str, bytes]:
    """Every file of the settlement by path (`period/claims.jsonl`, `result/pools.jsonl`, …), checked against its hash."""
    find_settlement(context, settlement_id)
    table = schema.settlement_file
    found = {}
    for row in context.connection.execute(select(table).where(table.c.settlement_id == settlement_id).order_by(table.c.path)):
        found[row.path] = context.files.get(row.sha256)
        assert fingerprint(row.path, found[row.path]).hash == row.hash
    return found


def read_file(context: Context, settlement_id: str, path: str) -> bytes:
    """One file of the settlement, checked against its hash. Raises Refused when there is no such settlement."""
    find_settlement(context, settlement_id)
    table = schema.settlement_file
    row = context.connection.execute(select(table).where(table.c.settlement_id == settlement_id, table.c.path == path)).one()
    data = context.files.get(row.sha256)
    assert fingerprint(path, data).hash == row.hash
    return data


def write_period(context: Context, programme_id: str, period_id: str, folder: Path) -> list[str]:
    """Write the period folder as it would be settled now, without settling."""
    files = encode_period(*assemble(context, programme_id, period_id, f"{programme_id}-{period_id}"))
    with build_folder(folder) as building:
        for name, data in files.items():
            write_atomically(building / name, data)
    return sorted(files)


def assemble(
    context: Context, programme_id: str, period_id: str, settlement_id: str
) -> tuple[dict[str, Any], bytes, dict[str, Rows], dict[str, bytes]]:
    """The period folder's contents from the database: header, terms, tables, other terms. Only what this programme's recordings need."""
    first_day, last_day = reports.period_days(period_id)
    programmes.find(context, programme_id)
    now = context.now_us()
    connection = context.connection
    runs = [
        models.find_run(context, name)
        for name in sorted(connection.scalars(select(schema.run.c.model_version).where(schema.run.c.programme_id == programme_id)))
    ]
    if not runs:
        raise Refused("no_runs", f"{programme_id} has no training run", "register one: ritornello run register")
    models_known = [run["model_version"] for run in runs]
    snapshot_ids = sorted({snapshot for run in runs for snapshot in run["snapshot_ids"]})
    snapshot_rows = [snapshots.find_row(context, snapshot_id) for snapshot_id in snapshot_ids]
    programme, terms = _terms_of(context, snapshot_rows)
    manifest = [row for snapshot_id in snapshot_ids for row in snapshots.read_manifest(context, snapshot_id)]
    exposure = [row for name in models_known for row in models.read_exposure(context, name)]
    batches = [batch for name in models_known if (batch := attributions.read_latest(connection, name))]
    recordings = _concerned(context, {row["recording_id"] for row in (*manifest, *exposure)})
    opening = _opening(context, programme_id)
    tables = {
        **_catalogue_tables(
            context, recordings, {row["account"].removeprefix("party:") for row in opening if row["account"].startswith("party:")}, now
        ),
        **_consent_tables(context, programme_id, recordings, snapshot_rows),
        "snapshots": snapshot_rows,
        "manifest": manifest,
        "runs": runs,
        "exposure": exposure,
        **_report_tables(context, programme_id, period_id, models_known),
        "quality": [_quality_row(json.loads(context.files.get(quality))) for _, quality in batches],
        "attribution": [json.loads(line) for weights, _ in batches for line in lines(context.files.get(weights))],
        "opening": opening,
    }
    header = {
        "settlement_id": settlement_id,
        "programme_id": programme_id,
        "programme_sha256": programme.sha256,
        "period_id": period_id,
        "first_day": first_day.isoformat(),
        "last_day": last_day.isoformat(),
        "known_at_us": now,
    }
    others = {sha256: context.files.get(sha256) for sha256 in sorted(list_named(tables) - {programme.sha256})}
    return header, terms, tables, others


def _terms_of(context: Context, snapshot_rows: Rows) -> tuple[Programme, bytes]:
    """The terms under which everyone consented to what was trained on: money follows them, whatever a newer version says."""
    versions = sorted({row["programme_sha256"] for row in snapshot_rows})
    if len(versions) > 1:
        what = f"models were trained under {len(versions)} versions of the programme"
        raise Refused(
            "several_terms",
            what,
            "dividing one period's money under several terms is not built yet: register the models in programmes of their own",
        )
    return programmes.find_terms(context, versions[0]), context.files.get(versions[0])


def _concerned(context: Context, recording_ids: set[str]) -> "dict[str, Any]":
    recordings = catalogue.read_recordings(context.connection)
    return {recording_id: recordings[recording_id] for recording_id in sorted(recording_ids)}


def _catalogue_tables(context: Context, recordings: Mapping[str, Any], with_balance: set[str], known_at_us: int) -> dict[str, Rows]:
    subjects = {("recording", recording_id) for recording_id in recordings}
    subjects |= {("work", recording.work_id) for recording in recordings.values() if recording.work_id}
    claims = [claim for claim in catalogue.read_claims(context.connection) if (claim.subject_kind, claim.subject_id) in subjects]
    parties = catalogue.read_parties(context.connection)
    works = catalogue.read_works(context.connection)
    wanted = {claim.party_id for claim in claims} | with_balance
    payable = payable_at(context.connection, known_at_us)
    return {
        "parties": [
            {"party_id": name, "name": parties[name].name, "kind": parties[name].kind, "payable": name in payable}
            for name in sorted(wanted)
        ],
        "works": [asdict(works[subject_id]) for kind, subject_id in sorted(subjects) if kind == "work"],
        "recordings": [asdict(recording) for recording in recordings.values()],
        "claims": [row_of(claim) for claim in claims],
    }


def _consent_tables(context: Context, programme_id: str, recordings: Mapping[str, Any], snapshot_rows: Rows) -> dict[str, Rows]:
    """Decisions about this programme, and about the classes that its terms name: who else a party licenses to, and on which terms, is nobody's business here."""
    frozen_under = [programmes.find_terms(context, sha256) for sha256 in sorted({row["programme_sha256"] for row in snapshot_rows})]
    scopes = [programme_id, *sorted({CLASS + class_id for programme in frozen_under for class_id in programme.classes})]
    found = [event for scope in scopes for event in consents.read_events(context.connection, programme_id=scope)]
    events = sorted((event for event in found if event.recording_id in recordings), key=lambda event: event.seq)
    used = {event.mandate_id for event in events}
    hashes = {sha256 for programme in frozen_under for sha256 in programme.classes.values()}
    hashes |= {event.terms_sha256 for event in events if event.programme_id.startswith(CLASS)}
    return {
        "consents": [consents.event_row(event) for event in events],
        "mandates": [consents.mandate_row(mandate) for mandate in consents.read_mandates(context.connection) if mandate.mandate_id in used],
        "classes": [
            {"class_sha256": sha256, "class_id": document.class_id, "text": classes.read_text(context, sha256)}
            for sha256 in sorted(hashes)
            if (document := classes.find_document(context, sha256))
        ],
        "admissions": [
            admission_row(admission)
            for programme in frozen_under
            for admission in read_admissions(context.connection, programme_sha256=programme.sha256)
        ],
    }


def _report_tables(context: Context, programme_id: str, period_id: str, model_versions: list[str]) -> dict[str, Rows]:
    output, usage, line, report = schema.output, schema.usage, schema.revenue_line, schema.revenue_report
    of_programme = output.c.model_version.in_(model_versions)
    outputs = select(output).where(of_programme)
    uses = select(usage).join(output, output.c.output_id == usage.c.output_id).where(of_programme, usage.c.period_id == period_id)
    revenue = select(line).join(report).where(report.c.programme_id == programme_id, report.c.period_id == period_id)
    return {
        "outputs": _rows(context, outputs, "outputs"),
        "usage": _rows(context, uses, "usage"),
        "revenue": [{**row, "net_units": str(row["net_units"])} for row in _rows(context, revenue, "revenue")],
    }


def _rows(context: Context, query: Any, table: str) -> Rows:
    wanted = PERIOD_TABLES[table].columns
    return [{name: value for name, value in row._mapping.items() if name in wanted} for row in context.connection.execute(query)]


def _quality_row(document: dict[str, Any]) -> dict[str, Any]:
    return {column.removesuffix("?"): document[column.removesuffix("?")] for column in PERIOD_TABLES["quality"].columns}


def _opening(context: Context, programme_id: str) -> Rows:
    """What this programme's ledger owes to parties and held accounts after every earlier batch."""
    owed = ledger.balances(context.connection, programme_id, accounts=("party:", "held:"))
    return [{"account": account, "currency": currency, "balance_units": str(units)} for (account, currency), units in owed.items()]


def _keep(context: Context, settlement_id: str, kind: str, files: Mapping[str, bytes]) -> None:
    for name, data in sorted(files.items()):
        found: Fingerprint = fingerprint(name, data)
        context.connection.execute(
            insert(schema.settlement_file).values(
                settlement_id=settlement_id,
                path=f"{kind}/{name}",
                kind="table" if found.rows is not None else "document",
                hash=found.hash,
                rows=found.rows,
                sha256=context.files.put(data),
            )
        )
        context.record(f"{kind}/{name}", settlement_id, found.hash)
