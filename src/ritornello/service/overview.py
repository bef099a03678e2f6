"""Looking things up for people: recordings, snapshots, amounts."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

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


def describe_recording(context: Context, recording_id: str) -> dict[str, Any]:
    """One recording with its files, contributors, and the split set of each claimed lane, worldwide and today."""
    recording = catalogue.read_recordings(context.connection).get(recording_id)
    if recording is None:
        raise Refused("unknown_recording", f"there is no recording {recording_id!r}", "see `ritornello catalogue show`")
    known = [c for c in catalogue.read_claims(context.connection) if c.retracted_at_us is None and c.in_force_on(context.today())]
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
    contributions = [asdict(found) for found in catalogue.read_contributions(context.connection) if found.recording_id == recording_id]
    return {
        "recording": asdict(recording),
        "assets": assets,
        "contributions": contributions,
        "splits": splits,
        "declared": declarations.read(context.connection, recording_id),
    }


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
