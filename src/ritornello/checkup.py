"""What is missing here, and what to do about it: the home, its database, keys and permissions, and the parts that are installed only when wanted."""

import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from ritornello.domain.errors import Refused
from ritornello.service import access, identity
from ritornello.service.context import CONFIG, KEYS, Context
from ritornello.service.sealing import parse_keys
from ritornello.settings import Settings
from ritornello.wiring import Home

OK, MISSING, WRONG = "ok", "missing", "wrong"
LEAST_FREE_BYTES = 2 << 30
EXTRAS = (  # module, what needs it, how to get it
    ("psycopg", "PostgreSQL", "pip install 'ritornello[postgres]'"),
    ("torch", "recording influence while a model is trained", "pip install 'ritornello[torch]'"),
    ("c2pa", "Content Credentials of outputs", "pip install 'ritornello[provenance]'"),
    ("iscc_lib", "content codes", "pip install 'ritornello[iscc]', and Debian's libchromaprint1"),
    ("pyspark", "settling on a cluster", "pip install 'ritornello[spark]', and Java"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `state`: ok; missing, which only what needs it misses; wrong, which hinders everything or endangers something."""

    state: str
    what: str
    todo: str = ""


def look(settings: Settings) -> list[Finding]:
    """Everything, whatever is wrong with some of it."""
    return [*_home(settings), *_data_key(settings), *_extras()]


def _home(settings: Settings) -> Iterator[Finding]:
    if not (settings.home / CONFIG).exists():
        yield Finding(WRONG, f"{settings.home} is no home", f"make one: ritornello --home {settings.home} init")
        return
    yield from _permissions(settings.home)
    free = shutil.disk_usage(settings.home).free
    enough = free >= LEAST_FREE_BYTES
    yield Finding(OK if enough else WRONG, f"{free / 1e9:,.1f} GB are free on the home's disk", "" if enough else "make room")
    try:
        home = Home(settings.home, settings.database, data_key=settings.data_key)
    except Refused as error:
        yield Finding(WRONG, error.what, error.todo)
        return
    except SQLAlchemyError as error:
        yield Finding(
            WRONG, f"the database can't be opened: {type(error).__name__}", "look at RITORNELLO_DATABASE, and whether the server runs"
        )
        return
    try:
        with home.context(read_only=True) as context:
            yield Finding(OK, f"the database ({home.engine.dialect.name}) has the newest schema")
            yield from _inside(context)
    finally:
        home.close()


def _permissions(home: Path) -> Iterator[Finding]:
    key = home / KEYS / "log.pem"
    for path in (home, key):
        if not path.exists():
            yield Finding(WRONG, f"{path} is gone", "restore it from a backup: without it nothing can be signed")
        elif stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding(WRONG, f"others can open {path}", f"chmod go-rwx {path}")
        else:
            yield Finding(OK, f"only its owner can open {path}")


def _inside(context: Context) -> Iterator[Finding]:
    try:
        context.read_key()
        yield Finding(OK, "the log's key can be read")
    except Refused as error:
        yield Finding(WRONG, error.what, error.todo)
    logins = [one for one in access.list_logins(context) if one["ended_at_us"] is None]
    if not logins:
        yield Finding(MISSING, "nobody can sign in to the service", "ritornello access add")
    indexed = identity.has_index(context)
    todo = "" if indexed else "ritornello catalogue fingerprint"
    yield Finding(OK if indexed else MISSING, "the catalogue has a fingerprint index" if indexed else "no fingerprint index yet", todo)


def _data_key(settings: Settings) -> Iterator[Finding]:
    if settings.data_key is None:
        yield Finding(MISSING, "no RITORNELLO_DATA_KEY: bank data is refused", "openssl rand -hex 32, and keep it apart from backups")
        return
    try:
        parse_keys(settings.data_key)
        yield Finding(OK, "RITORNELLO_DATA_KEY is a key")
    except Refused as error:
        yield Finding(WRONG, error.what, error.todo)


def _extras() -> Iterator[Finding]:
    for module, what, todo in EXTRAS:
        there = find_spec(module) is not None
        yield Finding(OK if there else MISSING, f"{what}: {module} is {'installed' if there else 'not installed'}", "" if there else todo)
