"""Content codes of a sound file (ISCC, ISO 24138): what its bytes are, and, where Chromaprint is installed, what it sounds like.

Needs the extra `iscc`. The Audio-Code is made from a Chromaprint fingerprint of the whole file, as the standard says; Chromaprint's library comes with the
system (Debian: libchromaprint1), and without it a code has no Audio-Code.
"""

from pathlib import Path

import iscc_lib
import numpy as np

from ritornello.audio.decode import examine, read_blocks
from ritornello.domain.catalogue import ContentCodes

UNIT_BITS = 64  # of each unit in a composite code


def compute(path: Path) -> ContentCodes:
    """The codes of a file. Raises UnreadableAudio, and OSError where it can't be opened. Reads it twice: its bytes, and its sound."""
    data, instance = iscc_lib.gen_sum_code_v0(str(path), add_units=True)["units"]
    vector = _fingerprint(path) if hears() else []
    audio = iscc_lib.gen_audio_code_v0(vector)["iscc"] if vector else None
    units = [audio, data, instance] if audio else [data, instance]
    return ContentCodes(iscc_lib.gen_iscc_code_v0(units)["iscc"], audio, data, instance)


def hears() -> bool:
    """Whether Chromaprint is there, so that codes say what a file sounds like."""
    try:
        import chromaprint  # noqa: F401
    except ImportError:  # neither the package nor the system's library
        return False
    return True


def split(code: str) -> dict[str, str]:
    """The units of a code: `audio`, `data`, `instance` (others have no name here) → unit. Raises ValueError when it is no ISCC."""
    kinds = {(2, 2): "audio", (3, 0): "data", (4, 0): "instance"}
    found = {}
    for unit in iscc_lib.iscc_decompose(code.strip().upper().removeprefix("ISCC:")):
        main, sub, version, _, _ = iscc_lib.iscc_decode(unit)
        if version == 0 and (int(main), int(sub)) in kinds:
            found[kinds[int(main), int(sub)]] = f"ISCC:{unit}"
    return found


def distance(one: str, other: str) -> int:
    """How many of the first 64 bits of two units of one kind differ."""
    left, right = (int.from_bytes(iscc_lib.iscc_decode(unit)[4][: UNIT_BITS // 8], "big") for unit in (one, other))
    return (left ^ right).bit_count()


def _fingerprint(path: Path) -> list[int]:
    """Chromaprint's vector (algorithm 2, its default) over the whole file, signed as ISO 24138 wants it; empty for a few seconds or less."""
    import chromaprint

    rate_hz = examine(path).sample_rate_hz
    printer = chromaprint.Fingerprinter()
    printer.start(rate_hz, 1)
    for block in read_blocks(path, rate_hz=rate_hz):
        printer.feed((np.clip(block, -1.0, 1.0) * np.float32(32767)).astype("<i2").tobytes())
    vector, _ = chromaprint.decode_fingerprint(printer.finish())
    return [value - (1 << 32) if value >> 31 else value for value in vector]
