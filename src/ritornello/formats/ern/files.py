"""The audio that a message names: a file beside it, checked against the hash that the message states."""

import hashlib
from pathlib import Path

from ritornello.formats.ern.taking import Taking
from ritornello.formats.preferences.xml import Element
from ritornello.formats.sheet import parse_relative_path

_HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA-1": "sha1", "SHA256": "sha256", "SHA-256": "sha256", "SHA512": "sha512", "SHA-512": "sha512"}


def take_file(taking: Taking, edition: Element) -> str | None:
    """The first file of an edition, named below the import's folder. None where it isn't there: an update often brings no audio."""
    for file in (one for one in edition.walk() if one.name == "File" and one.value("URI")):
        uri = taking.message.value(file, "URI") or ""
        try:
            path = (taking.message.path.parent / parse_relative_path(uri)).resolve()
            name = path.relative_to(taking.root.resolve())
        except ValueError:
            taking.note("a file is named by an address that leads out of the folder: left out")
            continue
        if not path.is_file():
            taking.note("a file that a message names is not there: its recording is taken without audio")
            return None
        _check_hash(taking, file, path, uri)
        return name.as_posix()
    return None


def _check_hash(taking: Taking, file: Element, path: Path, uri: str) -> None:
    for one in file.all("HashSum"):
        algorithm = _HASHES.get((taking.message.value(one, "Algorithm") or "").upper())
        stated = taking.message.value(one, "HashSumValue")
        if not algorithm or not stated:
            continue
        digest = hashlib.new(algorithm, usedforsecurity=False)
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() != stated.lower():
            taking.problem(one, "HashSum", f"{uri!r} does not have the {algorithm} that the message states", "ask for the delivery again")
