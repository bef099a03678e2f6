"""The whole tree of what can go wrong by somebody else's hand.

    RitornelloError
    ├── BadInput        a user's mistakes: a list of `Problem`, all at once
    └── Refused         an action that the rules forbid, with a stable code

A broken promise of our own is neither: it is an assertion, and the program stops.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in what a user brought: where it is, what is wrong, what to do."""

    file: str
    row: int | None  # counted as a spreadsheet does: the header is row 1
    field: str | None
    what: str
    todo: str

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.field is not None:
            place += f", {self.field}"
        return f"{place}: {self.what} → {self.todo}"

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class RitornelloError(Exception):
    """Anything a door shows to its user instead of a traceback."""

    code = "error"


class BadInput(RitornelloError):
    """What was brought can't be used; nothing of it was taken. Carries every problem found, in file and row order."""

    code = "bad_input"

    def __init__(self, problems: Sequence[Problem]) -> None:
        assert problems, "bad input without a problem"
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class Refused(RitornelloError):
    """The rules forbid this action now. `code` is stable and documented in docs/cli.md; `todo` says what would help."""

    def __init__(self, code: str, what: str, todo: str) -> None:
        self.code, self.what, self.todo = code, what, todo
        super().__init__(f"{what} → {todo}")


def raise_if_any(problems: Sequence[Problem]) -> None:
    """Raise :class:`BadInput` with all of them, if there are any."""
    if problems:
        raise BadInput(problems)
