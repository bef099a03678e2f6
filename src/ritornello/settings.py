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
    engine_url: str | None = None  # RITORNELLO_ENGINE_URL: the Spark Connect address of `settle --engine spark`
    engine_data: str | None = None  # RITORNELLO_ENGINE_DATA: the folder by URL that its workers share


def read_settings() -> Settings:
    home = Path(os.environ.get("RITORNELLO_HOME", "ritornello-home"))
    cache = Path(os.environ.get("RITORNELLO_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ritornello")
    names = ("RITORNELLO_DATABASE", "RITORNELLO_DATA_KEY", "RITORNELLO_ENGINE_URL", "RITORNELLO_ENGINE_DATA")
    database, data_key, engine_url, engine_data = (os.environ.get(name) or None for name in names)
    return Settings(home, database, cache, data_key, engine_url, engine_data)
