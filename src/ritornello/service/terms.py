"""What somebody decides about: the terms of a programme, or of a class of licensees."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date

from ritornello.domain.consent import CLASS, ConsentEvent, Terms
from ritornello.service import classes, programmes
from ritornello.service.context import Context
from ritornello.store import consents


def find_shown(context: Context, scope: str) -> Terms:
    """The newest terms of a programme or, as `class:ID`, of a class: those that a decision made now is made under. Raises Refused."""
    class_id = classes.class_of(scope)
    return programmes.find(context, scope)[0].terms() if class_id is None else classes.find(context, class_id).terms()


def find_placed(context: Context, scope: str, day: date, known_at_us: int) -> Terms:
    """The same, with how a programme stands in the classes that it names on a day, as known at a moment."""
    if classes.class_of(scope) is not None:
        return find_shown(context, scope)
    programme, _ = programmes.find(context, scope)
    return replace(programme.terms(), footings=classes.find_places(context, programme, day, known_at_us))


def find_given(context: Context, sha256: str) -> Terms:
    """The terms with this hash: those that somebody was shown."""
    document = classes.find_document(context, sha256)
    return document.terms() if document else programmes.find_terms(context, sha256).terms()


def read_events(context: Context, terms: Terms, recording_id: str | Collection[str] | None = None) -> Iterable[ConsentEvent]:
    """Every event about these terms' programme and the classes that it names."""
    for scope in (terms.programme_id, *(CLASS + footing.class_id for footing in terms.footings)):
        yield from consents.read_events(context.connection, programme_id=scope, recording_id=recording_id)
