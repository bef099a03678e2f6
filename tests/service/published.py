"""Published logs for tests: homes with many entries, made quickly."""

import shutil
from pathlib import Path

from ritornello.formats.canonical import encode
from ritornello.service.publication import publish
from ritornello.settings import read_settings
from ritornello.store import log
from ritornello.wiring import create_home, open_context

ORIGIN = "log.example.org/test"


def make_home(home: Path, entries: int, *, key_of: Path | None = None, mark: str = "") -> Path:
    """A home whose log has so many entries; with another home's key, so that two logs speak with one voice."""
    create_home(home, ORIGIN, None)
    if key_of:
        shutil.copy(key_of / "keys" / "log.pem", home / "keys" / "log.pem")
    grow(home, entries, mark)
    return home


def grow(home: Path, entries: int, mark: str = "") -> None:
    with open_context(home, read_settings().database, print) as context:
        start = log.size(context.connection)
        log.append_entries(context.connection, [make_entry(number, mark) for number in range(start, start + entries)])


def make_entry(number: int, mark: str = "") -> bytes:
    return encode({"at_us": number, "hash": "00" * 32, "id": f"{mark}{number}", "kind": "test"})


def publish_home(home: Path, folder: Path) -> dict[str, object]:
    with open_context(home, None, lambda _: None) as context:
        return publish(context, folder)
