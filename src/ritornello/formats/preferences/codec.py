"""What each format brings: how to write records, how to read them, which names of a subject it keeps, and why it can't say something."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ritornello.domain.preference import Preference
from ritornello.formats.preferences.source import Source


@dataclass(frozen=True, slots=True)
class Codec:
    """One format. `encode` is given records whose subjects bear only `names`, no two of them alike."""

    name: str
    title: str  # document and version
    names: tuple[str, ...]  # of a subject; none: the statement is about whatever carries it, and there is exactly one
    encode: Callable[[Sequence[Preference]], bytes]
    decode: Callable[[Source], list[Preference]]
    explain: Callable[[Preference], dict[str, str]]
    required: str | None = None  # a name without which a record can't be written
