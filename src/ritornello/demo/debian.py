"""Debian packages as a source of files: fetched by name and version, believed by hash, unpacked without installing."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

DOWNLOAD_SECONDS = 600
UPDATE_SECONDS = 120


class CatalogueUnavailable(Exception):
    """The real music can't be had here; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Package:
    """One architecture-independent package and the SHA-256 of its file, as the archive's signed index lists it."""

    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}_{self.version.replace(':', '%3a')}_all.deb"  # as apt-get names it


def fetch_packages(packages: Sequence[Package], cache: Path, progress: Callable[[str], None]) -> tuple[dict[str, Path], bool]:
    """Bring every package into `cache`; returns where each lies unpacked, by name, and whether anything was downloaded.

    Packages already there with the right hash need no network. Raises CatalogueUnavailable.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueUnavailable(f"the cache folder {cache} can't be made: {error.strerror}") from None
    missing = [package for package in packages if not is_believed(cache / package.file, package.sha256)]
    options: list[str] = []  # the system's package lists at first, our own once those don't know a package
    for number, package in enumerate(missing, 1):
        progress(f"fetching {package.name} ({number}/{len(missing)})")
        options = _download(package, cache, options)
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


def _download(package: Package, cache: Path, options: list[str]) -> list[str]:
    """Download beside the final name, check, rename: what bears the final name was whole. Returns the options that worked."""
    with tempfile.TemporaryDirectory(prefix="download-", dir=cache) as place:
        half, wanted = Path(place) / package.file, f"{package.name}={package.version}"
        code, said = _run(["apt-get", *options, "download", wanted], Path(place), DOWNLOAD_SECONDS)
        if not options and (code != 0 or not half.is_file()):
            # A fresh machine has empty lists, and only root may fill them; in the cache anybody can keep lists of their own.
            options, complaint = _update_lists(cache)
            code, again = _run(["apt-get", *options, "download", wanted], Path(place), DOWNLOAD_SECONDS)
            said = next((text for text in (said, complaint) if "Failed to fetch" in text), again)
        if code != 0 or not half.is_file():
            raise CatalogueUnavailable(f"apt-get could not download {wanted}: {said}; it takes Debian 12's package archive, but not root")
        if not is_believed(half, package.sha256):
            raise CatalogueUnavailable(f"{package.file} was refused: its SHA-256 is not the pinned one")
        half.replace(cache / package.file)
    return options


def _update_lists(cache: Path) -> tuple[list[str], str]:
    """Package lists of our own inside the cache; returns the options that make apt-get use them, and what it said."""
    for part in ("lists/partial", "apt/archives/partial"):
        (cache / part).mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::State::Lists={cache.resolve()}/lists", "-o", f"Dir::Cache={cache.resolve()}/apt"]
    # A failure may concern a third party's archive that this machine also uses: the download decides.
    _, said = _run(["apt-get", *options, "update"], cache, UPDATE_SECONDS)
    return options, said


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
    """Exit code, and the most telling line of what was said: an error, a failed fetch, or else the last."""
    patience = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10"]
    line = [_find_tool(command[0]), *(patience if command[0] == "apt-get" else []), *command[1:]]
    try:
        done = subprocess.run(  # noqa: S603 (fixed commands, names and hashes are constants)
            line,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"no end after {seconds} s"
    said = [text for text in (done.stderr + done.stdout).splitlines() if text.strip()]
    telling = [text[3:] for mark in ("E: ", "W: Failed") for text in said if text.startswith(mark)]
    return done.returncode, (telling or said[-1:] or ["it said nothing"])[0]
