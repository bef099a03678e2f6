"""Sound files of every container that C2PA might be wanted for. M4A is put together here, since libsndfile doesn't write it."""

import struct
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 44_100
# One frame of silence in AAC-LC, mono, 44.1 kHz (ISO/IEC 14496-3), and the configuration that says so.
AAC_SILENCE = bytes.fromhex("01182007")
AAC_CONFIGURATION = bytes.fromhex("1208")
AAC_FRAME = 1024


def write_all(folder: Path) -> dict[str, Path]:
    """Container → a file of it, two seconds long."""
    time = np.arange(2 * RATE_HZ) / RATE_HZ
    samples = (0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
    kinds = {
        "wav": ("WAV", "PCM_16"),
        "flac": ("FLAC", "PCM_16"),
        "mp3": ("MP3", None),
        "ogg": ("OGG", "VORBIS"),
        "opus": ("OGG", "OPUS"),
        "aiff": ("AIFF", "PCM_16"),
        "rf64": ("RF64", "PCM_16"),
    }
    files = {}
    for name, (form, subtype) in kinds.items():
        files[name] = folder / f"sound.{name}"
        soundfile.write(files[name], samples, 48_000 if name == "opus" else RATE_HZ, format=form, subtype=subtype)
    for name, fragmented in (("m4a", False), ("fragmented", True)):
        files[name] = folder / f"sound-{name}.m4a"
        files[name].write_bytes(make_m4a(2 * RATE_HZ // AAC_FRAME, fragmented=fragmented))
    files["adts"] = folder / "sound.aac"
    files["adts"].write_bytes(
        bytes.fromhex("fff15040") + bytes([(7 + len(AAC_SILENCE)) >> 3, 0x1F | (7 + len(AAC_SILENCE) & 7) << 5, 0xFC]) + AAC_SILENCE
    )
    return files


def make_m4a(frames: int, *, fragmented: bool = False) -> bytes:
    """An MPEG-4 audio file (ISO/IEC 14496-12 and -14) of so many frames of silence: in one chunk, or all in one fragment."""
    ftyp, sound = _box(b"ftyp", b"M4A \0\0\0\0M4A mp42isom"), AAC_SILENCE * frames
    if fragmented:
        run = _full(b"trun", struct.pack(">Ii", frames, 8 + 16 + 8 + 20 + 20 + 20 + 8), 0x000001)
        defaults = struct.pack(">III", 1, AAC_FRAME, len(AAC_SILENCE))
        traf = _box(b"traf", _full(b"tfhd", defaults, 0x020018) + _full(b"tfdt", bytes(4)) + run)
        return ftyp + _movie(0, 0, fragmented=True) + _box(b"moof", _full(b"mfhd", struct.pack(">I", 1)) + traf) + _box(b"mdat", sound)
    moov = _movie(frames, len(ftyp) + len(_movie(frames, 0)) + 8)
    return ftyp + moov + _box(b"mdat", sound)


def _movie(frames: int, offset: int, *, fragmented: bool = False) -> bytes:
    length = frames * AAC_FRAME
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    decoder = _descriptor(4, b"\x40\x15" + bytes(11) + _descriptor(5, AAC_CONFIGURATION))
    esds = _full(b"esds", _descriptor(3, b"\0\0\0" + decoder + _descriptor(6, b"\2")))
    entry = _box(b"mp4a", bytes(6) + b"\0\1" + bytes(8) + struct.pack(">HHHHI", 1, 16, 0, 0, RATE_HZ << 16) + esds)
    table = [
        _full(b"stsd", struct.pack(">I", 1) + entry),
        _full(b"stts", struct.pack(">III", 1, frames, AAC_FRAME) if frames else bytes(4)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, frames, 1) if frames else bytes(4)),
        _full(b"stsz", struct.pack(">II", len(AAC_SILENCE), frames)),
        _full(b"stco", struct.pack(">II", 1, offset) if frames else bytes(4)),
    ]
    reference = _box(b"dinf", _full(b"dref", struct.pack(">I", 1) + _full(b"url ", b"", 1)))
    media = _box(b"minf", _full(b"smhd", bytes(4)) + reference + _box(b"stbl", b"".join(table)))
    handler = _full(b"hdlr", bytes(4) + b"soun" + bytes(12) + b"sound\0")
    mdia = _box(b"mdia", _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, RATE_HZ, length, 0x55C4, 0)) + handler + media)
    tkhd = _full(
        b"tkhd", struct.pack(">IIIII", 0, 0, 1, 0, length) + bytes(8) + struct.pack(">HHHH", 0, 0, 0x100, 0) + matrix + bytes(8), 7
    )
    mvhd = _full(
        b"mvhd", struct.pack(">IIIIIH", 0, 0, RATE_HZ, length, 0x10000, 0x100) + bytes(10) + matrix + bytes(24) + struct.pack(">I", 2)
    )
    mvex = _box(b"mvex", _full(b"trex", struct.pack(">IIIII", 1, 1, AAC_FRAME, len(AAC_SILENCE), 0)))
    return _box(b"moov", mvhd + _box(b"trak", tkhd + mdia) + (mvex if fragmented else b""))


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def _full(name: bytes, content: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags) + content)


def _descriptor(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content
