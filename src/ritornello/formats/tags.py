"""Tags inside audio files, as they are: many spellings, many encodings, often none."""

from dataclasses import dataclass
from pathlib import Path

import mutagen

MAX_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says about itself; None where it says nothing."""

    title: str | None
    artist: str | None
    isrc: str | None


def read_tags(path: Path) -> Tags:
    """Tags of an audio file. A file without readable tags has none: whether it is audio at all is the decoder's question."""
    try:
        tags = mutagen.File(path, easy=True)
    except Exception:  # mutagen lets many parsers' errors through
        tags = None
    if tags is None or not tags.tags:
        return Tags(None, None, None)
    return Tags(_last(tags, "title"), _last(tags, "artist"), _last(tags, "isrc"))


def _last(tags: object, name: str) -> str | None:
    """The last value: taggers that append instead of replacing leave older titles in front."""
    try:
        values = tags.get(name) or []  # type: ignore[attr-defined]
    except (KeyError, ValueError):
        return None
    if not values:
        return None
    text = "".join(character if character.isprintable() else " " for character in str(values[-1]))
    return " ".join(text.split())[:MAX_CHARACTERS] or None
