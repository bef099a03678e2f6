"""A throw-away PostgreSQL cluster in a temporary folder, reached through a Unix socket alone. Needs the server's programs (Debian: postgresql)."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text

QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}  # loses data when the machine stops: for tests
_numbers = count()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server."""

    folder: Path
    programs: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def create(self, template: str = "template0", options: str = "LOCALE 'C' ENCODING 'UTF8'") -> str:
        """Make a new database; returns its URL."""
        name = f"ritornello_{next(_numbers)}"
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} {options}"))
        engine.dispose()
        return self.url(name)

    def stop(self, mode: str = "fast") -> None:
        _as_postgres(self.programs / "pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def start(self, settings: Mapping[str, str]) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        command = [self.programs / "pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w"]
        _as_postgres(*command, "-o", f"-k {self.folder} -c listen_addresses='' {options}", "start")


def find_programs() -> Path | None:
    """Where initdb and pg_ctl are."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return places[-1] if places and (places[-1] / "initdb").exists() else None


@contextmanager
def start_cluster(settings: Mapping[str, str]) -> Iterator[Cluster]:
    """A fresh cluster with these settings, gone when the block ends. Its folder's path is short: sockets allow 107 bytes."""
    programs = find_programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="ritornello-pg-"))
    try:
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres")
        cluster = Cluster(folder, programs)
        _as_postgres(
            programs / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"
        )
        cluster.start(settings)
        try:
            yield cluster
        finally:
            cluster.stop("immediate")
    finally:
        shutil.rmtree(folder)


def _as_postgres(*command: object) -> None:
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    done = subprocess.run([*prefix, *map(str, command)], capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
