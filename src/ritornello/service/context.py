"""What every use case is handed: one open transaction, the file store, the clock, the log's key, and a place to tell progress."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from ritornello.store import log
from ritornello.store.files import FileStore

CONFIG, DATABASE, KEYS, FILES = "ritornello.json", "ritornello.db", "keys", "files"  # what a home can't be without


@dataclass(frozen=True, slots=True)
class Context:
    """Handed from the door to exactly one service function; committed by the door when that returns."""

    connection: Connection
    files: FileStore
    now_us: Callable[[], int]  # UTC microseconds since 1970
    random_bytes: Callable[[int], bytes]
    origin: str  # the log's name
    read_key: Callable[[], Ed25519PrivateKey]
    tell: Callable[[str], None]  # progress for people
    read_data_keys: Callable[[], tuple[bytes, ...]] = tuple  # that bank data is sealed with; none by default

    @property
    def fingerprints(self) -> Path:
        """The folder of the catalogue's fingerprint index: beside the files, whatever the database is."""
        return self.files.folder.parent / "fingerprints"

    @property
    def output_fingerprints(self) -> Path:
        """The folder of the index of registered outputs."""
        return self.files.folder.parent / "fingerprints-outputs"

    @property
    def chroma(self) -> Path:
        """The folder with what each recording plays, to find the same work in another recording."""
        return self.files.folder.parent / "chroma"

    @property
    def evidence(self) -> Path:
        """The folder of what was heard in outputs, kept so that nothing is heard twice."""
        return self.files.folder.parent / "evidence"

    def today(self) -> date:
        return datetime.fromtimestamp(self.now_us() / 1_000_000, UTC).date()

    def record(self, kind: str, name: str, digest: str) -> None:
        """Commit an artefact to the transparency log."""
        log.append(self.connection, [(kind, name, digest)], self.now_us())

    def record_all(self, kind: str, artefacts: Iterable[tuple[str, str]]) -> None:
        """Commit many artefacts (id, hash) of one kind: the same entries, with much less work."""
        log.append(self.connection, [(kind, name, digest) for name, digest in artefacts], self.now_us())
