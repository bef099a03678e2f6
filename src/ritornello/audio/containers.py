"""Whether a sound file holds as much as its container promises.

Decoders forgive files that were cut off: they play what is there. A catalogue must not, since a cut file has another
length and another hash than the recording that was meant. Everything here reads headers and the file's end, never
the sound, and takes no memory in proportion to a length that a header claims.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from ritornello.audio.mpeg import check_mpeg, looks_like_mpeg, skip_tag
from ritornello.audio.trouble import UnreadableAudio

CHUNKS_LIMIT = 4096
OGG_PAGE_LIMIT_BYTES = 27 + 255 + 255 * 255  # RFC 3533, section 6
OGG_END_OF_STREAM = 0x04
SIZE_UNKNOWN = 0xFFFFFFFF

COPY_AGAIN = "Copy the file again from its source, or export it again."
EXPORT_AS_KNOWN = "Give the recording as WAV, FLAC, Ogg Vorbis, Opus or MP3."


def check_container(path: Path) -> str:
    """Return the container of the file at `path` (`wav`, `flac`, `ogg` or `mp3`), told from its first bytes.

    Raises `UnreadableAudio` for an empty file, for anything else than those containers, and for a file that ends before
    its container says so. The end of a FLAC stream can only be judged by decoding it: `examine` does.
    """
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise UnreadableAudio("The file is empty.", COPY_AGAIN)
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
            _check_wave(file, size_bytes, is_rf64=head[:4] == b"RF64")
            return "wav"
        if head[:4] == b"fLaC" or find_flac(path):
            return "flac"
        if head[:4] == b"OggS":
            _check_ogg(file, size_bytes)
            return "ogg"
        if looks_like_mpeg(file):
            check_mpeg(file, size_bytes)
            return "mp3"
    raise UnreadableAudio("The file is not audio in a known container.", EXPORT_AS_KNOWN)


def find_flac(path: Path) -> int:
    """Where a FLAC stream begins behind an ID3 tag, which is where Content Credentials lie (C2PA 2.4, section A.3.4); 0 where there is no such thing."""
    with path.open("rb") as file:
        start = skip_tag(file)
        file.seek(start)
        return start if file.read(4) == b"fLaC" else 0


def _check_wave(file: BinaryIO, size_bytes: int, *, is_rf64: bool) -> None:
    """Walk the RIFF chunks (Microsoft and IBM, Multimedia Programming Interface 1.0, 1991; EBU Tech 3306 for RF64)."""
    file.seek(4)
    riff_bytes = _read_u32(file)
    data_bytes: int | None = None
    has_format = False
    position = 12
    for _ in range(CHUNKS_LIMIT):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            break
        name, chunk_bytes = struct.unpack("<4sI", header)
        if name == b"ds64" and is_rf64:
            riff_bytes, data_bytes = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
        if name == b"fmt ":
            has_format = True
            _check_wave_format(file.read(16))
        if name == b"data":
            promised = data_bytes if is_rf64 and data_bytes is not None else chunk_bytes
            _check_wave_data(promised, held=size_bytes - position - 8)
            chunk_bytes = promised
            if not has_format:
                raise UnreadableAudio("The WAV file does not say how its samples are written.", COPY_AGAIN)
            # A file whose data is whole may still have lost a chunk behind it.
            if riff_bytes + 8 > size_bytes + 1:
                raise UnreadableAudio(f"The WAV header promises {riff_bytes + 8} bytes, the file holds {size_bytes}.", COPY_AGAIN)
            return
        position += 8 + chunk_bytes + (chunk_bytes & 1)
    raise UnreadableAudio("The WAV file has no sound data.", COPY_AGAIN)


def _check_wave_format(body: bytes) -> None:
    if len(body) < 16:
        raise UnreadableAudio("The WAV header is cut off.", COPY_AGAIN)
    _, channels, rate_hz, _, block_bytes, _ = struct.unpack("<HHIIHH", body)
    if channels == 0 or rate_hz == 0 or block_bytes == 0:
        raise UnreadableAudio(
            f"The WAV header states {channels} channels, {rate_hz} Hz and {block_bytes} bytes a frame.", "Export the file again."
        )


def _check_wave_data(promised: int, held: int) -> None:
    if promised == SIZE_UNKNOWN:
        raise UnreadableAudio("The WAV file was written as a stream and does not state its length.", "Export it again to a file.")
    if promised > held:
        raise UnreadableAudio(f"The WAV header promises {promised} bytes of sound, the file holds {held}.", COPY_AGAIN)
    if promised == 0:
        raise UnreadableAudio("The WAV file has no sound data.", COPY_AGAIN)


def _check_ogg(file: BinaryIO, size_bytes: int) -> None:
    """The last page must be whole and close its stream (RFC 3533, section 6)."""
    file.seek(max(0, size_bytes - 2 * OGG_PAGE_LIMIT_BYTES))
    tail = file.read()
    start = tail.rfind(b"OggS\0")
    header = tail[start : start + 27]
    if start < 0 or len(header) < 27:
        raise UnreadableAudio("The Ogg file is cut off.", COPY_AGAIN)
    segments = tail[start + 27 : start + 27 + header[26]]
    if len(segments) < header[26] or start + 27 + len(segments) + sum(segments) > len(tail):
        raise UnreadableAudio("The Ogg file is cut off within its last page.", COPY_AGAIN)
    if not header[5] & OGG_END_OF_STREAM:
        raise UnreadableAudio("The Ogg file is cut off: its last page does not end the stream.", COPY_AGAIN)


def _read_u32(file: BinaryIO) -> int:
    return int.from_bytes(file.read(4).ljust(4, b"\0"), "little")
