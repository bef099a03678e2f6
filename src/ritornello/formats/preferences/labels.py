"""Words of others that are wider than ours: a yes is written only where everything that the word covers is allowed; a yes is read only for what it says by itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ritornello.domain.preference import NO, NOTHING, SILENT, Preference, Statement, meet
from ritornello.formats.preferences.losses import join


@dataclass(frozen=True, slots=True)
class Label:
    """One word of a vocabulary."""

    word: str
    covers: tuple[str, ...]  # what somebody may do who reads a yes: all of it must be allowed before it is written; a no denies all of it
    grants: tuple[str, ...]  # what a yes is read as: its plain meaning. What else it covers needs words of its own


def weigh(preference: Preference, label: Label, sayable: Iterable[str] = ()) -> Statement:
    """What may be said with this word: the meet of all that it covers, and a no when a condition is not among the `sayable` ones."""
    statement = meet(preference.says(purpose) for purpose in label.covers)
    if statement.constraint is None:
        return statement
    conditions = set(statement.constraint.conditions())
    return statement if conditions and conditions <= set(sayable) else NO


class Reading:
    """Statements as they are gathered from words; two about one purpose hold together only where both permit."""

    def __init__(self) -> None:
        self.statements: dict[str, Statement] = {}

    def take(self, label: Label, statement: Statement) -> None:
        """A permission speaks for what the word grants, anything else for all that it covers."""
        for purpose in label.grants if statement.permits_something else label.covers:
            self.take_purpose(purpose, statement)

    def take_purpose(self, purpose: str, statement: Statement) -> None:
        old = self.statements.get(purpose, NOTHING)
        self.statements[purpose] = statement if old.use == SILENT else meet((old, statement))


def explain(preference: Preference, labels: Sequence[Label], sayable: Iterable[str], says_no: bool = True) -> dict[str, str]:
    """Purpose → why it can't be said with these words."""
    reasons: dict[str, str] = {}
    for purpose, statement in preference.statements.items():
        own = [label for label in labels if purpose in label.covers]
        granting = [label for label in own if purpose in label.grants]
        if statement.use == SILENT:
            reasons[purpose] = f"`{own[0].word}` covers it and has to be denied for others" if own else ""
        elif not statement.permits_something:
            reasons[purpose] = "there is no word for its denial" if says_no else "only permissions are written here"
        elif not granting:
            reasons[purpose] = f"there is no word for it; `{own[0].word}` only covers it among others" if own else "there is no word for it"
        else:
            reasons[purpose] = _why_not(preference, granting[0], statement, set(sayable))
    return {purpose: reason for purpose, reason in reasons.items() if reason}


def _why_not(preference: Preference, label: Label, statement: Statement, sayable: set[str]) -> str:
    unsayable = sorted(set(statement.constraint.conditions()) - sayable) if statement.constraint else []
    if unsayable:
        return f"{join(unsayable)} can't be said here, and a condition that can't be said becomes a no"
    others = [purpose for purpose in label.covers if preference.says(purpose) != statement]
    return f"a yes to `{label.word}` would also cover {join(others)}, which is not allowed in the same way" if others else ""
