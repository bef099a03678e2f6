"""The only reader of the environment. Every setting is listed in docs/cli.md."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What the surroundings say; command-line options win over it."""

    home: Path  # RITORNELLO_HOME: the folder with database, files and keys
    database: str | None  # RITORNELLO_DATABASE: an SQLAlchemy URL; default: SQLite in the home folder
    cache: Path  # RITORNELLO_CACHE: fetched packages of the demo
    data_key: str | None = field(default=None, repr=False)  # RITORNELLO_DATA_KEY: seals bank data at rest


def read_settings() -> Settings:
    home = Path(os.environ.get("RITORNELLO_HOME", "ritornello-home"))
    cache = Path(os.environ.get("RITORNELLO_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ritornello")
    return Settings(home, os.environ.get("RITORNELLO_DATABASE") or None, cache, os.environ.get("RITORNELLO_DATA_KEY") or None)
