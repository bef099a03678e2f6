"""What was checked, what was found, and how it is said."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

CONCLUSION = "every allocation and balance follows from the period folder"
SHOWN_LENGTH = 120


class Unreadable(Exception):
    """There is nothing to verify: no bundle, receipt or proof, or a key or checkpoint of the caller's that cannot be read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `row` counts the lines of a table from 1."""

    path: str
    message: str
    row: int | None = None
    identity: str = ""

    def describe(self) -> str:
        row = "" if self.row is None else f" row {self.row}"
        identity = f" ({self.identity})" if self.identity else ""
        return f"{clean(self.path)}{row}{clean(identity, 400)}: {clean(self.message, 600)}"


class Malformed(Exception):
    """A file that cannot be what its format says."""

    def __init__(self, path: str, message: str, row: int | None = None, identity: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(path, message, row, identity)


@dataclass
class Step:
    """One part of the verification: counts of what was checked, and the first problem of each file."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    done: bool = True

    def find_state(self) -> str:
        if self.problems:
            return "failed"
        return "ok" if self.done else "not done, since the period folder cannot be read"

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def fail(self, path: str, message: str, row: int | None = None, identity: str = "") -> None:
        self.add(Problem(path, message, row, identity))

    def add(self, problem: Problem) -> None:
        if all(problem.path != known.path for known in self.problems):
            self.problems.append(problem)


@dataclass
class Report:
    """All steps in order; the first problem is the verdict, or else the conclusion. `answer` is the conclusion for programs, where there is one."""

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    conclusion: str = CONCLUSION
    answer: dict[str, str] | None = None

    def begin(self, name: str) -> Step:
        self.steps.append(Step(name))
        return self.steps[-1]

    def problems(self) -> Iterator[Problem]:
        for step in self.steps:
            yield from step.problems

    def verified(self) -> bool:
        return next(self.problems(), None) is None

    def verdict(self) -> str:
        first = next(self.problems(), None)
        return f"VERIFIED: {self.conclusion}" if first is None else f"FAILED: {first.describe()}"

    def write_text(self) -> str:
        lines = []
        for number, step in enumerate(self.steps, 1):
            lines.append(f"{number}. {step.name}: {step.find_state()}")
            lines += [f"   {count:>12,} {what}" for what, count in step.counts.items()]
            lines += [f"   FAILED {problem.describe()}" for problem in step.problems]
        lines += [f"Note: {clean(note, 600)}" for note in self.notes]
        return "\n".join([*lines, self.verdict()])

    def write_json(self) -> str:
        steps = [
            {
                "name": step.name,
                "passed": step.done and not step.problems,
                "counts": step.counts,
                "problems": [
                    {
                        "path": clean(problem.path),
                        "row": problem.row,
                        "identity": clean(problem.identity, 400),
                        "message": clean(problem.message, 600),
                    }
                    for problem in step.problems
                ],
            }
            for step in self.steps
        ]
        answer = {"answer": self.answer} if self.answer is not None and self.verified() else {}
        return json.dumps({"verified": self.verified(), "verdict": self.verdict(), **answer, "steps": steps, "notes": self.notes})


def clean(text: str, limit: int = 300) -> str:
    """Text from a bundle, safe on a terminal: control and unpaired characters escaped, the length bounded."""
    shortened = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in shortened)


def show(value: object) -> str:
    """A JSON value as it stands in a file, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        text = str(type(value))
    return clean(text, SHOWN_LENGTH)
