"""How consent to a recording stands, purpose by purpose, as whoever asks may know it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ritornello.domain.consent import Answer, ConsentEvent, Missing
from ritornello.formats.consent_words import describe_missing
from ritornello.service.consent import Looked, look
from ritornello.service.context import Context
from ritornello.service.programmes import list_all


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody said. `party_id`: whose decision it is."""

    party_id: str
    decision: str  # grant, withdraw, hold or release
    effective_from: date
    recorded_at_us: int
    scope: str  # the programme, or `class:` and the id of a class


@dataclass(frozen=True, slots=True)
class Stand:
    """One purpose of one file under one programme. To a payee, `decisions` and `reasons` hold their own alone, and others are only counted."""

    purpose: str
    state: str  # granted, ending, waiting, none, withdrawn, held, unsplit
    day: date | None  # from which it is withdrawn, where it is or will be
    yours: bool  # the reader's own grant is missing
    others: int  # how many others haven't agreed
    decisions: tuple[Decision, ...]  # oldest first
    reasons: tuple[tuple[str | None, str], ...]  # (party, or none for a lane) and what is missing


@dataclass(frozen=True, slots=True)
class FileStand:
    asset_id: str
    kind: str
    label: str
    purposes: tuple[Stand, ...]


@dataclass(frozen=True, slots=True)
class ProgrammeStand:
    programme_id: str
    title: str
    files: tuple[FileStand, ...]


def read(context: Context, recording_ids: Sequence[str], reader: str | None) -> dict[str, list[ProgrammeStand]]:
    """Recording → how each of its files stands under the newest terms of every programme, today."""
    found: dict[str, list[ProgrammeStand]] = {name: [] for name in recording_ids}
    for programme in list_all(context):
        looked = look(context, programme.programme_id, recording_ids)
        of_recording: dict[str, list[Answer]] = {}
        for answer in looked.answers:
            of_recording.setdefault(answer.recording_id, []).append(answer)
        for name in recording_ids:
            files = tuple(_of_file(looked, answer, reader) for answer in sorted(of_recording.get(name, []), key=_main_first))
            found[name].append(ProgrammeStand(programme.programme_id, programme.title, files))
    return found


def _main_first(answer: Answer) -> tuple[bool, str, str, str]:
    return answer.kind != "recording", answer.kind, answer.label, answer.asset_id


def _of_file(looked: Looked, answer: Answer, reader: str | None) -> FileStand:
    said = [event for event in looked.events if event.asset_id == answer.asset_id]
    stands = tuple(
        _stand(looked, answer, [one for one in said if one.purpose == purpose], purpose, reader) for purpose in looked.terms.purposes
    )
    return FileStand(answer.asset_id, answer.kind, answer.label, stands)


def _stand(looked: Looked, answer: Answer, said: Sequence[ConsentEvent], purpose: str, reader: str | None) -> Stand:
    missing = [one for one in answer.missing if one.purpose in {purpose, None}]
    absent = {one.party_id for one in missing if one.party_id is not None and one.reason != "hold"}
    relied = {one.party_id for one in said if one.event_id in answer.consent_events}
    gone = {one.party_id for one in missing if one.reason == "withdrawn" and one.party_id is not None}
    ends = _withdrawn(looked, answer.asset_id, purpose, relied | gone)  # announced by whoever grants today, or in effect
    shown = sorted((one for one in said if reader in {None, one.party_id}), key=lambda one: one.seq)
    return Stand(
        purpose,
        _state(missing, bool(ends), any(one.decision == "grant" and one.party_id not in absent for one in said)),
        min(ends, default=None),
        reader in absent,
        len(absent - {reader}),
        tuple(Decision(one.party_id, one.decision, one.effective_from, one.recorded_at_us, one.programme_id) for one in shown),
        tuple(dict.fromkeys((one.party_id, describe_missing(one, [purpose])) for one in missing if _may_know(one, reader))),
    )


def _state(missing: Sequence[Missing], ends: bool, any_grant: bool) -> str:
    reasons = {one.reason for one in missing}
    if not reasons:
        return "ending" if ends else "granted"
    if "withdrawn" in reasons:
        return "withdrawn"
    if "hold" in reasons:
        return "held"
    if any(one.party_id is None for one in missing):
        return "unsplit"
    return "waiting" if any_grant else "none"


def _withdrawn(looked: Looked, asset_id: str, purpose: str, party_ids: set[str]) -> list[date]:
    """From when these parties' grants are withdrawn, by the last thing that each said about the programme or a class that it names."""
    tables: list[Mapping[tuple[str, str, str], ConsentEvent]] = [looked.last.answers, *looked.last.class_answers.values()]
    said = (table.get((party_id, asset_id, purpose)) for party_id in party_ids for table in tables)
    return [event.effective_from for event in said if event is not None and event.decision == "withdraw"]


def _may_know(missing: Missing, reader: str | None) -> bool:
    """A payee is told what they lack themselves; what a lane lacks would tell the others' shares."""
    return reader is None or missing.party_id == reader
