"""What a conversion loses, each thing in a plain sentence: nothing may differ in silence."""

from collections.abc import Iterable
from dataclasses import dataclass

from ritornello.domain.consent import PURPOSES
from ritornello.domain.preference import ALLOWED, CONSTRAINED, NOT_ALLOWED, SILENT, Preference, Statement

_SAYS = {ALLOWED: "is allowed", NOT_ALLOWED: "is not allowed", SILENT: "is not spoken of, which reads as not allowed"}


@dataclass(frozen=True, slots=True)
class Loss:
    """One distinction that the other side can't see any more."""

    subject: str
    purpose: str | None  # None: it is not about one purpose
    kind: str  # permission, condition, denial, silence, subject (a name), record (all of it), or foreign: what a file says beyond our words
    sentence: str


def compare(before: Preference, after: Preference | None, why: dict[str, str]) -> list[Loss]:
    """Every difference between a record and what is read back of it; `why` gives reasons by purpose. `after` is None when the record is gone."""
    subject, losses = str(before.subject), list[Loss]()
    if after is None:
        said = any(before.says(purpose).use != SILENT for purpose in PURPOSES)
        return [Loss(subject, None, "record", f"{subject} can't be named here: all that is said about it is left out")] if said else []
    if before.subject != after.subject:
        gone = [name for name in before.subject.names() if name not in after.subject.names()]
        if gone:
            losses.append(Loss(subject, None, "subject", f"{subject} is known as {after.subject} from here on: {', '.join(gone)} is lost"))
    for purpose in PURPOSES:
        old, new = before.says(purpose), after.says(purpose)
        if old != new:
            reason = f" ({why[purpose]})" if purpose in why else ""
            losses.append(Loss(subject, purpose, _kind(old), f"{purpose} {describe(old)}; from here on it {describe(new)}{reason}"))
    return losses


def describe(statement: Statement) -> str:
    """`is allowed`, `is allowed when …`: the statement in words."""
    if statement.constraint is None:
        return _SAYS[statement.use]
    limits = statement.constraint
    words = [f"by {limits.licensee}"] if limits.licensee else []
    words += [f"for {' or '.join(limits.licensee_classes)}"] if limits.licensee_classes else []
    words += [f"in {' '.join(limits.territories)}"] if limits.territories else []
    words += [f"from {limits.valid_from}"] if limits.valid_from else []
    words += [f"to {limits.valid_to}"] if limits.valid_to else []
    words += [f"under the terms {terms}" for terms in (limits.terms_sha256, limits.terms_url) if terms]
    return f"is allowed {', '.join(words)}" if words else "is constrained by conditions that nobody here knows, which reads as not allowed"


def join(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *most, last = list(words)
    return f"{', '.join(most)} and {last}" if most else last


def _kind(old: Statement) -> str:
    return {ALLOWED: "permission", CONSTRAINED: "condition", NOT_ALLOWED: "denial", SILENT: "silence"}[old.use]
