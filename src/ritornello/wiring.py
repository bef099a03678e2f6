"""Builds the real things: a home folder with its database, file store, log key and clock."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ritornello.domain.errors import Refused
from ritornello.formats.canonical import write_atomically
from ritornello.service.context import CONFIG, DATABASE, FILES, KEYS, Context
from ritornello.service.sealing import parse_keys
from ritornello.store.database import open_engine, transaction, upgrade
from ritornello.store.files import FileStore


def now_us() -> int:
    """UTC microseconds since 1970."""
    return time.time_ns() // 1000


def create_home(home: Path, origin: str, database: str | None) -> None:
    """Make a home folder: database, file store, a new log key that only its owner can read. Raises Refused when there is one."""
    if (home / CONFIG).exists():
        raise Refused("home_exists", f"{home} is a Ritornello home already", "use it, or choose another folder")
    if left := [name for name in (KEYS, FILES, DATABASE) if (home / name).exists()]:
        raise Refused(
            "home_broken",
            f"{home} has {', '.join(left)} but no {CONFIG}",
            f"restore {CONFIG} from a backup; a new key would orphan the old log",
        )
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    key = Ed25519PrivateKey.generate()
    write_atomically(home / KEYS / "log.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    upgrade(open_engine(_url(home, database)))
    write_atomically(home / CONFIG, json.dumps({"origin": origin}).encode() + b"\n")


class Home:
    """An opened home: its database stays connected from one transaction to the next. Close it."""

    def __init__(self, home: Path, database: str | None, clock: Callable[[], int] = now_us, data_key: str | None = None) -> None:
        """Raises Refused when there is no home, or a broken one."""
        try:
            self.origin = str(json.loads((home / CONFIG).read_bytes())["origin"])
        except FileNotFoundError:
            raise Refused("no_home", f"{home} is no Ritornello home", f"make one: ritornello --home {home} init") from None
        except (ValueError, KeyError, TypeError):
            raise Refused("home_broken", f"{home / CONFIG} can't be read", "restore it from a backup") from None
        if database is None and not (home / DATABASE).is_file():
            raise Refused("home_broken", f"{home} has no {DATABASE}", "restore it from a backup")
        self.folder, self.clock, self._data_key = home, clock, data_key
        self.engine = open_engine(_url(home, database))
        upgrade(self.engine)

    @contextmanager
    def context(self, tell: Callable[[str], None] = lambda _: None, *, read_only: bool = False) -> Iterator[Context]:
        """A context inside one transaction: committed when the block ends well, rolled back otherwise. A reader waits for nobody and can't write."""
        with transaction(self.engine, read_only=read_only) as connection:
            files = FileStore(self.folder / FILES)
            yield Context(
                connection,
                files,
                self.clock,
                os.urandom,
                self.origin,
                lambda: _read_key(self.folder),
                tell,
                lambda: parse_keys(self._data_key),
            )

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def open_context(
    home: Path, database: str | None, tell: Callable[[str], None], clock: Callable[[], int] = now_us, data_key: str | None = None
) -> Iterator[Context]:
    """A context of a home that is opened for one transaction."""
    opened = Home(home, database, clock, data_key)
    try:
        with opened.context(tell) as context:
            yield context
    finally:
        opened.close()


def _url(home: Path, database: str | None) -> str:
    return database or f"sqlite:///{(home / DATABASE).resolve()}"


def _read_key(home: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key((home / KEYS / "log.pem").read_bytes(), password=None)
    except (OSError, ValueError):
        raise Refused("home_broken", f"{home / KEYS / 'log.pem'} is gone or no private key", "restore it from a backup") from None
    assert isinstance(key, Ed25519PrivateKey)
    return key
