"""Parties, works, recordings, assets, contributions and claims: rows ↔ records."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, insert, select, true

from ritornello.domain.catalogue import Asset, Claim, Contribution, Party, Recording, Release, Track, Work
from ritornello.formats.canonical import encode
from ritornello.formats.period_folder import claim_of, row_of
from ritornello.store import schema


def read_parties(connection: Connection, party_ids: Collection[str] | None = None) -> dict[str, Party]:
    """All parties, or these."""
    query = select(schema.party).where(among(schema.party.c.party_id, party_ids))
    return {row.party_id: Party(**row._mapping) for row in connection.execute(query)}


def read_works(connection: Connection, work_id: str | None = None) -> dict[str, Work]:
    """All works, or only one."""
    query = select(schema.work).where(among(schema.work.c.work_id, work_id))
    return {row.work_id: Work(**row._mapping) for row in connection.execute(query)}


def read_recordings(connection: Connection, recording_id: str | Collection[str] | None = None) -> dict[str, Recording]:
    """All recordings, or only one or some."""
    query = select(schema.recording).where(among(schema.recording.c.recording_id, recording_id))
    return {row.recording_id: Recording(**row._mapping) for row in connection.execute(query)}


def read_assets(connection: Connection, recording_id: str | Collection[str] | None = None) -> dict[str, Asset]:
    """All assets, or those of one recording or some."""
    query = select(*(column for column in schema.asset.c if column.name != "path"))
    query = query.where(among(schema.asset.c.recording_id, recording_id))
    return {row.asset_id: Asset(**row._mapping) for row in connection.execute(query)}


def read_asset_paths(connection: Connection) -> dict[str, Path]:
    """Where each asset's file lies on this machine."""
    return {asset_id: Path(path) for asset_id, path in connection.execute(select(schema.asset.c.asset_id, schema.asset.c.path))}


def read_releases(connection: Connection) -> dict[str, Release]:
    """Every release with its tracks, ascending by identifier."""
    table = schema.release_track
    tracks: dict[str, list[Track]] = {}
    for row in connection.execute(select(table).order_by(table.c.release_id, table.c.disc, table.c.track)):
        tracks.setdefault(row.release_id, []).append(Track(row.disc, row.track, row.recording_id))
    rows = connection.execute(select(schema.release).order_by(schema.release.c.release_id))
    return {row.release_id: Release(**row._mapping, tracks=tuple(tracks.get(row.release_id, ()))) for row in rows}


def read_contributions(connection: Connection, recording_id: str | None = None) -> list[Contribution]:
    """All contributions, or those to one recording."""
    table = schema.contribution
    query = select(table).where(among(table.c.recording_id, recording_id)).order_by(table.c.recording_id, table.c.party_id, table.c.role)
    return [Contribution(**row._mapping) for row in connection.execute(query)]


def read_claims(connection: Connection, subject_ids: Sequence[str] | None = None) -> list[Claim]:
    """Every claim ever recorded (about these subjects), retracted ones too, ascending by claim."""
    retraction = schema.claim_retraction
    query = select(schema.claim, retraction.c.retracted_at_us).outerjoin(retraction, retraction.c.claim_id == schema.claim.c.claim_id)
    if subject_ids is not None:
        query = query.where(schema.claim.c.subject_id.in_(subject_ids))
    return [claim_of(dict(row._mapping)) for row in connection.execute(query.order_by(schema.claim.c.claim_id))]


def among(column: "Column[Any]", wanted: str | Collection[str] | None) -> ColumnElement[bool]:
    """Whether a column has this value, or one of these; None: any."""
    if wanted is None:
        return true()
    return column == wanted if isinstance(wanted, str) else column.in_(list(wanted))


def write_parties(connection: Connection, parties: Sequence[Party], at_us: int) -> None:
    """Add or replace: a party's name is current state, its claims and consents are history."""
    _replace(connection, schema.party, "party_id", [asdict(party) for party in parties])
    _keep_versions(connection, "party", {party.party_id: _public(party) for party in parties}, at_us)


def write_works(connection: Connection, works: Sequence[Work], at_us: int) -> None:
    _replace(connection, schema.work, "work_id", [asdict(work) for work in works])
    _keep_versions(connection, "work", {work.work_id: asdict(work) for work in works}, at_us)


def write_recordings(connection: Connection, recordings: Sequence[Recording], at_us: int) -> None:
    _replace(connection, schema.recording, "recording_id", [asdict(recording) for recording in recordings])
    _keep_versions(connection, "recording", {recording.recording_id: asdict(recording) for recording in recordings}, at_us)


def read_versions(connection: Connection, kind: str, known_at_us: int) -> dict[str, dict[str, Any]]:
    """How every party (public columns), work or recording read at a moment, by id."""
    table = schema.catalogue_version
    query = select(table.c.subject_id, table.c.content).where(table.c.kind == kind, table.c.recorded_at_us <= known_at_us)
    return {row.subject_id: json.loads(row.content) for row in connection.execute(query.order_by(table.c.recorded_at_us))}


def write_releases(connection: Connection, releases: Iterable[Release]) -> None:
    """Add or replace: a release's track list is current state. Consent never refers to it: shorthands were expanded when they were given."""
    found = list(releases)
    _replace(
        connection,
        schema.release,
        "release_id",
        [{"release_id": one.release_id, "title": one.title, "barcode": one.barcode} for one in found],
    )
    table = schema.release_track
    for one in found:
        connection.execute(delete(table).where(table.c.release_id == one.release_id))
        connection.execute(insert(table), [{"release_id": one.release_id, **asdict(track)} for track in one.tracks])


def add_assets(connection: Connection, assets: Iterable[tuple[Asset, Path]]) -> None:
    rows = [{**asdict(asset), "path": str(path)} for asset, path in assets]
    if rows:
        connection.execute(insert(schema.asset), rows)


def add_contributions(connection: Connection, contributions: Iterable[Contribution]) -> None:
    """Add those that aren't there."""
    present = set(read_contributions(connection))
    rows = [asdict(contribution) for contribution in contributions if contribution not in present]
    if rows:
        connection.execute(insert(schema.contribution), rows)


def add_claims(connection: Connection, claims: Iterable[Claim]) -> None:
    rows = [{name: value for name, value in row_of(claim).items() if name != "retracted_at_us"} for claim in claims]
    if rows:
        connection.execute(insert(schema.claim), rows)


def retract_claims(connection: Connection, claim_ids: Iterable[str], at_us: int) -> None:
    rows = [{"claim_id": claim_id, "retracted_at_us": at_us} for claim_id in claim_ids]
    if rows:
        connection.execute(insert(schema.claim_retraction), rows)


def _replace(connection: Connection, table: Table, key: str, rows: list[dict[str, object]]) -> None:
    present = set(connection.scalars(select(table.c[key])))
    new = [row for row in rows if row[key] not in present]
    if new:
        connection.execute(insert(table), new)
    for row in rows:
        if row[key] in present:
            connection.execute(table.update().where(table.c[key] == row[key]).values(row))


def _public(party: Party) -> dict[str, Any]:
    return {"party_id": party.party_id, "name": party.name, "kind": party.kind}


def _keep_versions(connection: Connection, kind: str, contents: Mapping[str, dict[str, Any]], at_us: int) -> None:
    """Append what reads differently from now on."""
    known = read_versions(connection, kind, at_us)
    rows = [
        {"kind": kind, "subject_id": name, "recorded_at_us": at_us, "content": encode(content).decode()}
        for name, content in contents.items()
        if known.get(name) != content
    ]
    if rows:
        connection.execute(insert(schema.catalogue_version), rows)
