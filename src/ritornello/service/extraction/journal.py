"""What an audit has listened to so far: a file in its folder, committed in batches, from which an interrupted audit goes on.

Items and sounds are kept apart. An item has a name; a sound is its bytes, by SHA-256, with what was heard in them. So what lies there twice is heard once, and
a file whose length and time have not changed is not even read again. Results come out in the order of names, however many processes listened.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ritornello.audio.fingerprint import Passage

FILE = "journal.sqlite"
BATCH_ITEMS, BATCH_SECONDS = 64, 5.0  # at most so much is lost when the machine stops
_TABLES = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item (
    name TEXT PRIMARY KEY, bytes INTEGER NOT NULL, stamp TEXT NOT NULL, sha256 TEXT, refused TEXT, pass INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sound (
    sha256 TEXT PRIMARY KEY, outcome TEXT NOT NULL, detail TEXT NOT NULL, heard_ms INTEGER NOT NULL, passages TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listed (name TEXT PRIMARY KEY, sha256s TEXT NOT NULL, isrcs TEXT NOT NULL, pass INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asset (sha256 TEXT PRIMARY KEY, duration_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
SAME_FILE, HEARD, IN_PART, NOT_SOUND, REFUSED = "same_file", "heard", "heard_in_part", "not_sound", "refused"


@dataclass(frozen=True, slots=True)
class Sound:
    """What was heard in some bytes: one of the outcomes above, why where that needs saying, for how long, and the passages found."""

    sha256: str
    outcome: str
    detail: str
    heard_ms: int
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """An item of the current pass with its sound; `refused` instead of a sound where it could not be read at all."""

    name: str
    bytes: int
    sound: Sound | None
    refused: str


class Journal:
    """The one writer. Close it; what was noted since the last commit is lost otherwise."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.executescript(_TABLES)
        self.connection.execute("BEGIN")
        self.pending, self.committed_at, self.number = 0, time.monotonic(), 0

    def begin(self, settings: dict[str, Any], assets: Iterable[tuple[str, int]]) -> dict[str, Any]:
        """Begin a pass, or go on with one that was not finished: then its settings count. What was heard by another index or another rule is forgotten."""
        known = self.read_settings()
        if known and not known["finished"]:
            settings = {**settings, "known_at_us": known["known_at_us"], "day": known["day"]}
        if known and any(known[name] != settings[name] for name in ("index", "false_match_ppb")):
            self.connection.execute("DELETE FROM sound")
        self.number = known.get("pass", 0) + (1 if known.get("finished", True) else 0)
        self.connection.execute("DELETE FROM asset")
        self.connection.executemany("INSERT INTO asset VALUES (?, ?)", assets)
        settings = {**settings, "pass": self.number, "finished": False}
        self._write_settings(settings)
        return settings

    def resume(self) -> dict[str, Any]:
        """Go on with the pass that was begun last; its settings."""
        settings = self.read_settings()
        self.number = settings["pass"]
        return settings

    def finish(self) -> None:
        """The pass is written down: the next one is a new one. What no longer lies there is forgotten."""
        for table in ("item", "listed"):
            self.connection.execute(f"DELETE FROM {table} WHERE pass <> ?", (self.number,))  # noqa: S608
        self._write_settings({**self.read_settings(), "finished": True})
        self.commit()

    def read_settings(self) -> dict[str, Any]:
        return {name: json.loads(value) for name, value in self.connection.execute("SELECT name, value FROM setting")}

    def is_known(self, name: str, size_bytes: int, stamp: str) -> bool:
        """Whether these very bytes were listened to, and need not be read again; if so, they belong to this pass."""
        row = self.connection.execute(
            "SELECT 1 FROM item LEFT JOIN sound USING (sha256) WHERE name = ? AND bytes = ? AND stamp = ? AND sound.sha256 IS NOT NULL",
            (name, size_bytes, stamp),
        ).fetchone()
        if row:
            self.connection.execute("UPDATE item SET pass = ? WHERE name = ?", (self.number, name))
            self._count()
        return row is not None

    def note(self, name: str, size_bytes: int, stamp: str, sound: Sound | str, refused: str = "") -> None:
        """An item and what was heard in it; `sound` may be the SHA-256 of one that was heard before, or empty with a refusal."""
        if isinstance(sound, Sound):
            passages = json.dumps([asdict(one) for one in sound.passages], separators=(",", ":"))
            row = (sound.sha256, sound.outcome, sound.detail, sound.heard_ms, passages)
            self.connection.execute("INSERT OR REPLACE INTO sound VALUES (?, ?, ?, ?, ?)", row)
        sha256 = sound.sha256 if isinstance(sound, Sound) else sound or None
        self.connection.execute(
            "INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?, ?)", (name, size_bytes, stamp, sha256, refused or None, self.number)
        )
        self._count()

    def note_listed(self, name: str, sha256s: tuple[str, ...], isrcs: tuple[str, ...]) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO listed VALUES (?, ?, ?, ?)", (name, " ".join(sha256s), " ".join(isrcs), self.number)
        )
        self._count()

    def read_items(self) -> Iterator[Examined]:
        """Every item of this pass, by name."""
        query = "SELECT name, bytes, item.sha256, refused, outcome, detail, heard_ms, passages FROM item LEFT JOIN sound USING (sha256) WHERE pass = ? ORDER BY name"
        for name, size, sha256, refused, outcome, detail, heard_ms, passages in self.connection.execute(query, (self.number,)):
            found = tuple(Passage(**one) for one in json.loads(passages or "[]"))
            yield Examined(name, size, Sound(sha256, outcome, detail, heard_ms, found) if outcome else None, refused or "")

    def read_listed(self) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        """(name, hashes, ISRCs) of every listed line of this pass, by name."""
        for name, sha256s, isrcs in self.connection.execute(
            "SELECT name, sha256s, isrcs FROM listed WHERE pass = ? ORDER BY name", (self.number,)
        ):
            yield name, tuple(sha256s.split()), tuple(isrcs.split())

    def commit(self) -> None:
        """Durable on return."""
        self.connection.execute("COMMIT")
        self.connection.execute("BEGIN")
        self.pending, self.committed_at = 0, time.monotonic()

    def close(self) -> None:
        self.connection.execute("COMMIT")
        self.connection.close()

    def _write_settings(self, settings: dict[str, Any]) -> None:
        rows = [(name, json.dumps(value)) for name, value in settings.items()]
        self.connection.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", rows)
        self.commit()

    def _count(self) -> None:
        self.pending += 1
        if self.pending >= BATCH_ITEMS or time.monotonic() - self.committed_at > BATCH_SECONDS:
            self.commit()


class Lookup:
    """What a listening process asks of the journal: read-only, as committed."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)

    def is_heard(self, sha256: str) -> bool:
        """Whether these bytes were listened to."""
        return self.connection.execute("SELECT 1 FROM sound WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def find_asset(self, sha256: str) -> int | None:
        """The length in milliseconds of the catalogue's file with this hash; None when there is none."""
        row = self.connection.execute("SELECT duration_ms FROM asset WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else int(row[0])
