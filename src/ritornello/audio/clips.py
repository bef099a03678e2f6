"""Short pieces of sound to be played on a page, and their shape to be drawn."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from ritornello.audio.decode import UnreadableAudio, read_mono, read_what_is_there

CLIP_HZ = 24_000
QUALITY = 0.6  # of libsndfile's scale from 0 (best) to 1: about 35 kbit/s
COLUMNS = 160

Floats = npt.NDArray[np.float32]


def cut_clip(path: Path, start_ms: int, length_ms: int) -> Floats:
    """A passage of the file as mono samples (n,) at `CLIP_HZ`; of a file that is not whole, what can be decoded. Raises UnreadableAudio when there is nothing."""
    try:
        samples = read_mono(path, rate_hz=CLIP_HZ, start_ms=start_ms, length_ms=length_ms)
    except UnreadableAudio:
        samples = _cut_what_is_there(path, start_ms * CLIP_HZ // 1000, length_ms * CLIP_HZ // 1000)
    if not len(samples):
        raise UnreadableAudio("There is no sound at this place.", "Look at the file.")
    return samples


def encode_clip(samples: Floats) -> bytes:
    """The samples as an MP3 file, which every browser plays; the same samples give the same bytes."""
    stream = io.BytesIO()
    soundfile.write(
        stream,
        np.clip(samples, -1.0, 1.0),
        CLIP_HZ,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=QUALITY,
        bitrate_mode="VARIABLE",
    )
    return stream.getvalue()


def measure_shape(samples: Floats) -> tuple[int, ...]:
    """The largest sample of each of `COLUMNS` equal parts, in percent of the largest of all: a waveform that doesn't depend on the level."""
    parts = np.array_split(np.abs(samples), COLUMNS)
    peaks = np.array([float(part.max()) if len(part) else 0.0 for part in parts])
    return tuple(int(value) for value in np.rint(100 * peaks / max(float(peaks.max()), 1e-9)))


def _cut_what_is_there(path: Path, first: int, count: int) -> Floats:
    held: list[Floats] = []
    position = 0
    for block in read_what_is_there(path, rate_hz=CLIP_HZ):
        held.append(block[max(first - position, 0) : max(first + count - position, 0)])
        position += len(block)
        if position >= first + count:
            break
    return np.concatenate([np.zeros(0, np.float32), *held])
