"""The period folder from the database, as it is or as it was known at a moment: everything that decides one settlement."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select

from ritornello.domain.catalogue import Claim
from ritornello.domain.consent import CLASS, ConsentEvent, Mandate
from ritornello.domain.errors import Refused
from ritornello.domain.licensee_class import Admission
from ritornello.domain.programme import Programme
from ritornello.formats.canonical import lines
from ritornello.formats.period_folder import row_of
from ritornello.formats.schema import PERIOD_TABLES
from ritornello.formats.terms_folder import list_named
from ritornello.service import classes, clusters, models, programmes, reports, settlement_files, snapshots
from ritornello.service.context import Context
from ritornello.store import advances, attributions, catalogue, consents, disputes, ledger, rates, schema, taxes
from ritornello.store import reports as stored_reports
from ritornello.store.classes import admission_row, read_admissions
from ritornello.store.payout_accounts import payable_at

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which settlement a period folder is for."""

    programme_id: str
    period_id: str
    settlement_id: str  # of the settlement or correction
    corrects: str | None = None  # the settlement that is corrected
    known_at_us: int | None = None  # None: now
    releases: bool = False  # whether it releases the money that is held


@dataclass(frozen=True, slots=True)
class Assembled:
    """The contents of a period folder."""

    header: dict[str, Any]
    terms: bytes
    tables: dict[str, Rows]
    other_terms: dict[str, bytes]  # hash → file of what rows name besides the programme's own


def assemble(context: Context, wanted: Wanted) -> Assembled:
    """The folder's header, terms and tables; only what this programme's recordings need."""
    first_day, last_day = reports.period_days(wanted.period_id)
    programmes.find(context, wanted.programme_id)
    now = context.now_us() if wanted.known_at_us is None else wanted.known_at_us
    runs = _runs(context, wanted.programme_id, now)
    names = [run["model_version"] for run in runs]
    snapshot_ids = sorted({snapshot for run in runs for snapshot in run["snapshot_ids"]})
    snapshot_rows = [snapshots.find_row(context, snapshot_id) for snapshot_id in snapshot_ids]
    programme, followed = _choose_terms(context, wanted, snapshot_rows, last_day)
    manifest = [row for snapshot_id in snapshot_ids for row in snapshots.read_manifest(context, snapshot_id)]
    exposure = [row for name in names for row in models.read_exposure(context, name)]
    batches = [batch for name in names if (batch := attributions.read_latest(context.connection, name, now))]
    money = _money_tables(context, wanted, [programme, *followed], now)
    points = _lines(context, "points", wanted, now)
    recordings = {row["recording_id"] for row in (*manifest, *exposure, *points)}
    concerned = {row["party_id"] for table in ("reserves", "advances") for row in money[table]}
    concerned |= {row["account"].removeprefix("party:") for row in money["opening"] if row["account"].startswith("party:")}
    tables = {
        **_catalogue_tables(context, recordings, concerned, now),
        **_consent_tables(context, wanted.programme_id, recordings, snapshot_rows, now),
        "snapshots": snapshot_rows,
        "manifest": manifest,
        "runs": runs,
        "exposure": exposure,
        "outputs": _outputs(context, names, now),
        "usage": _lines(context, "usage", wanted, now),
        "revenue": _lines(context, "revenue", wanted, now),
        "points": points,
        "clusters": _clusters(context, recordings, now),
        "quality": [_columns("quality", json.loads(context.files.get(quality))) for _, quality in batches],
        "attribution": [json.loads(line) for weights, _ in batches for line in lines(context.files.get(weights))],
        **money,
    }
    parties = {row["party_id"] for row in tables["parties"]}
    claims = {row["claim_id"] for row in tables["claims"]}
    tables["taxes"] = [row for row in taxes.read_taxes(context.connection, now) if row["party_id"] in parties]
    tables["disputes"] = [row for row in _disputes(context, now) if row["claim_id"] in claims]
    header = {
        "settlement_id": wanted.settlement_id,
        "programme_id": wanted.programme_id,
        "programme_sha256": programme.sha256,
        "period_id": wanted.period_id,
        "first_day": first_day.isoformat(),
        "last_day": last_day.isoformat(),
        "known_at_us": now,
        "corrects": wanted.corrects,
    }
    released_at_us = now if wanted.releases else _released_before(context, wanted)
    if released_at_us is not None:
        header["released_at_us"] = released_at_us
    others = {sha256: context.files.get(sha256) for sha256 in sorted(list_named(tables) - {programme.sha256})}
    return Assembled(header, context.files.get(programme.sha256), tables, others)


def _runs(context: Context, programme_id: str, now: int) -> Rows:
    run = schema.run
    query = select(run.c.model_version).where(run.c.programme_id == programme_id, run.c.recorded_at_us <= now)
    runs = [models.find_run(context, name) for name in sorted(context.connection.scalars(query))]
    if not runs:
        raise Refused("no_runs", f"{programme_id} has no training run", "register one: ritornello run register")
    return runs


def _choose_terms(context: Context, wanted: Wanted, snapshot_rows: Rows, last_day: date) -> tuple[Programme, list[Programme]]:
    """The period's own terms, and all that its models were trained under. A correction keeps those of the settlement.

    Own are the newest terms, among those that everyone consented to for some model, that are in force on the last day: no newer version decides before.
    """
    followed = [programmes.find_terms(context, sha256) for sha256 in sorted({row["programme_sha256"] for row in snapshot_rows})]
    if wanted.corrects is not None:
        header = json.loads(settlement_files.read_file(context, wanted.corrects, "period/period.json"))
        return programmes.find_terms(context, header["programme_sha256"]), followed
    in_force = [terms for terms in followed if terms.valid_from <= last_day <= terms.valid_to]
    return max(in_force or followed, key=lambda terms: terms.version), followed


def _released_before(context: Context, wanted: Wanted) -> int | None:
    """When the held money of the period that is corrected was released, if it was."""
    if wanted.corrects is None:
        return None
    stands = settlement_files.last_of(context, wanted.corrects, before=wanted.settlement_id)
    found = json.loads(settlement_files.read_file(context, stands, "period/period.json")).get("released_at_us")
    return None if found is None else int(found)


def _catalogue_tables(context: Context, recording_ids: set[str], concerned: set[str], now: int) -> dict[str, Rows]:
    known = {kind: catalogue.read_versions(context.connection, kind, now) for kind in ("recording", "work", "party")}
    recordings = [known["recording"][recording_id] for recording_id in sorted(recording_ids)]
    works = {row["work_id"] for row in recordings if row["work_id"]}
    subjects = {("recording", recording_id) for recording_id in recording_ids} | {("work", work_id) for work_id in works}
    claims = [
        _as_known(claim, now)
        for claim in catalogue.read_claims(context.connection)
        if claim.recorded_at_us <= now and (claim.subject_kind, claim.subject_id) in subjects
    ]
    parties = {claim.party_id for claim in claims} | concerned
    payable = payable_at(context.connection, now)
    return {
        "parties": [{**known["party"][party_id], "payable": party_id in payable} for party_id in sorted(parties)],
        "works": [known["work"][work_id] for work_id in sorted(works)],
        "recordings": recordings,
        "claims": [row_of(claim) for claim in claims],
    }


def _consent_tables(context: Context, programme_id: str, recording_ids: set[str], snapshot_rows: Rows, now: int) -> dict[str, Rows]:
    """Decisions about this programme, and about the classes that its terms name: who else a party licenses to, and on which terms, is nobody's business here."""
    frozen_under = [programmes.find_terms(context, sha256) for sha256 in sorted({row["programme_sha256"] for row in snapshot_rows})]
    scopes = [programme_id, *sorted({CLASS + class_id for programme in frozen_under for class_id in programme.classes})]
    found = [event for scope in scopes for event in consents.read_events(context.connection, programme_id=scope)]
    concerned = [event for event in found if event.recording_id in recording_ids and event.recorded_at_us <= now]
    events = sorted(concerned, key=lambda event: event.seq)
    used = {event.mandate_id for event in events}
    mandates = [mandate for mandate in consents.read_mandates(context.connection) if mandate.mandate_id in used]
    return {
        "consents": [consents.event_row(event) for event in events],
        "mandates": [consents.mandate_row(_mandate_as_known(mandate, now)) for mandate in mandates],
        **_class_tables(context, frozen_under, events, now),
    }


def _class_tables(context: Context, frozen_under: list[Programme], events: list[ConsentEvent], now: int) -> dict[str, Rows]:
    """The class documents that programmes and decisions name, and which programmes were admitted to them."""
    hashes = {sha256 for programme in frozen_under for sha256 in programme.classes.values()}
    hashes |= {event.terms_sha256 for event in events if event.programme_id.startswith(CLASS)}
    admitted = [
        admission for programme in frozen_under for admission in read_admissions(context.connection, programme_sha256=programme.sha256)
    ]
    return {
        "classes": [
            {"class_sha256": sha256, "class_id": document.class_id, "text": classes.read_text(context, sha256)}
            for sha256 in sorted(hashes)
            if (document := classes.find_document(context, sha256))
        ],
        "admissions": [admission_row(_admission_as_known(admission, now)) for admission in admitted if admission.recorded_at_us <= now],
    }


def _as_known(claim: Claim, now: int) -> Claim:
    """The claim without a retraction that came later."""
    return replace(claim, retracted_at_us=None) if (claim.retracted_at_us or 0) > now else claim


def _mandate_as_known(mandate: Mandate, now: int) -> Mandate:
    return replace(mandate, retracted_at_us=None) if (mandate.retracted_at_us or 0) > now else mandate


def _admission_as_known(admission: Admission, now: int) -> Admission:
    return replace(admission, ended_from=None, ended_at_us=None) if (admission.ended_at_us or 0) > now else admission


def _outputs(context: Context, model_versions: list[str], now: int) -> Rows:
    output = schema.output
    query = select(output).where(output.c.model_version.in_(model_versions), output.c.recorded_at_us <= now)
    return [_columns("outputs", dict(row._mapping)) for row in context.connection.execute(query)]


def _lines(context: Context, kind: str, wanted: Wanted, now: int) -> Rows:
    """Lines of the reports that stand, as rows of their table; large numbers as digits."""
    found = stored_reports.read_lines(context.connection, kind, wanted.programme_id, wanted.period_id, now)
    rows = [_columns(kind, row) for row in found]
    for row in rows:
        row |= {name: str(row[name]) for name in ("net_units", "gross_units", "quantity_e6") if row.get(name) is not None}
    return rows


def _clusters(context: Context, recordings: set[str], now: int) -> Rows:
    """Recordings of the folder that are one sound with others of it."""
    found = [[name for name in cluster if name in recordings] for cluster in clusters.find_clusters(context, now)]
    return [{"recording_id": name, "cluster": cluster[0]} for cluster in found if len(cluster) > 1 for name in cluster]


def _money_tables(context: Context, wanted: Wanted, terms: list[Programme], now: int) -> dict[str, Rows]:
    """What the ledger and earlier settlements hand on, and what payees agreed about their money."""
    before = settlement_files.last_before(context, wanted.programme_id, wanted.settlement_id)
    reserves = settlement_files.read_table(context, before, "reserves_closing") if before else []
    tables = {
        "opening": [
            {"account": account, "currency": currency, "balance_units": str(units)}
            for (account, currency), units in _owed(context, wanted, now, ("party:", "held:")).items()
        ],
        "reserves": reserves,
        "advances": _advances(context, wanted, now),
        "rates": _rates(context, wanted, terms, now),
        **dict.fromkeys(("previous_receipts", "previous_pools", "previous_allocations"), Rows()),
    }
    if wanted.corrects is not None:
        stands = settlement_files.last_of(context, wanted.corrects, before=wanted.settlement_id)
        for name in ("receipts", "pools", "allocations"):
            rows = settlement_files.read_table(context, stands, name)
            tables[f"previous_{name}"] = [_columns(f"previous_{name}", row) for row in rows]
    return tables


def _owed(context: Context, wanted: Wanted, now: int, accounts: tuple[str, ...]) -> Mapping[tuple[str, str], int]:
    return ledger.balances(context.connection, wanted.programme_id, accounts=accounts, known_at_us=now, before_batch=wanted.settlement_id)


def _advances(context: Context, wanted: Wanted, now: int) -> Rows:
    owed = _owed(context, wanted, now, ("advance:",))
    return [
        {
            "advance_id": grant.advance_id,
            "party_id": grant.party_id,
            "group": grant.group,
            "currency": grant.currency,
            "recordings": list(grant.recordings),
            "rate_ppm": grant.rate_ppm,
            "granted_on": grant.granted_on.isoformat(),
            "open_units": str(open_units),
        }
        for grant in advances.read_advances(context.connection, wanted.programme_id, now)
        if (open_units := -owed.get((f"advance:{grant.advance_id}", grant.currency), 0)) > 0
    ]


def _rates(context: Context, wanted: Wanted, terms: list[Programme], now: int) -> Rows:
    _, last_day = reports.period_days(wanted.period_id)
    into = sorted({programme.convert_to for programme in terms if programme.convert_to is not None})
    return [row for currency in into for row in rates.read_rates(context.connection, currency, last_day, now)]


def _disputes(context: Context, now: int) -> Rows:
    return [
        {
            "dispute_id": row.dispute_id,
            "claim_id": row.claim_id,
            "opened_at_us": row.opened_at_us,
            "resolved_at_us": row.resolved_at_us if (row.resolved_at_us or now + 1) <= now else None,
            "reason": row.reason,
        }
        for row in disputes.read_disputes(context.connection)
        if row.opened_at_us <= now
    ]


def _columns(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Only the table's columns."""
    return PERIOD_TABLES[table].complete(row)
