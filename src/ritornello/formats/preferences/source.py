"""The file of somebody else while it is being read: its bytes, what is wrong with it, and what it says beyond our words."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ritornello.domain.errors import Problem
from ritornello.domain.preference import Subject
from ritornello.formats.preferences.losses import Loss

MAX_BYTES = 64 * 1024 * 1024
MAX_TEXT = 2_000
T = TypeVar("T")


@dataclass(slots=True)
class Source:
    """Collects problems (then nothing is taken) and foreign statements (then they are named, and permit nothing)."""

    file: str
    data: bytes
    carrier: Subject = field(default_factory=Subject)  # what the statement is attached to, as the reader knows
    problems: list[Problem] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    def problem(self, place: str | None, what: str, todo: str, row: int | None = None) -> None:
        self.problems.append(Problem(self.file, row, place, what, todo))

    def foreign(self, sentence: str, purpose: str | None = None, subject: Subject | None = None) -> None:
        """Note something that the file says and that our words don't hold."""
        self.losses.append(Loss(str(subject or self.carrier), purpose, "foreign", sentence))

    def text(self) -> str:
        """The file as UTF-8 text; an empty one is a problem."""
        if len(self.data) > MAX_BYTES:
            self.problem(None, f"is larger than {MAX_BYTES >> 20} MiB", "split it")
            return ""
        try:
            text = self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.problem(None, "is not text in UTF-8", "save it as UTF-8")
            return ""
        if "\x00" in text or not text.strip():
            self.problem(None, "is empty, or has zero bytes in it", "check that it is the right file")
            return ""
        return text

    def json(self) -> Any:
        """The file as JSON; a name that stands twice in an object is a problem, since readers differ in which of the two they take."""
        text = self.text()
        if not text:
            return None
        try:
            return json.loads(text, object_pairs_hook=self._unique, parse_constant=self._no_constant)
        except (ValueError, RecursionError) as error:
            self.problem(None, f"is not valid JSON: {str(error)[:200]}", "correct the file")
            return None

    def parse(self, place: str, value: object, parse: Callable[[str], T]) -> T | None:
        """A parsed text, or None and a problem."""
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            self.problem(place, f"is not a text of at most {MAX_TEXT} characters", "write it as text")
            return None
        try:
            return parse(value)
        except ValueError as error:
            self.problem(place, str(error)[:300], "correct the value")
            return None

    def _unique(self, pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
        names = [name for name, _ in pairs]
        for name in sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []:
            self.problem(name[:60], "stands twice in one object", "keep one of the two")
        return dict(pairs)

    def _no_constant(self, name: str) -> None:
        raise ValueError(f"{name} is not JSON")


def parse_sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(f"{text[:80]!r} is not a SHA-256 in lower-case hexadecimal")
    return text


def parse_url(text: str) -> str:
    """An http(s) URL in ASCII, without space, quotes or angle brackets."""
    if not re.fullmatch(r"https?://[!#-;=?-~]+", text):
        raise ValueError(f"{text[:80]!r} is not an http or https URL")
    return text


def parse_location(text: str) -> str:
    """A URL with a path, or a path that begins with `/`, in ASCII; `*` and `$` as in RFC 9309."""
    if not re.fullmatch(r"(https?://[!$-.0-;=?-~]+)?/[!$-;=?-~]*", text):
        raise ValueError(f"{text[:80]!r} is neither a URL nor a path that begins with /")
    return text


def parse_asset(text: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise ValueError(f"{text[:80]!r} is not an asset: sha256: and 64 hexadecimal digits")
    return text


def parse_iscc(text: str) -> str:
    """The form of an ISCC (ISO 24138): `ISCC:` and base32; its bits are not looked at."""
    if not re.fullmatch(r"ISCC:[A-Z2-7]{10,110}", text):
        raise ValueError(f"{text[:80]!r} is not an ISCC: `ISCC:` and at least ten base32 characters")
    return text


def parse_class(text: str) -> str:
    """A class of licensees, such as `non-commercial`."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", text):
        raise ValueError(f"{text[:60]!r} is not a class of licensees: small letters, digits and -")
    return text


def parse_name(text: str) -> str:
    """A licensee's name: one line of at most 200 characters."""
    if not text.strip() or text != text.strip() or len(text) > 200 or not text.isprintable():
        raise ValueError(f"{text[:60]!r} is not a name: one line of at most 200 characters, without space around it")
    return text
