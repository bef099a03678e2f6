"""Sound files in, mono samples out; and samples out to a file.

Decoding is libsndfile's (through soundfile), resampling is soxr's. All reading goes in blocks of bounded size.
"""

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from ritornello.audio.containers import COPY_AGAIN, EXPORT_AS_KNOWN, check_container, find_flac
from ritornello.audio.trouble import UnreadableAudio

__all__ = ["AudioFacts", "UnreadableAudio", "examine", "read_blocks", "read_mono", "read_what_is_there", "write_wav"]

CHANNELS_LIMIT = 64
RATE_LIMIT_HZ = 768_000
DURATION_LIMIT_MS = 12 * 3600 * 1000
BLOCK_FRAMES = 1 << 16
OGG_SLACK_FRAMES = 8192  # the longest Vorbis block: whole files from old encoders state up to that much more than they hold
MPEG_LEAD_FRAMES = 32 * 1152  # an MPEG decoder needs what came before: its frames borrow bits from and overlap with earlier ones
FORMATS = frozenset({"WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3"})
FOREIGN_FORMATS = frozenset({"AIFF", "AU", "CAF", "W64"})  # no catalogue takes them, but others' files are listened to


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What a sound file is: its length, its rate, its channels, its container (`ogg`) and codec (`vorbis`), in lower case."""

    duration_ms: int
    sample_rate_hz: int
    channels: int
    container: str
    codec: str


def examine(path: Path) -> AudioFacts:
    """Return the facts of the sound file at `path` without decoding more than its end.

    `duration_ms` is rounded down. Raises `UnreadableAudio` for an empty file, for what is not audio, for a file that is cut
    off or states more than it holds, and for values beyond our limits (64 channels, 768 kHz, 12 hours). Of an MP3
    only missing frames can be noticed; an Ogg page that overstates the length is only noticed in reading. Raises `OSError` where the file cannot be opened at all.
    """
    container = check_container(path)
    with _open(path) as sound:
        facts = _read_facts(sound, container)
        if container == "flac":
            _check_last_frame(sound)
    return facts


def read_mono(path: Path, *, rate_hz: int, start_ms: int = 0, length_ms: int | None = None) -> npt.NDArray[np.float32]:
    """Return a passage of the file at `path` as float32 samples of shape (n,), channels averaged, at `rate_hz`.

    The passage starts `start_ms` into the file and lasts `length_ms` (None: to the end); n is
    `length_ms * rate_hz // 1000`, or less where the file ends before. Only that passage is decoded
    (and, of an MP3, up to a second before each block, without which it would sound wrong).
    Raises `UnreadableAudio` as `examine` does, and where the sound stops early or holds values that are not numbers.
    """
    pieces = list(read_blocks(path, rate_hz=rate_hz, start_ms=start_ms, length_ms=length_ms))
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)


def read_blocks(path: Path, *, rate_hz: int, start_ms: int = 0, length_ms: int | None = None) -> Iterator[npt.NDArray[np.float32]]:
    """Yield what `read_mono` returns piece by piece, so that memory does not grow with the passage."""
    if rate_hz <= 0 or start_ms < 0 or (length_ms is not None and length_ms < 0):
        raise ValueError("a rate is positive; a start and a length are not negative")
    container = check_container(path)
    with _open(path) as sound:
        facts = _read_facts(sound, container)
        source_hz = facts.sample_rate_hz
        first = min(start_ms * source_hz // 1000, sound.frames)
        last = sound.frames if length_ms is None else min(-(-(start_ms + length_ms) * source_hz // 1000), sound.frames)
        left = None if length_ms is None else length_ms * rate_hz // 1000
        stream = soxr.ResampleStream(source_hz, rate_hz, 1, dtype="float32", quality="HQ") if source_hz != rate_hz else None
        if first >= last:
            return
        for block, is_last in _read_source(sound, first, last, container):
            piece = block if stream is None else stream.resample_chunk(block, last=is_last)
            piece = piece if left is None else piece[:left]
            left = None if left is None else left - len(piece)
            if len(piece):
                yield piece


def read_what_is_there(path: Path, *, rate_hz: int) -> Iterator[npt.NDArray[np.float32]]:
    """As `read_blocks`, of somebody else's file that is cut off, damaged or in a container that catalogues don't take: as much as can be decoded, up to 12 hours.

    Samples that are not numbers become silence. Raises `UnreadableAudio` when there is nothing to be heard.
    """
    heard = False
    with _open(path) as sound:
        channels, source_hz = int(sound.channels), int(sound.samplerate)
        if sound.format not in FORMATS | FOREIGN_FORMATS or not 1 <= channels <= CHANNELS_LIMIT or not 1 <= source_hz <= RATE_LIMIT_HZ:
            raise UnreadableAudio(
                f"The file is {sound.format} with {channels} channels at {source_hz} Hz, which is not taken.", EXPORT_AS_KNOWN
            )
        stream = soxr.ResampleStream(source_hz, rate_hz, 1, dtype="float32", quality="HQ") if source_hz != rate_hz else None
        for _ in range(DURATION_LIMIT_MS * source_hz // 1000 // BLOCK_FRAMES):
            try:
                block = sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, RuntimeError):
                break
            if not len(block):
                break
            heard = True
            mono = np.nan_to_num(block, posinf=0.0, neginf=0.0).mean(axis=1, dtype=np.float32)
            yield mono if stream is None else stream.resample_chunk(mono)
    if not heard:
        raise UnreadableAudio("Nothing of the file can be decoded.", COPY_AGAIN)
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)


def write_wav(path: Path, samples: npt.NDArray[np.float32], rate_hz: int) -> None:
    """Write mono `samples` of shape (n,), full scale ±1, as a 16-bit WAV file; the same samples always give the same bytes.

    Louder samples are clipped. Raises `ValueError` for another shape or for values that are not numbers.
    """
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise ValueError("samples are a finite row of numbers")
    frames = np.rint(np.clip(samples, -1.0, 1.0) * np.float32(32767)).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(frames)


class _Straight(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A sound file that is read straight on. soundfile seeks to where it already is after each read, which makes MP3 decoders start anew."""

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        super().close()
        if isinstance(self.name, io.FileIO):
            self.name.close()


class _Behind(io.FileIO):
    """A file from some byte on. libsndfile reads FLAC behind a tag too, but when it seeks there it loses its way."""

    def __init__(self, path: Path, start: int) -> None:
        super().__init__(str(path))
        self.start = start
        self.seek(0)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return super().seek(offset + self.start if whence == io.SEEK_SET else offset, whence) - self.start

    def tell(self) -> int:
        return super().tell() - self.start


def _open(path: Path) -> soundfile.SoundFile:
    try:
        start = find_flac(path)
        return _Straight(_Behind(path, start) if start else str(path))
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as trouble:
        raise UnreadableAudio("The file looks like audio but cannot be decoded.", EXPORT_AS_KNOWN) from trouble


def _read_facts(sound: soundfile.SoundFile, container: str) -> AudioFacts:
    """The facts, checked against the limits before anything is made of them."""
    channels, rate_hz, frames = int(sound.channels), int(sound.samplerate), int(sound.frames)
    if sound.format not in FORMATS:
        raise UnreadableAudio(f"The file is {sound.format}, which is not taken.", EXPORT_AS_KNOWN)
    if not 1 <= channels <= CHANNELS_LIMIT:
        raise UnreadableAudio(f"The file has {channels} channels; at most {CHANNELS_LIMIT} are taken.", "Export a stereo file.")
    if not 1 <= rate_hz <= RATE_LIMIT_HZ:
        raise UnreadableAudio(f"The file states {rate_hz} samples a second; at most {RATE_LIMIT_HZ} are taken.", "Export at 48 kHz.")
    if frames <= 0:
        raise UnreadableAudio("The file holds no sound.", COPY_AGAIN)
    duration_ms = frames * 1000 // rate_hz
    if duration_ms > DURATION_LIMIT_MS:
        raise UnreadableAudio(
            "The file states more than 12 hours, or no length at all.", "Give one file per recording, exported to a file."
        )
    codec = str(sound.subtype).lower()
    return AudioFacts(duration_ms, rate_hz, channels, container, container if container in ("mp3", "flac") else codec)


def _check_last_frame(sound: soundfile.SoundFile) -> None:
    """A cut FLAC file still states its old length, but its last samples are not there to be read."""
    tail = min(int(sound.frames), BLOCK_FRAMES // 16)
    try:
        sound.seek(sound.frames - tail)
        held = len(sound.read(tail, dtype="float32", always_2d=True))
    except (soundfile.SoundFileError, RuntimeError):
        held = 0
    if held < tail:
        raise UnreadableAudio("The FLAC file is cut off, or states more than it holds: its last samples are missing.", COPY_AGAIN)


def _read_source(sound: soundfile.SoundFile, first: int, last: int, container: str) -> Iterator[tuple[npt.NDArray[np.float32], bool]]:
    """Mono blocks of frames `first` up to `last`, each with whether it is the last one."""
    try:
        position, lead = first, min(first, MPEG_LEAD_FRAMES) if container == "mp3" else 0
        if first:
            sound.seek(first - lead)
            sound.read(lead, dtype="float32", always_2d=True)
        while position < last:
            wanted = min(BLOCK_FRAMES, last - position)
            block = sound.read(wanted, dtype="float32", always_2d=True)
            # The length of an MP3 is an estimate where its encoder left none.
            missing = 0 if container == "mp3" else last - position - len(block) if len(block) < wanted else 0
            if missing > (OGG_SLACK_FRAMES if container == "ogg" else 0):
                raise UnreadableAudio("The sound stops before its stated end.", COPY_AGAIN)
            if not np.isfinite(block).all():
                raise UnreadableAudio("The file holds samples that are not numbers.", "Export the file again.")
            position += wanted if len(block) == wanted else last
            yield block.mean(axis=1, dtype=np.float32), position >= last
    except (soundfile.SoundFileError, RuntimeError) as trouble:
        raise UnreadableAudio("The sound cannot be decoded to its end.", COPY_AGAIN) from trouble
