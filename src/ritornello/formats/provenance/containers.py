"""Which files can be signed: told from their bytes. What the library doesn't write is refused with advice."""

from pathlib import Path
from typing import BinaryIO

MIME = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "m4a": "audio/mp4"}
_EXPORT = "export the audio as WAV, FLAC, MP3 or M4A and sign that"


class Unsignable(Exception):
    """This file can't be signed: `what` is in the way, `todo` would help."""

    def __init__(self, what: str, todo: str) -> None:
        self.what, self.todo = what, todo
        super().__init__(f"{what} → {todo}")


def recognise(path: Path) -> str:
    """The container: a key of `MIME`. Raises Unsignable for any other, OSError when the file can't be opened. Reads headers only."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:3] == b"ID3":
            file.seek(_behind_tag(file))
            head = file.read(12)
            if not _is_layer_three(head) and head[:4] != b"fLaC":
                raise Unsignable("has an ID3 tag with neither MP3 nor FLAC behind it", _EXPORT)
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            return "wav"
        if head[:4] == b"fLaC":
            return "flac"
        if _is_layer_three(head):
            return "mp3"
        if head[4:8] == b"ftyp":
            return "m4a"
        raise Unsignable(_name(head), _EXPORT)


def _name(head: bytes) -> str:
    if head[:4] in (b"RF64", b"BW64"):
        return "is an RF64 file, which the signing library can't write"
    if head[:4] == b"OggS":
        return "is an Ogg file (Vorbis or Opus), which the signing library can't write"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "is an AIFF file, for which C2PA has no place"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "is bare AAC (ADTS), for which C2PA has no place"
    return "is empty" if not head else "is no audio in a known container"


def _behind_tag(file: BinaryIO) -> int:
    """Position behind an ID3v2 tag: its length is written in four bytes of seven bits."""
    file.seek(6)
    return 10 + sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(file.read(4)))


def _is_layer_three(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
