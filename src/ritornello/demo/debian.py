"""Debian packages as a source of files: fetched by name and version, believed by hash, unpacked without installing."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

DOWNLOAD_SECONDS = 600
UPDATE_SECONDS = 180


class CatalogueUnavailable(Exception):  # noqa: N818 (reads as what it is, like Refused)
    """The real music can't be had here; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Package:
    """One architecture-independent package and the SHA-256 of its file, as the archive's signed index lists it."""

    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}_{self.version}_all.deb"


def fetch_packages(packages: Sequence[Package], cache: Path, progress: Callable[[str], None]) -> tuple[dict[str, Path], bool]:
    """Bring every package into `cache`; returns where each lies unpacked, by name, and whether anything was downloaded.

    Packages already there with the right hash need no network. Raises CatalogueUnavailable.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueUnavailable(f"the cache folder {cache} can't be made: {error.strerror}") from None
    missing = [package for package in packages if not is_believed(cache / package.file, package.sha256)]
    if missing:
        _find_tool("apt-get")
    for number, package in enumerate(missing, 1):
        progress(f"fetching {package.name} ({number}/{len(missing)})")
        _download(package, cache)
    return {package.name: _unpack(package, cache, progress) for package in packages}, bool(missing)


def is_believed(path: Path, sha256: str) -> bool:
    """Whether the file is there with exactly this hash; a file with another hash is removed."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        path.unlink()
    return found == sha256


def _download(package: Package, cache: Path) -> None:
    """First with the system's package lists, then with lists of our own, which need no root to be brought up to date."""
    with tempfile.TemporaryDirectory(prefix="download-", dir=cache) as place:
        half = Path(place) / package.file
        wanted = f"{package.name}={package.version}"
        code, said = _run(["apt-get", "download", wanted], Path(place), DOWNLOAD_SECONDS)
        if code != 0 or not half.is_file():
            lists = _update_lists(cache)
            code, said = _run(["apt-get", *lists, "download", wanted], Path(place), DOWNLOAD_SECONDS)
        if code != 0 or not half.is_file():
            reason = "apt-get can't download {0}: {1} (the demo needs the package archive of Debian 12, reachable; package lists are kept in the cache, root is not needed)"
            raise CatalogueUnavailable(reason.format(wanted, said))
        if not is_believed(half, package.sha256):
            raise CatalogueUnavailable(f"{package.file} was refused: its SHA-256 is not the pinned one")
        half.replace(cache / package.file)


def _update_lists(cache: Path) -> list[str]:
    """Package lists of our own inside the cache; returns the options that make apt-get use them."""
    for part in ("lists/partial", "apt/archives/partial"):
        (cache / part).mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::State::Lists={cache.resolve()}/lists", "-o", f"Dir::Cache={cache.resolve()}/apt"]
    # An exit code other than 0 may come from a third party's archive that this machine also uses: the download decides.
    _run(["apt-get", *options, "update"], cache, UPDATE_SECONDS)
    return options


def _unpack(package: Package, cache: Path, progress: Callable[[str], None]) -> Path:
    """Unpack beside the final name and rename: a folder of that name is complete."""
    target = cache / "unpacked" / f"{package.name}_{package.version}"
    if target.is_dir():
        return target
    _find_tool("dpkg-deb")
    progress(f"unpacking {package.name}")
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as place:
        code, said = _run(["dpkg-deb", "-x", str((cache / package.file).resolve()), place + "/x"], cache, UPDATE_SECONDS)
        if code != 0:
            raise CatalogueUnavailable(f"{package.file} can't be unpacked: {said}")
        (Path(place) / "x").replace(target)
    return target


def _find_tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CatalogueUnavailable(f"{name} is not on this machine (the real music comes as Debian packages)")
    return found


def _run(command: list[str], folder: Path, seconds: int) -> tuple[int, str]:
    """Exit code and the last telling line of what was said."""
    polite = ["-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]
    line = [_find_tool(command[0]), *(polite if command[0] == "apt-get" else []), *command[1:]]
    try:
        done = subprocess.run(  # noqa: S603 (fixed commands, names and hashes are constants)
            line, cwd=folder, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return 124, f"no end after {seconds} s"
    said = [text for text in (done.stderr + done.stdout).splitlines() if text.strip()]
    with contextlib.suppress(StopIteration):
        return done.returncode, next(text for text in said if text.startswith("E:")).removeprefix("E: ")
    return done.returncode, said[-1] if said else "it said nothing"
