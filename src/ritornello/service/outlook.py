"""How long consent is known to last: withdrawals and holds are announced, and grants, claims, admissions and terms end."""

from collections.abc import Collection, Iterator
from datetime import date, timedelta

from ritornello.domain.programme import Programme
from ritornello.service import classes, consent, terms
from ritornello.service.context import Context
from ritornello.store import catalogue
from ritornello.store.classes import read_admissions


def find_last_days(context: Context, programme: Programme, day: date, recording_id: str | None = None) -> dict[str, date]:
    """Asset → last day on which it stays allowed, as known now, for those (of one recording, or all) that are allowed on a day."""
    names = _ask(context, programme, day, recording_id)
    found: dict[str, date] = {}
    for change in _changes(context, programme, day, recording_id):
        still = _ask(context, programme, change, recording_id)
        found |= {name: change - timedelta(days=1) for name in names - still - set(found)}
    return {name: found.get(name, programme.valid_to) for name in names}


def find_last_day(context: Context, programme: Programme, day: date, asset_ids: Collection[str]) -> date:
    """The last day on which all of these stay allowed, as known now, from a day on which they are."""
    wanted = set(asset_ids)
    for change in _changes(context, programme, day, None):
        if not wanted <= _ask(context, programme, change, None):
            return change - timedelta(days=1)
    return programme.valid_to


def _ask(context: Context, programme: Programme, day: date, recording_id: str | None) -> set[str]:
    answers = consent.check(context, programme.programme_id, recording_id=recording_id, day=day)
    return {answer.asset_id for answer in answers if answer.allowed}


def _changes(context: Context, programme: Programme, day: date, recording_id: str | None) -> list[date]:
    """The days after `day`, up to the programme's last, on which consent may change: whatever counts for it begins, or ended the day before."""
    changes = {first for first, _ in _spans(context, programme, day, recording_id)}
    ends = {last for _, last in _spans(context, programme, day, recording_id) if last is not None and last < date.max}
    changes |= {last + timedelta(days=1) for last in ends}
    return sorted(one for one in changes if day < one <= programme.valid_to)


def _spans(context: Context, programme: Programme, day: date, recording_id: str | None) -> Iterator[tuple[date, date | None]]:
    placed = terms.find_placed(context, programme.programme_id, day, context.now_us())
    for event in terms.read_events(context, placed, recording_id):
        yield event.effective_from, event.effective_to
    for claim in catalogue.read_claims(context.connection):
        yield claim.valid_from, claim.valid_to
    for document in classes.read_documents(context, programme).values():
        yield document.valid_from, document.valid_to
    for admission in read_admissions(context.connection, programme_sha256=programme.sha256):
        yield admission.valid_from, admission.valid_to
        if admission.ended_from is not None:
            yield admission.ended_from, None
