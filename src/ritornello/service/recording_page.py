"""The recordings and one recording, put together for whoever asks. What is not theirs looks as if it did not exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ritornello.service import models, overview, recording_consent, recording_earnings, snapshots
from ritornello.service.context import Context
from ritornello.service.recording_consent import ProgrammeStand
from ritornello.service.recording_earnings import Earning
from ritornello.store import catalogue

PAGE = 50
Row = dict[str, Any]
Total = tuple[int, str, int]  # units, currency, its digits


@dataclass(frozen=True, slots=True)
class Listed:
    """One recording of the list. `earned`: by the payee who asks in all settlements; for the operator's people, by everybody."""

    recording: Row
    consent: Sequence[ProgrammeStand]
    earned: Sequence[Total]


@dataclass(frozen=True, slots=True)
class RecordingList:
    rows: tuple[Listed, ...]
    following: str | None  # behind which recording the next page begins


@dataclass(frozen=True, slots=True)
class UsedIn:
    """A snapshot that holds a file of the recording, and what was trained on it, from it or on it and others."""

    snapshot: Row
    model_versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordingPage:
    """One recording. `names`: of every party that the page may name; a payee's page names them alone."""

    recording: Row
    work_title: str | None
    iswc: str | None
    assets: Sequence[Row]
    contributions: Sequence[Row]
    splits: dict[str, Row]
    consent: Sequence[ProgrammeStand]
    used_in: tuple[UsedIn, ...]
    earnings: Sequence[Earning]
    earned: Sequence[Total]
    names: dict[str, str]


def list_some(context: Context, reader: str | None, *, text: str = "", after: str = "") -> RecordingList:
    """A page of recordings behind the one named `after`, of those with `text` in title, artist, identifier or ISRC."""
    found = overview.page_recordings(context, after=after, limit=PAGE + 1, reader=reader, text=text)
    shown = found[:PAGE]
    ids = [row["recording_id"] for row in shown]
    consent = recording_consent.read(context, ids, reader) if ids else {}
    earned: dict[str, list[Earning]] = {}
    for earning in recording_earnings.read(context, ids, reader) if ids else []:
        earned.setdefault(earning.recording_id, []).append(earning)
    rows = (Listed(row, consent[row["recording_id"]], recording_earnings.total(earned.get(row["recording_id"], ()))) for row in shown)
    return RecordingList(tuple(rows), ids[-1] if len(found) > PAGE else None)


def read(context: Context, recording_id: str, reader: str | None) -> RecordingPage:
    """Everything of one recording's page. Raises Refused when there is none, or none of theirs."""
    found = overview.describe_recording_to(context, recording_id, reader)
    recording = found["recording"]
    works = catalogue.read_works(context.connection, recording["work_id"]) if recording["work_id"] else {}
    work = works.get(recording["work_id"])
    earnings = recording_earnings.read(context, [recording_id], reader)
    consent = recording_consent.read(context, [recording_id], reader)[recording_id]
    named = _named(found, earnings, consent) if reader is None else {reader}
    return RecordingPage(
        recording,
        work.title if work else None,
        work.iswc if work else None,
        found["assets"],
        found["contributions"],
        found["splits"],
        consent,
        tuple(_used_in(context, recording_id)),
        earnings,
        recording_earnings.total(earnings),
        {name: party.name for name, party in catalogue.read_parties(context.connection, named).items()},
    )


def _used_in(context: Context, recording_id: str) -> list[UsedIn]:
    runs = models.list_runs(context)
    return [UsedIn(row, tuple(models.find_trained(runs, row["snapshot_id"]))) for row in snapshots.find_with(context, recording_id)]


def _named(found: Row, earnings: Sequence[Earning], consent: Sequence[ProgrammeStand]) -> set[str]:
    """Every party that the page speaks of."""
    stands = [stand for programme in consent for file in programme.files for stand in file.purposes]
    named = {one["party_id"] for one in found["contributions"]}
    named |= {share["payee"].removeprefix("party:") for split in found["splits"].values() for share in split["shares"]}
    named |= {decision.party_id for stand in stands for decision in stand.decisions}
    named |= {party_id for stand in stands for party_id, _ in stand.reasons if party_id}
    return named | {one.party_id for one in earnings if one.party_id}
