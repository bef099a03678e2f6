"""What every command shares: where the home is, how answers and problems are shown, and the exit codes (docs/cli.md)."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click

from ritornello.domain.errors import BadInput, Refused
from ritornello.domain.identifiers import parse_territory
from ritornello.formats.checkpoint import NOTE_LIMIT
from ritornello.formats.consents_csv import Subject, parse_subject
from ritornello.service.context import Context
from ritornello.wiring import open_context

BAD_INPUT, REFUSED, FAULT, SURROUNDINGS = 1, 3, 4, 5
SHOWN_PROBLEMS = 200


@dataclass(slots=True)
class Frame:
    """Options of the whole program."""

    home: Path
    database: str | None
    as_json: bool
    quiet: bool
    data_key: str | None = field(default=None, repr=False)
    engine_url: str | None = None
    engine_data: str | None = None
    _told: bool = False

    @contextmanager
    def context(self) -> Iterator[Context]:
        """A service context for one command: one transaction."""
        with open_context(self.home, self.database, self.tell, data_key=self.data_key) as context:
            yield context
        self.clear()

    def tell(self, text: str) -> None:
        """Progress, on standard error; one line that is overwritten on a terminal."""
        if self.quiet or self.as_json:
            return
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[2K{text}", nl=False, err=True)
            self._told = True

    def clear(self) -> None:
        if self._told:
            click.echo("\r\x1b[2K", nl=False, err=True)
            self._told = False

    def show(self, value: Any, text: str) -> None:
        """The answer: JSON for programs, text for people."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str) if self.as_json else text)

    def fail(self, error: BadInput | Refused) -> NoReturn:
        """Show what is wrong and leave with the exit code that means it."""
        self.clear()
        if isinstance(error, BadInput):
            if self.as_json:
                click.echo(
                    json.dumps(
                        {"error": error.code, "problems": [problem.as_dict() for problem in error.problems]}, ensure_ascii=False, indent=1
                    )
                )
            else:
                for problem in error.problems[:SHOWN_PROBLEMS]:
                    click.echo(str(problem), err=True)
                more = len(error.problems) - SHOWN_PROBLEMS
                click.echo(f"{len(error.problems)} problem(s){f', {more} not shown' if more > 0 else ''}; nothing was taken.", err=True)
            sys.exit(BAD_INPUT)
        if self.as_json:
            click.echo(json.dumps({"error": error.code, "what": error.what, "todo": error.todo}, ensure_ascii=False, indent=1))
        else:
            click.echo(f"refused ({error.code}): {error}", err=True)
        sys.exit(REFUSED)


pass_frame = click.make_pass_decorator(Frame)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
NEW = click.Path(path_type=Path)


class Day(click.ParamType[date]):
    """A day written YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day written YYYY-MM-DD", param, ctx)


class Size(click.ParamType[int]):
    """An amount of memory or disk, such as 4GB or 512MB, in bytes."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([1-9][0-9]{0,5}) ?([MGT])i?B?", value.strip(), re.IGNORECASE)
        if not match:
            self.fail(f"{value!r} is not a size such as 4GB or 512MB", param, ctx)
        return int(match[1]) << {"M": 20, "G": 30, "T": 40}[match[2].upper()]


class Moment(click.DateTime):
    """A moment of UTC, as microseconds since 1970; a day alone means its first moment."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, int):
            return value
        moment = super().convert(value, param, ctx).replace(tzinfo=UTC)
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class Territory(click.ParamType[str]):
    """`WW` or a country."""

    name = "WW|COUNTRY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return parse_territory(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class About(click.ParamType[Subject]):
    """What a decision is about."""

    name = "SUBJECT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Subject:
        try:
            return value if isinstance(value, Subject) else parse_subject(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def read_key(text: str) -> str:
    """A verifier key given as itself or as a file."""
    path = Path(text)
    return (read_note(path) or "").strip() if len(text) < 200 and path.is_file() else text


def read_note(path: Path | None) -> str | None:
    """A checkpoint's file, no more of it than a checkpoint may have; what is not text in it stays recognisably wrong."""
    if path is None:
        return None
    with path.open("rb") as stream:
        return stream.read(4 * NOTE_LIMIT + 1).decode(errors="replace")


def seconds(duration_ms: int) -> str:
    """Milliseconds as minutes and seconds: 3:07."""
    return f"{duration_ms // 60_000}:{duration_ms // 1000 % 60:02d}"
