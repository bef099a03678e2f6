"""Looking things up for people: recordings, snapshots, amounts."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from ritornello.domain.catalogue import LANES, subject_of
from ritornello.domain.errors import Refused
from ritornello.domain.money import digits_of, format_units
from ritornello.domain.period import claims_by_lane
from ritornello.domain.preference import CONSTRAINED
from ritornello.domain.splits import divide_lane, format_share
from ritornello.service import snapshots
from ritornello.service.context import Context
from ritornello.store import catalogue, declarations, schema
from ritornello.store.content_codes import read_codes
from ritornello.store.renditions import read_generated_flags

SEARCHED = ("title", "artist", "recording_id", "isrc")


def money(units: int, currency: str) -> str:
    """An amount with its currency, exact: `3.3333 EUR`."""
    return f"{format_units(units, digits_of(currency))} {currency}"


def list_recordings(context: Context) -> list[dict[str, Any]]:
    """Every recording with the length of its main file."""
    lengths = {
        asset.recording_id: asset.duration_ms for asset in catalogue.read_assets(context.connection).values() if asset.kind == "recording"
    }
    recordings = catalogue.read_recordings(context.connection)
    return [{**asdict(recording), "duration_ms": lengths.get(name, 0)} for name, recording in sorted(recordings.items())]


def page_recordings(context: Context, *, after: str = "", limit: int, reader: str | None = None, text: str = "") -> list[dict[str, Any]]:
    """At most `limit` recordings behind the one named `after`, ascending; for a payee (`reader`) those in which they hold a claim.

    `text`: what title, artist, identifier or ISRC must contain, in large or small letters.
    """
    table, asset = schema.recording, schema.asset
    length = func.coalesce(
        select(func.max(asset.c.duration_ms))
        .where(asset.c.recording_id == table.c.recording_id, asset.c.kind == "recording")
        .scalar_subquery(),
        0,
    )
    query = select(table, length.label("duration_ms")).where(table.c.recording_id > after)
    if reader is not None:
        query = query.where(_holds_claim(context, reader))
    if text:
        query = query.where(or_(*(table.c[name].icontains(text, autoescape=True) for name in SEARCHED)))
    return [dict(row._mapping) for row in context.connection.execute(query.order_by(table.c.recording_id).limit(limit))]


def _holds_claim(context: Context, party_id: str) -> ColumnElement[bool]:
    """Whether a recording, or its work, has a claim of the party that is not retracted and has not ended."""
    claim, retracted = schema.claim, schema.claim_retraction
    mine = (
        claim.c.party_id == party_id,
        claim.c.claim_id.not_in(select(retracted.c.claim_id)),
        or_(claim.c.valid_to.is_(None), claim.c.valid_to >= context.today().isoformat()),
    )
    return or_(
        schema.recording.c.recording_id.in_(select(claim.c.subject_id).where(claim.c.subject_kind == "recording", *mine)),
        schema.recording.c.work_id.in_(select(claim.c.subject_id).where(claim.c.subject_kind == "work", *mine)),
    )


def describe_recording_to(context: Context, recording_id: str, reader: str | None) -> dict[str, Any]:
    """One recording as a payee may see it: only where they hold a claim, of the split sets only their own part, and not where its files lie."""
    if reader is None:
        return describe_recording(context, recording_id)
    table = schema.recording
    theirs = select(table.c.recording_id).where(table.c.recording_id == recording_id, _holds_claim(context, reader))
    if context.connection.scalar(theirs) is None:
        raise _unknown(recording_id)
    found = describe_recording(context, recording_id)
    assets = [{name: value for name, value in asset.items() if name != "file"} for asset in found["assets"]]
    return {**found, "assets": assets, "splits": withhold_others(found["splits"], reader)}


def withhold_others(splits: Mapping[str, Mapping[str, Any]], reader: str) -> dict[str, dict[str, Any]]:
    """Split sets by lane with the shares of one party alone, and without the total that would tell the others'."""
    return {
        lane: {"status": split["status"], "shares": [share for share in split["shares"] if share["payee"] == f"party:{reader}"]}
        for lane, split in splits.items()
    }


def describe_recording(context: Context, recording_id: str) -> dict[str, Any]:
    """One recording with its files, contributors, and the split set of each claimed lane, worldwide and today."""
    recording = catalogue.read_recordings(context.connection, recording_id).get(recording_id)
    if recording is None:
        raise _unknown(recording_id)
    subjects = [recording_id, *([recording.work_id] if recording.work_id else [])]
    claimed = catalogue.read_claims(context.connection, subjects)
    known = [c for c in claimed if c.retracted_at_us is None and c.in_force_on(context.today())]
    by_lane, splits = claims_by_lane(known), {}
    for lane in LANES:
        kind, subject_id = subject_of(recording, lane)
        if subject_id and (claims := by_lane.get((kind, subject_id, lane))):
            splits[lane] = asdict(divide_lane(claim for claim in claims if claim.applies_in("WW")))
    codes, flags = read_codes(context.connection, recording_id), read_generated_flags(context.connection)
    assets = [
        {
            **asdict(asset),
            "iscc": codes[asset.asset_id].iscc if asset.asset_id in codes else None,
            "says_generated": flags.get(asset.asset_id),
        }
        for asset in catalogue.read_assets(context.connection, recording_id).values()
    ]
    contributions = [asdict(found) for found in catalogue.read_contributions(context.connection, recording_id)]
    return {
        "recording": asdict(recording),
        "assets": assets,
        "contributions": contributions,
        "splits": splits,
        "declared": declarations.read(context.connection, recording_id),
    }


def _unknown(recording_id: str) -> Refused:
    return Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")


def render_recording(found: dict[str, Any]) -> str:
    recording = found["recording"]
    text = [
        f"{recording['recording_id']}  {recording['artist']} – {recording['title']}  ISRC {recording['isrc'] or 'none'}  work {recording['work_id'] or 'none'}"
    ]
    for asset in found["assets"]:
        text.append(
            f"  {asset['kind']:<10} {asset['label']:<10} {asset['duration_ms'] / 1000:>8.1f} s  {asset['asset_id']}  {asset['file']}"
        )
        text += [f"    {asset['iscc']}"] if asset["iscc"] else []
        text += [f"    says that AI made it: {asset['says_generated']}"] if asset["says_generated"] else []
    text += [f"  {one['role']:<22} {one['party_id']}" for one in found["contributions"]]
    for declared in found["declared"]:
        text += [f"  declared by message {declared['message_sha256'][:12]}, no consent: {line}" for line in _tell_declared(declared)]
    for lane, split in found["splits"].items():
        text.append(f"  {lane}: {split['status']}, claims total {format_share(split['total_e8'])} %")
        text += [f"    {share['payee']:<32} {format_share(share['share_e8'])} %" for share in split["shares"]]
    return "\n".join(text)


def _tell_declared(declared: dict[str, Any]) -> list[str]:
    flags = [f"ContainsAI {declared['contains_ai']}"] if declared["contains_ai"] else []
    flags += [f"{party}: AiContribution {value}" for party, value in declared["ai_contributions"]]
    for purpose, said in declared["preferences"].items():
        conditions = [f"{name} {' '.join(value) if isinstance(value, list) else value}" for name, value in said.items() if name != "use"]
        unknown = "under conditions that nobody here knows: not allowed"
        how = f"({', '.join(conditions)})" if conditions else unknown if said["use"] == CONSTRAINED else ""
        flags.append(f"{purpose} {said['use']} {how}".rstrip())
    return flags


def list_snapshots(context: Context) -> list[dict[str, Any]]:
    """Every snapshot as a row of snapshots.jsonl, oldest first."""
    order = select(schema.snapshot.c.snapshot_id).order_by(schema.snapshot.c.known_at_us)
    return [snapshots.find_row(context, snapshot_id) for snapshot_id in context.connection.scalars(order).all()]
