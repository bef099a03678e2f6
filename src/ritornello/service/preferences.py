"""Preferences for the machines of others: today's consent in their words, and what their files say, in ours."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ritornello.domain.catalogue import Asset, Recording
from ritornello.domain.consent import PURPOSES
from ritornello.domain.errors import BadInput, Problem, Refused
from ritornello.domain.preference import NO, SILENT, UNKNOWN, Constraint, Preference, Statement, Subject, constrain, meet
from ritornello.domain.programme import Programme
from ritornello.formats.preferences.convert import read, write
from ritornello.formats.preferences.losses import Loss
from ritornello.formats.preferences.source import MAX_BYTES, parse_location
from ritornello.service import programmes
from ritornello.service.context import Context
from ritornello.service.outlook import find_last_days
from ritornello.store import catalogue
from ritornello.store.content_codes import read_codes


@dataclass(frozen=True, slots=True)
class Exported:
    """A file in somebody else's words, and what it can't say."""

    data: bytes
    subjects: int
    permitted: int  # of them, those that somebody may use for something
    losses: tuple[Loss, ...]


def export(
    context: Context,
    programme_id: str,
    form: str,
    *,
    recording_id: str | None = None,
    asset_id: str | None = None,
    location: str | None = None,
) -> Exported:
    """Today's consent under a programme, in one of the formats.

    What everyone has granted is allowed to the programme's licensee, in its territory, under its terms, from today to the last day on which that is
    known to hold; everything else is not allowed. `location` says where the files lie on the web: a URL or path with `{asset_id}`, `{recording_id}`, `{isrc}`.
    Raises Refused when there is no such thing or the programme is not in force, BadInput when the format can't hold so many subjects.
    """
    programme, _ = programmes.find(context, programme_id)
    day = context.today()
    if not programme.valid_from <= day <= programme.valid_to:
        what = f"{programme_id} is in force from {programme.valid_from} to {programme.valid_to}, not on {day}"
        raise Refused("not_in_force", what, "register a version that is")
    allowed = find_last_days(context, programme, day, recording_id)
    assets = catalogue.read_assets(context.connection, recording_id)
    if asset_id is not None and asset_id not in assets:
        raise Refused("unknown_asset", f"there is no asset {asset_id!r}", "see `ritornello catalogue show`")
    chosen = [assets[asset_id]] if asset_id is not None else list(assets.values())
    said = {asset.asset_id: _say(programme, day, allowed.get(asset.asset_id)) for asset in chosen}
    codes = {name: found.iscc for name, found in read_codes(context.connection, recording_id).items()}
    records = _name(chosen, catalogue.read_recordings(context.connection, recording_id), codes, said, location)
    data, losses = write(form, records)
    _refuse_nothing(form, records, losses)
    permitted = sum(any(statement.permits_something for statement in one.statements.values()) for one in records)
    return Exported(data, len(records), permitted, tuple(losses))


def read_file(path: Path, form: str, attached_to: Subject | None = None) -> tuple[list[Preference], list[Loss]]:
    """What a file says. Raises BadInput with every problem."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        what = f"there is no such file, or it is larger than {MAX_BYTES >> 20} MiB"
        raise BadInput([Problem(path.name, None, None, what, "check the path")])
    return read(form, path.read_bytes(), path.name, attached_to)


def read_assertion(assertion: Mapping[str, Any], form: str) -> dict[str, str]:
    """Purpose → use, of what an assertion in a manifest says (`cawg` or `c2pa`). Raises BadInput when it can't be read."""
    records, _ = read(form, json.dumps(assertion).encode(), "the manifest")
    return {purpose: use for one in records for purpose in PURPOSES if (use := one.says(purpose).use) != SILENT}


def convert_file(path: Path, form: str, target: str, attached_to: Subject | None = None) -> Exported:
    """A file's preferences in another format; the losses of both steps."""
    records, lost_in_reading = read_file(path, form, attached_to)
    data, losses = write(target, records)
    _refuse_nothing(target, records, losses)
    permitted = sum(any(statement.permits_something for statement in one.statements.values()) for one in records)
    return Exported(data, len(records), permitted, (*lost_in_reading, *losses))


def _say(programme: Programme, day: date, last: date | None) -> dict[str, Statement]:
    if last is None:
        return dict.fromkeys(PURPOSES, NO)
    licensee = " ".join(word for word in programme.licensee.split() if word.isprintable())[:200].strip()
    territories = () if programme.territory == "WW" else (programme.territory,)
    yes = constrain(Constraint(licensee, (), territories, day, last, programme.sha256)) if licensee else UNKNOWN
    return {purpose: yes if purpose in programme.purposes else NO for purpose in PURPOSES}


def _name(
    assets: Iterable[Asset],
    recordings: Mapping[str, Recording],
    codes: Mapping[str, str],
    said: Mapping[str, Mapping[str, Statement]],
    location: str | None,
) -> list[Preference]:
    """The subjects. A recording's names speak for its own file, never for its stems or takes; where it has several files, for what holds for all of them."""
    whole: dict[str, list[Asset]] = {}
    found = []
    for asset in sorted(assets, key=lambda asset: (asset.recording_id, asset.asset_id)):
        if asset.kind == "recording":
            whole.setdefault(asset.recording_id, []).append(asset)
        else:
            place = _place(location, asset, None) if location and "{asset_id}" in location else None
            found.append(Preference(Subject(asset.asset_id, iscc=codes.get(asset.asset_id), location=place), said[asset.asset_id]))
    for recording_id, files in whole.items():
        isrc = recordings[recording_id].isrc
        one = files[0] if len(files) == 1 else None
        place = _place(location, files[0], isrc) if location and (one or "{asset_id}" not in location) else None
        together = {purpose: meet(said[asset.asset_id][purpose] for asset in files) for purpose in PURPOSES}
        found.append(
            Preference(
                Subject(one.asset_id if one else None, recording_id, isrc, codes.get(one.asset_id) if one else None, place), together
            )
        )
        if not one:
            for asset in files:
                subject = Subject(asset.asset_id, iscc=codes.get(asset.asset_id), location=_only(location, asset))
                found.append(Preference(subject, said[asset.asset_id]))
    return found


def _only(location: str | None, asset: Asset) -> str | None:
    return _place(location, asset, None) if location and "{asset_id}" in location else None


def _place(location: str, asset: Asset, isrc: str | None) -> str | None:
    """Where it lies; None where the address needs an ISRC that there isn't."""
    if "{isrc}" in location and not isrc:
        return None
    filled = location
    for name, value in (("asset_id", asset.asset_id), ("recording_id", asset.recording_id), ("isrc", isrc or "")):
        filled = filled.replace(f"{{{name}}}", quote(value, safe=":"))
    try:
        return parse_location(filled)
    except ValueError as error:
        raise BadInput(
            [Problem("--location", None, None, str(error), "write a URL or a path such as /audio/{recording_id}.flac")]
        ) from None


def _refuse_nothing(form: str, records: Sequence[Preference], losses: Sequence[Loss]) -> None:
    gone = sum(loss.kind == "record" for loss in losses)
    if not records or gone == len(records):
        what = f"{form} can't name any of the {len(records)} subjects"
        raise Refused("nothing_to_write", what, "give them the names it uses (an ISRC, or --location), or choose another format")
